// Signatures of all rows, on the disk: band keys are read back a band at a time, sketches a row at a time.

import { closeSync, readSync, rmSync } from "node:fs";
import type { MinHash } from "./minhash.ts";
import { openNameless, writeAll } from "./row-file.ts";

/** Rows whose signatures lie together: all keys of one band, then those of the next, then the sketches. */
const BLOCK_ROWS = 4096;

/** A file without a name that holds the signatures. Rows are numbered from 0. */
export class SketchFile implements Disposable {
  readonly blockRows = BLOCK_ROWS;
  private readonly handle: number;
  private readonly keys: Uint32Array[];
  private readonly sketches: Uint8Array;
  private readonly blockBytes: number;
  private rows = 0;
  private flushed = 0;

  constructor(
    private readonly path: string,
    private readonly bands: number,
    readonly size: number,
  ) {
    this.handle = openNameless(path);
    this.keys = Array.from({ length: bands }, () => new Uint32Array(BLOCK_ROWS));
    this.sketches = new Uint8Array(BLOCK_ROWS * size);
    this.blockBytes = BLOCK_ROWS * (4 * bands + size);
  }

  /** Adds the signature of the next row; of a row that is not compared, whatever stands there. */
  add({ keys, sketch }: MinHash): void {
    const at = this.rows++ % BLOCK_ROWS;
    for (let band = 0; band < this.bands; band++) this.keys[band]![at] = keys[band]!;
    this.sketches.set(sketch, at * this.size);
    if (at === BLOCK_ROWS - 1) this.flush();
  }

  /** Everything was added. */
  finish(): void {
    if (this.rows > this.flushed) this.flush();
  }

  private flush(): void {
    for (const keys of this.keys) writeAll(this.handle, new Uint8Array(keys.buffer), this.path);
    writeAll(this.handle, this.sketches, this.path);
    this.flushed = this.rows;
  }

  /** The keys in one band of the rows from `first`, a multiple of {@link blockRows}, on. */
  readKeys(band: number, first: number, into: Uint32Array): void {
    const at = (first / BLOCK_ROWS) * this.blockBytes + band * BLOCK_ROWS * 4;
    this.readAt(at, into, 0, into.byteLength);
  }

  /** The sketch of one row, into `into` from `offset` on. */
  readSketch(row: number, into: Uint8Array, offset: number): void {
    const block = Math.floor(row / BLOCK_ROWS);
    const at = block * this.blockBytes + BLOCK_ROWS * 4 * this.bands + (row % BLOCK_ROWS) * this.size;
    this.readAt(at, into, offset, this.size);
  }

  private readAt(position: number, into: NodeJS.ArrayBufferView, offset: number, bytes: number): void {
    for (let done = 0; done < bytes; ) {
      const got = readSync(this.handle, into, offset + done, bytes - done, position + done);
      if (got === 0) throw new Error(`${this.path}: signatures end at ${position + done}`);
      done += got;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.handle);
    rmSync(this.path, { force: true });
  }
}
