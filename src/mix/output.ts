// Files that come to be together: each is written beside its place, and all are moved there when the last one is whole.

import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { diskError, syncFolder } from "../base/atomic.ts";
import { writeAll } from "./row-file.ts";

/** Bytes that are collected before they are written. */
const BLOCK = 1 << 20;

/** A file of JSON lines that is being written. */
export class OutputFile implements Disposable {
  private handle: number;
  private readonly temporary: string;
  private readonly buffer = Buffer.alloc(BLOCK);
  private filled = 0;
  private whole = false;
  private readonly hasher = new Bun.CryptoHasher("sha256");
  lines = 0;
  bytes = 0;

  /** @throws UserError when the folder cannot be written */
  constructor(readonly path: string) {
    this.temporary = `${path}.part-${process.pid}`;
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.handle = openSync(this.temporary, "w");
    } catch (error) {
      throw diskError(path, error);
    }
  }

  /** Adds one record.
   *  @throws UserError when the disk is full */
  add(record: unknown): void {
    const line = `${JSON.stringify(record)}\n`;
    this.lines++;
    const most = 3 * line.length;
    if (this.filled + most > BLOCK) this.flush();
    if (most <= BLOCK) {
      const bytes = this.buffer.write(line, this.filled);
      this.filled += bytes;
    } else this.put(Buffer.from(line));
  }

  private flush(): void {
    if (this.filled > 0) this.put(this.buffer.subarray(0, this.filled));
    this.filled = 0;
  }

  private put(bytes: Uint8Array): void {
    writeAll(this.handle, bytes, this.path);
    this.hasher.update(bytes);
    this.bytes += bytes.length;
  }

  /** Nothing is added any more: everything is on the disk. Returns the hash of the content. */
  finish(): string {
    this.flush();
    try {
      fsyncSync(this.handle);
      closeSync(this.handle);
      this.handle = -1;
    } catch (error) {
      throw diskError(this.path, error);
    }
    return `sha256:${this.hasher.digest("hex")}`;
  }

  /** Puts the file in its place. */
  commit(): void {
    try {
      renameSync(this.temporary, this.path);
      this.whole = true;
      syncFolder(dirname(this.path));
    } catch (error) {
      throw diskError(this.path, error);
    }
  }

  /** Takes away what was not put in its place. */
  [Symbol.dispose](): void {
    if (this.handle >= 0) closeSync(this.handle);
    this.handle = -1;
    if (!this.whole) rmSync(this.temporary, { force: true });
  }
}
