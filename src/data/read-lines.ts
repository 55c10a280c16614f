// Text lines of a file, one at a time, checked to be UTF-8: memory is one line and one block, whatever the file's size.

import { closeSync, openSync, readSync } from "node:fs";
import { DataError, fileProblem, UserError } from "../base/errors.ts";

const BLOCK_BYTES = 1 << 20;

/** One line without its line end; `line` counts from 1. */
export interface Line {
  readonly line: number;
  readonly text: string;
  /** Where its first byte stands in the file, and how many bytes it has. */
  readonly start: number;
  readonly bytes: number;
}

/** Reads lines; a byte order mark and CRLF ends are taken away, blank lines are left out.
 *  @throws UserError when the file cannot be opened; DataError for bytes that are not UTF-8. */
export function* readLines(file: string): Generator<Line> {
  const handle = openFile(file);
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    let rest: Uint8Array = new Uint8Array(0);
    let line = 0;
    let before = 0;
    const decode = (bytes: Uint8Array): string => {
      try {
        return decoder.decode(bytes).replace(line === 1 ? /^\ufeff/ : /^$/, "");
      } catch {
        throw new DataError({ file, line }, "not valid UTF-8", { hint: "convert the file to UTF-8" });
      }
    };
    for (let first = true; ; first = false) {
      const block = new Uint8Array(BLOCK_BYTES);
      const got = readSync(handle, block, 0, BLOCK_BYTES, null);
      if (first) refuseForeign(block.subarray(0, got), file);
      const bytes = joinBytes(rest, block.subarray(0, got));
      let at = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, at)) {
        line++;
        const text = decode(bytes.subarray(at, end));
        if (text.trim() !== "") yield { line, text, start: before + at, bytes: end - at };
        at = end + 1;
      }
      before += at;
      rest = bytes.subarray(at);
      if (got === 0) break;
    }
    line++;
    const text = decode(rest);
    if (text.trim() !== "") yield { line, text, start: before, bytes: rest.length };
  } finally {
    closeSync(handle);
  }
}

function openFile(file: string): number {
  try {
    return openSync(file, "r");
  } catch (cause) {
    throw new UserError(`${file}: expected a readable file, got ${fileProblem(cause)}`, { cause });
  }
}

function joinBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** Says what a file is that starts like something else.
 *  @throws DataError at line 1. */
export function refuseForeign(start: Uint8Array, file: string): void {
  const [a, b, c, d] = start;
  const place = { file, line: 1 };
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff))
    throw new DataError(place, "not UTF-8 (it starts like UTF-16)", { hint: "convert the file to UTF-8" });
  const likes =
    a === 0x1f && b === 0x8b
      ? "gzip"
      : a === 0x28 && b === 0xb5 && c === 0x2f
        ? "zstd"
        : a === 0x50 && b === 0x4b && c === 3
          ? "zip"
          : undefined;
  if (likes !== undefined)
    throw new DataError(place, `not JSON (it starts like ${likes})`, { hint: "unpack it first" });
  if (a === 0x50 && b === 0x41 && c === 0x52 && d === 0x31)
    throw new DataError(place, "not JSON (it starts like parquet)", {
      hint: "give it a name that ends in .parquet",
    });
}
