// A file of JSON lines that survives kill -9: each record is one write and one fsync, and a torn last line is cut away.

import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { diskError, syncFolder } from "./atomic.ts";
import { DataError } from "./errors.ts";

/** What a journal held when it was opened. */
interface Contents {
  readonly records: readonly unknown[];
  /** Bytes up to the end of the last whole record. */
  readonly bytes: number;
}

/** An append-only file of JSON lines. One process writes it at a time. */
export class Journal implements Disposable {
  private file: number;
  private length: number;
  /** The records that were there already, oldest first. */
  readonly records: readonly unknown[];
  /** Bytes of a half-written record that a kill had left and that were cut away. */
  readonly tornBytes: number;

  /** Opens or makes `path`.
   *  @throws UserError when it cannot be written; DataError for a line in its middle that is not JSON. */
  constructor(readonly path: string) {
    const fresh = !existsSync(path);
    const contents = fresh ? { records: [], bytes: 0 } : readContents(path);
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.file = openSync(path, fresh ? "wx" : "r+");
      const whole = fresh ? 0 : readFileSync(path).length;
      this.tornBytes = whole - contents.bytes;
      if (this.tornBytes > 0) {
        ftruncateSync(this.file, contents.bytes);
        fsyncSync(this.file);
      }
      if (fresh) syncFolder(dirname(path));
    } catch (error) {
      throw diskError(path, error);
    }
    this.records = contents.records;
    this.length = contents.bytes;
  }

  /** Adds one record; it is on the disk when this returns, whole or not at all.
   *  @throws UserError when the disk is full; the journal is then as it was before. */
  append(record: unknown): void {
    if (this.file < 0) throw new Error(`${this.path}: a closed journal was written to`);
    const line = new TextEncoder().encode(`${JSON.stringify(record)}\n`);
    try {
      for (let done = 0; done < line.length; )
        done += writeSync(this.file, line, done, line.length - done, this.length + done);
      fsyncSync(this.file);
    } catch (error) {
      ftruncateSync(this.file, this.length);
      throw diskError(this.path, error);
    }
    this.length += line.length;
  }

  [Symbol.dispose](): void {
    if (this.file < 0) return;
    closeSync(this.file);
    // The number may be another file's by now: whoever still writes must fail, not write there.
    this.file = -1;
  }
}

function readContents(path: string): Contents {
  const bytes = readFileSync(path);
  const records: unknown[] = [];
  let at = 0;
  for (let line = 1, end = bytes.indexOf(10); end >= 0; line++, at = end + 1, end = bytes.indexOf(10, at)) {
    try {
      records.push(JSON.parse(bytes.toString("utf8", at, end)));
    } catch (cause) {
      // A power cut may leave the last line whole in length and wrong in content.
      if (end + 1 === bytes.length) break;
      throw new DataError({ file: path, line }, "expected a JSON record, found a damaged line", {
        hint: "move the folder away and start again, or take the line out by hand",
        cause,
      });
    }
  }
  return { records, bytes: at };
}
