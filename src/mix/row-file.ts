// A file of rows that can be read from front to back, and later row by row in any order.

import { closeSync, fstatSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { diskError } from "../base/atomic.ts";
import { DataError, fileProblem, type Place, UserError } from "../base/errors.ts";
import { parseJson } from "../data/parse-json.ts";
import { readLines } from "../data/read-lines.ts";
import { readValues } from "../data/read-records.ts";

/** A row as it is read the first time. */
export interface FoundRow {
  readonly value: unknown;
  readonly place: Place;
  /** Its line, or which one it is in a file without lines. */
  readonly number: number;
  readonly offset: number;
  readonly bytes: number;
  readonly text: string;
}

/** Columns of which a Parquet file has at least one. */
const COLUMNS = ["turns", "messages", "conversations", "response", "completion"];

/** Bytes that are collected before they are written. */
const BLOCK = 1 << 20;

/** JSON lines are read again where they lie; rows of Parquet and of JSON lists are laid down as lines in a file without a name. */
export class RowFile implements Disposable {
  private handle = -1;
  /** Bytes of the file as it was given. */
  readonly bytes: number;
  private readonly changed: number;
  private readonly lines: boolean;
  private buffer = Buffer.alloc(1 << 14);

  /** @param spool where a file may be laid down, for a moment
   *  @throws UserError when it cannot be opened */
  constructor(
    readonly path: string,
    private readonly spool: string,
  ) {
    this.lines = !/\.(json|parquet)$/.test(path);
    const handle = openToRead(path);
    const { size, mtimeMs } = fstatSync(handle);
    this.bytes = size;
    this.changed = mtimeMs;
    if (this.lines) this.handle = handle;
    else closeSync(handle);
  }

  /** Its rows, in order; read them once.
   *  @throws DataError for a line that is no JSON */
  async *rows(): AsyncGenerator<FoundRow> {
    if (this.lines)
      for (const { line, text, start, bytes } of readLines(this.path)) {
        const place = { file: this.path, line };
        yield { value: parseJson(text, place, "line"), place, number: line, offset: start, bytes, text };
      }
    else yield* this.laidDown();
  }

  private async *laidDown(): AsyncGenerator<FoundRow> {
    this.handle = openNameless(this.spool);
    let number = 0;
    let offset = 0;
    let pending: Buffer[] = [];
    let waiting = 0;
    const flush = () => {
      for (const piece of pending) writeAll(this.handle, piece, this.spool);
      pending = [];
      waiting = 0;
    };
    for await (const { value, place } of readValues(this.path, COLUMNS)) {
      number++;
      const text = JSON.stringify(value);
      const line = Buffer.from(`${text}\n`);
      pending.push(line);
      waiting += line.length;
      if (waiting >= BLOCK) flush();
      yield { value, place, number, offset, bytes: line.length - 1, text };
      offset += line.length;
    }
    flush();
  }

  /** The bytes of one row. */
  read(offset: number, bytes: number): string {
    if (this.buffer.length < bytes) this.buffer = Buffer.alloc(2 * bytes);
    for (let done = 0; done < bytes; ) {
      const got = readSync(this.handle, this.buffer, done, bytes - done, offset + done);
      if (got === 0) throw this.changedError();
      done += got;
    }
    return this.buffer.toString("utf8", 0, bytes).replace(offset === 0 ? /^\ufeff/ : /^$/, "");
  }

  /** @throws DataError when the file is no longer what was read */
  checkUnchanged(): void {
    const handle = openToRead(this.path);
    const { size, mtimeMs } = fstatSync(handle);
    closeSync(handle);
    if (size !== this.bytes || mtimeMs !== this.changed) throw this.changedError();
  }

  private changedError(): DataError {
    return new DataError(
      { file: this.path },
      "expected a file that stays as it is, got one that was changed",
      {
        hint: "mix again when nothing writes to it any more",
      },
    );
  }

  place(number: number): Place {
    if (this.lines) return { file: this.path, line: number };
    return { file: this.path, field: `row ${number}` };
  }

  [Symbol.dispose](): void {
    if (this.handle < 0) return;
    closeSync(this.handle);
    this.handle = -1;
    if (!this.lines) rmSync(this.spool, { force: true });
  }
}

function openToRead(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    throw new UserError(`${path}: expected a readable file, got ${fileProblem(cause)}`, { cause });
  }
}

/** A file to write and read that is gone when it is closed, however the program ends.
 *  @param path where it has its name until then
 *  @throws UserError when it cannot be made */
export function openNameless(path: string): number {
  try {
    const handle = openSync(path, "w+");
    // Windows keeps the name of an open file; there its owner takes it away at the end.
    if (process.platform !== "win32") rmSync(path, { force: true });
    return handle;
  } catch (error) {
    throw diskError(path, error);
  }
}

/** Writes all of `bytes` at the end of what was written.
 *  @throws UserError when the disk is full */
export function writeAll(handle: number, bytes: Uint8Array, path: string): void {
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(handle, bytes, done, bytes.length - done);
  } catch (error) {
    throw diskError(path, error);
  }
}
