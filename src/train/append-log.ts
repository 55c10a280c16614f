// A file that only grows while a run goes on, and can be cut back to where a checkpoint saw it, so that nothing stands in it twice.

import { closeSync, fstatSync, fsyncSync, ftruncateSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { diskError } from "../base/atomic.ts";

/** An open log; appended to with one write a call. */
export class AppendLog {
  private readonly file: number;
  private length: number;

  /** Opens `path` and cuts it to `keepBytes` (0: a fresh file).
   *  @throws UserError when the folder cannot be written. */
  constructor(
    readonly path: string,
    keepBytes: number,
  ) {
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.file = openSync(path, keepBytes > 0 ? "r+" : "w");
      this.length = Math.min(keepBytes, fstatSync(this.file).size);
      ftruncateSync(this.file, this.length);
    } catch (error) {
      throw diskError(path, error);
    }
  }

  /** Bytes so far. */
  get bytes(): number {
    return this.length;
  }

  append(content: string | Uint8Array): void {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    try {
      for (let done = 0; done < bytes.length; )
        done += writeSync(this.file, bytes, done, bytes.length - done, this.length + done);
      this.length += bytes.length;
    } catch (error) {
      throw diskError(this.path, error);
    }
  }

  /** Makes what was written survive a power cut; before a checkpoint that relies on it. */
  sync(): void {
    fsyncSync(this.file);
  }

  close(): void {
    closeSync(this.file);
  }
}
