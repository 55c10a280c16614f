// A world as a tar archive: POSIX ustar headers, with GNU's long-name entry where a path does not fit.

import { FIXTURE_MTIME, OPERATOR_UID } from "../contract.ts";

const BLOCK = 512;
const ROOT = { uid: 0, gid: 0 };

/** One member of an archive. */
export interface TarEntry {
  readonly path: string;
  readonly kind: "file" | "directory" | "link";
  readonly mode: number;
  /** `shared`: root's, of the operator's group. */
  readonly owner: "root" | "operator" | "shared";
  /** A symbolic link's target, of at most 100 bytes; empty for a directory. */
  readonly content: Uint8Array;
}

/** Packs entries in their order, relative to `/`, all with the fixtures' modification time. */
export function packTar(entries: readonly TarEntry[]): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (const entry of entries) {
    const name = Buffer.from(entry.path.slice(1) + (entry.kind === "directory" ? "/" : ""));
    if (name.byteLength > 100) {
      const long = Buffer.concat([name, Buffer.alloc(1)]);
      blocks.push(header(Buffer.from("././@LongLink"), "L", 0o644, ROOT, long.byteLength), padded(long));
    }
    const owner = {
      uid: entry.owner === "operator" ? OPERATOR_UID : 0,
      gid: entry.owner === "root" ? 0 : OPERATOR_UID,
    };
    if (entry.kind === "link") {
      blocks.push(header(name.subarray(0, 100), "2", entry.mode, owner, 0, entry.content));
      continue;
    }
    const type = entry.kind === "directory" ? "5" : "0";
    blocks.push(header(name.subarray(0, 100), type, entry.mode, owner, entry.content.byteLength));
    if (entry.content.byteLength > 0) blocks.push(padded(entry.content));
  }
  blocks.push(new Uint8Array(2 * BLOCK));
  return Buffer.concat(blocks);
}

function padded(content: Uint8Array): Uint8Array {
  const result = new Uint8Array(Math.ceil(content.byteLength / BLOCK) * BLOCK);
  result.set(content);
  return result;
}

/** One header block, POSIX.1-1988 section 10.1.1. */
function header(
  name: Uint8Array,
  type: string,
  mode: number,
  owner: { readonly uid: number; readonly gid: number },
  size: number,
  target: Uint8Array = new Uint8Array(),
): Uint8Array {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number) =>
    block.write(`${value.toString(8).padStart(digits, "0")}\0`, at, "latin1");
  block.set(name, 0);
  octal(mode, 100, 7);
  octal(owner.uid, 108, 7);
  octal(owner.gid, 116, 7);
  octal(size, 124, 11);
  octal(FIXTURE_MTIME, 136, 11);
  block.write("        ", 148, "latin1");
  block.write(type, 156, "latin1");
  block.set(target, 157);
  block.write("ustar\x0000", 257, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}
