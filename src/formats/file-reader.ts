// A file opened for positioned reads. Owns the handle; knows nothing about what is inside.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { DataError, fileProblem, UserError } from "../base/errors.ts";

/** Largest single read; some systems refuse more than 2 GiB at once. */
const pieceBytes = 1 << 28;

export class FileReader {
  /** Size when it was opened. */
  readonly bytes: number;
  readonly #handle: number;
  #open = true;

  /** @throws UserError when the file is missing, a folder, or unreadable. */
  constructor(
    readonly path: string,
    what: string,
  ) {
    try {
      this.#handle = openSync(path, "r");
    } catch (error) {
      throw new UserError(`${path}: expected ${what}, got ${fileProblem(error)}`, { cause: error });
    }
    const stat = fstatSync(this.#handle);
    if (!stat.isFile()) {
      closeSync(this.#handle);
      throw new UserError(
        `${path}: expected ${what}, got ${stat.isDirectory() ? "a folder" : "no regular file"}`,
      );
    }
    this.bytes = stat.size;
  }

  /** Fills `into` with the bytes from `offset` on.
   *  @throws DataError when the file ends before `into` is full. */
  read(offset: number, into: Uint8Array): void {
    let done = 0;
    while (done < into.byteLength) {
      const got = readSync(
        this.#handle,
        into,
        done,
        Math.min(into.byteLength - done, pieceBytes),
        offset + done,
      );
      if (got === 0)
        throw new DataError(
          { file: this.path },
          `expected ${into.byteLength} bytes at offset ${offset}, got ${done} (the file was cut off while it was read)`,
        );
      done += got;
    }
  }

  close(): void {
    if (this.#open) closeSync(this.#handle);
    this.#open = false;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
