// TensorBoard event files: scalars as TFRecord-framed Event messages, the protobuf written by hand.
// Framing: TensorFlow `record_writer.cc`; messages: tensorboard `compat/proto/event.proto`, `summary.proto`.

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
import { hostname } from "node:os";
import { dirname } from "node:path";
import { diskError } from "../base/atomic.ts";
import { maskedCrc32c } from "./crc32c.ts";

/** A name that TensorBoard recognises; `startSeconds` since 1970. */
export function eventFileName(
  startSeconds: number,
  host: string = hostname(),
  processId: number = process.pid,
): string {
  return `events.out.tfevents.${Math.floor(startSeconds)}.${host}.${processId}.0`;
}

/** Appends scalars to one event file. Each call writes a whole record, so a killed process leaves at most one torn record,
 *  which the next writer of the same file cuts off. */
export class EventFileWriter {
  readonly #file: number;
  #open = true;

  /** Opens `path` for appending, or starts it with its version record.
   *  @param options.keepUpToStep drops events of later steps first, so that a resumed run does not show them twice.
   *  @throws UserError when the folder cannot be written or the disk is full. */
  constructor(
    readonly path: string,
    options: { readonly keepUpToStep?: number; readonly wallTimeSeconds?: number } = {},
  ) {
    const keep = existsSync(path)
      ? keptBytes(readFileSync(path), options.keepUpToStep ?? Number.POSITIVE_INFINITY)
      : 0;
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.#file = openSync(path, "a");
      ftruncateSync(this.#file, keep);
    } catch (error) {
      throw diskError(path, error);
    }
    if (keep === 0) {
      const version = text(3, "brain.Event:2");
      this.#write([...double(1, options.wallTimeSeconds ?? Date.now() / 1000), ...version]);
    }
  }

  /** Adds one value, e.g. `scalar("train/loss", 1.25, 10)`. Non-finite values are shown by TensorBoard as such. */
  scalar(tag: string, value: number, step: number, wallTimeSeconds: number = Date.now() / 1000): void {
    const entry = [...text(1, tag), ...float(2, value)];
    const summary = bytes(1, entry);
    // proto3 leaves out a step of 0.
    const at = step === 0 ? [] : [...key(2, 0), ...varint(step)];
    this.#write([...double(1, wallTimeSeconds), ...at, ...bytes(5, summary)]);
  }

  /** Makes everything so far survive a power cut. */
  flush(): void {
    fsyncSync(this.#file);
  }

  close(): void {
    if (this.#open) closeSync(this.#file);
    this.#open = false;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #write(event: readonly number[]): void {
    try {
      writeSync(this.#file, frame(Uint8Array.from(event)));
    } catch (error) {
      throw diskError(this.path, error);
    }
  }
}

/** length u64, its masked CRC, the data, its masked CRC. */
function frame(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(data.length + 16);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(record.subarray(0, 8)), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return record;
}

/** Length of the records that are whole and not later than `lastStep`. */
function keptBytes(file: Uint8Array, lastStep: number): number {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let end = 0;
  while (end + 16 <= file.length) {
    const length = Number(view.getBigUint64(end, true));
    const next = end + 16 + length;
    if (next > file.length || view.getUint32(end + 8, true) !== maskedCrc32c(file.subarray(end, end + 8)))
      break;
    const data = file.subarray(end + 12, next - 4);
    if (view.getUint32(next - 4, true) !== maskedCrc32c(data) || stepOf(data) > lastStep) break;
    end = next;
  }
  return end;
}

/** Field 2 of an Event as written here and by TensorBoard: right after the 9 bytes of the time; 0 when absent. */
function stepOf(event: Uint8Array): number {
  if (event[9] !== key(2, 0)[0]) return 0;
  let step = 0;
  for (let at = 10, scale = 1; at < event.length; at++, scale *= 128) {
    step += (event[at]! & 127) * scale;
    if (event[at]! < 128) break;
  }
  return step;
}

/** Field number and wire type (0 varint, 1 64-bit, 2 length-delimited, 5 32-bit). */
function key(field: number, wire: number): number[] {
  return [(field << 3) | wire];
}

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) | 128);
  return [...out, rest];
}

function bytes(field: number, content: readonly number[]): number[] {
  return [...key(field, 2), ...varint(content.length), ...content];
}

function text(field: number, content: string): number[] {
  return bytes(field, [...new TextEncoder().encode(content)]);
}

function double(field: number, value: number): number[] {
  return [...key(field, 1), ...new Uint8Array(Float64Array.of(value).buffer)];
}

function float(field: number, value: number): number[] {
  return [...key(field, 5), ...new Uint8Array(Float32Array.of(value).buffer)];
}
