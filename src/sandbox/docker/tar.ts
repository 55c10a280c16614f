// Tar archives (POSIX.1-1988 ustar with GNU's entries for long names) with everything given and nothing taken from the clock or
// this machine's users, so that the same entries are the same bytes.

/** One entry of an archive. */
export interface TarEntry {
  /** Without a leading slash. */
  readonly path: string;
  readonly type: "file" | "directory" | "symlink";
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly content?: Uint8Array;
  /** Of a symbolic link. */
  readonly target?: string;
}

const BLOCK = 512;
const typeFlags = { file: "0", symlink: "2", directory: "5", longName: "L", longLink: "K" } as const;
const encoder = new TextEncoder();

/** The archive of `entries`, in their order. */
export function writeTar(entries: readonly TarEntry[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    const name = encoder.encode(entry.type === "directory" ? `${entry.path}/` : entry.path);
    const link = encoder.encode(entry.target ?? "");
    if (link.length > 100) addLong(parts, typeFlags.longLink, link);
    if (name.length > 100) addLong(parts, typeFlags.longName, name);
    const content = entry.content ?? new Uint8Array();
    parts.push(header(name, link, typeFlags[entry.type], content.length, entry), ...padded(content));
  }
  parts.push(new Uint8Array(2 * BLOCK));
  return Buffer.concat(parts);
}

function addLong(parts: Uint8Array[], flag: string, name: Uint8Array): void {
  const content = Buffer.concat([name, new Uint8Array(1)]);
  const numbers = { mode: 0, uid: 0, gid: 0, mtime: 0 };
  parts.push(
    header(encoder.encode("././@LongLink"), new Uint8Array(), flag, content.length, numbers),
    ...padded(content),
  );
}

function header(
  name: Uint8Array,
  link: Uint8Array,
  flag: string,
  size: number,
  numbers: Pick<TarEntry, "mode" | "uid" | "gid" | "mtime">,
): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const text = (value: string, at: number) => block.set(encoder.encode(value), at);
  const octal = (value: number, at: number, width: number) =>
    text(`${value.toString(8).padStart(width - 1, "0")}\0`, at);
  block.set(name.subarray(0, 100), 0);
  octal(numbers.mode, 100, 8);
  octal(numbers.uid, 108, 8);
  octal(numbers.gid, 116, 8);
  octal(size, 124, 12);
  octal(numbers.mtime, 136, 12);
  text("        ", 148);
  text(flag, 156);
  block.set(link.subarray(0, 100), 157);
  text("ustar  \0", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  text(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

function padded(content: Uint8Array): Uint8Array[] {
  const rest = content.length % BLOCK;
  return rest === 0 ? [content] : [content, new Uint8Array(BLOCK - rest)];
}
