// Writes GGUF version 3 files: metadata, then tensors in F32, F16 or Q8_0. Streams, one tensor in memory at a time.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md; Q8_0: ggml `ggml-quants.c` quantize_row_q8_0_ref.

import { writeChunksAtomic } from "../base/atomic.ts";

/** A metadata value with the type it is stored as. */
export type GgufValue =
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "f32" | "u32"; readonly value: number };

/** Types that can be written, with ggml's number, the values of one block and its bytes. */
export const ggufOutTypes = {
  F32: { id: 0, elements: 1, bytes: 4 },
  F16: { id: 1, elements: 1, bytes: 2 },
  Q8_0: { id: 8, elements: 32, bytes: 34 },
} as const;
export type GgufOutType = keyof typeof ggufOutTypes;

/** One tensor to be written. */
export interface GgufTensorToWrite {
  readonly name: string;
  /** Row-major; the file gets it reversed, as `ne`. */
  readonly shape: readonly number[];
  readonly type: GgufOutType;
  /** The f32 values, asked for once, when their turn comes. */
  readonly values: () => Float32Array;
}

const alignment = 32;
const valueTypes = { u32: 4, f32: 6, string: 8 } as const;

/** Writes a GGUF file; it appears whole or not at all. Metadata and tensors keep their order.
 *  @throws UserError when the disk is full; Error for rows that are not whole blocks (a bug of the caller). */
export function writeGguf(
  path: string,
  metadata: ReadonlyMap<string, GgufValue>,
  tensors: readonly GgufTensorToWrite[],
): void {
  writeChunksAtomic(path, chunks(metadata, tensors));
}

function* chunks(
  metadata: ReadonlyMap<string, GgufValue>,
  tensors: readonly GgufTensorToWrite[],
): Generator<Uint8Array> {
  const header = headerBytes(metadata, tensors);
  yield header;
  yield new Uint8Array(padding(header.length));
  for (const tensor of tensors) {
    const values = tensor.values();
    const expected = tensor.shape.reduce((product, n) => product * n, 1);
    if (values.length !== expected)
      throw new Error(`gguf: ${tensor.name}: ${values.length} values, expected ${expected}`);
    const bytes = encode(tensor.type, values);
    yield bytes;
    yield new Uint8Array(padding(bytes.length));
  }
}

function padding(length: number): number {
  return (alignment - (length % alignment)) % alignment;
}

function headerBytes(
  metadata: ReadonlyMap<string, GgufValue>,
  tensors: readonly GgufTensorToWrite[],
): Uint8Array {
  const pieces: Uint8Array[] = [];
  const number = (bytes: number, set: (view: DataView) => void) => {
    const view = new DataView(new ArrayBuffer(bytes));
    set(view);
    pieces.push(new Uint8Array(view.buffer));
  };
  const u32 = (x: number) => number(4, (view) => view.setUint32(0, x, true));
  const u64 = (x: number) => number(8, (view) => view.setBigUint64(0, BigInt(x), true));
  const string = (text: string) => {
    const bytes = new TextEncoder().encode(text);
    u64(bytes.length);
    pieces.push(bytes);
  };
  pieces.push(new TextEncoder().encode("GGUF"));
  u32(3);
  u64(tensors.length);
  u64(metadata.size);
  for (const [key, entry] of metadata) {
    string(key);
    u32(valueTypes[entry.type]);
    if (entry.type === "string") string(entry.value);
    else if (entry.type === "u32") u32(entry.value);
    else number(4, (view) => view.setFloat32(0, entry.value, true));
  }
  let offset = 0;
  for (const { name, shape, type } of tensors) {
    const { id, elements, bytes } = ggufOutTypes[type];
    const columns = shape.at(-1) ?? 0;
    if (columns % elements !== 0)
      throw new Error(`gguf: ${name}: rows of ${columns} are not whole ${type} blocks`);
    string(name);
    u32(shape.length);
    for (const n of shape.toReversed()) u64(n);
    u32(id);
    u64(offset);
    const size = (shape.reduce((product, n) => product * n, 1) / elements) * bytes;
    offset += size + padding(size);
  }
  return Buffer.concat(pieces);
}

function encode(type: GgufOutType, values: Float32Array): Uint8Array {
  if (type === "F32") return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (type === "F16") return new Uint8Array(Float16Array.from(values).buffer);
  return encodeQ8(values);
}

/** Blocks of 32: an f16 scale (largest magnitude / 127), then 32 signed bytes, halves rounded away from zero. */
function encodeQ8(values: Float32Array): Uint8Array {
  const { fround } = Math;
  const { elements, bytes } = ggufOutTypes.Q8_0;
  const out = new DataView(new ArrayBuffer((values.length / elements) * bytes));
  for (let first = 0, at = 0; first < values.length; first += elements, at += bytes) {
    let most = 0;
    for (let i = 0; i < elements; i++) most = Math.max(most, Math.abs(values[first + i]!));
    const d = fround(most / 127);
    const inverse = d === 0 ? 0 : fround(1 / d);
    out.setFloat16(at, d, true);
    for (let i = 0; i < elements; i++) {
      const x = fround(values[first + i]! * inverse);
      out.setInt8(at + 2 + i, Math.sign(x) * Math.floor(Math.abs(x) + 0.5));
    }
  }
  return new Uint8Array(out.buffer);
}
