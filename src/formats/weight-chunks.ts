// A base's tensors on their way into another file, row by row, changed or as they are. Memory does not grow with the model.

import { DataError } from "../base/errors.ts";
import type { BaseWeights } from "./base-weights.ts";
import { allFinite, dtypeBytes, type FloatType, roundTo } from "./dtype.ts";
import type { TensorToWrite } from "./safetensors.ts";

/** Values converted at a time. */
const valuesAtOnce = 1 << 20;

/** Changes rows [from, to) of a tensor in place, f32. */
export type ChangeRows = (from: number, to: number, values: Float32Array) => void;

/** Buffers that all tensors share: one per tensor would pile up until the garbage collector runs. */
export class WeightBuffers {
  readonly values: Float32Array;
  readonly bytes: Uint8Array;

  constructor(base: Pick<BaseWeights, "tensors">) {
    // A row of any tensor must fit.
    const longest = Math.max(...[...base.tensors.values()].map(({ shape }) => shape.at(-1)!));
    this.values = new Float32Array(Math.max(valuesAtOnce, longest));
    this.bytes = new Uint8Array(this.values.length * 4);
  }
}

/** The tensor `name` as `dtype`, read and changed while it is written; stored bytes where nothing changes.
 *  @throws DataError when a value does not fit the type. */
export function tensorToWrite(
  base: BaseWeights,
  buffers: WeightBuffers,
  name: string,
  dtype: FloatType,
  change?: ChangeRows,
): TensorToWrite {
  const { shape, type } = base.tensors.get(name)!;
  const untouched = change === undefined && type === dtype && base.storedInOrder(name);
  const chunks = () =>
    untouched ? copied(base, buffers, name) : computed(base, buffers, name, dtype, change);
  return { name, dtype, shape, chunks: { [Symbol.iterator]: chunks } };
}

function* copied(base: BaseWeights, buffers: WeightBuffers, name: string): Generator<Uint8Array> {
  const { bytes } = base.tensors.get(name)!;
  const buffer = buffers.bytes;
  for (let done = 0; done < bytes; done += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, bytes - done));
    base.readRaw(name, done, piece);
    yield piece;
  }
}

function* computed(
  base: BaseWeights,
  buffers: WeightBuffers,
  name: string,
  dtype: FloatType,
  change: ChangeRows | undefined,
): Generator<Uint8Array> {
  const { shape, file } = base.tensors.get(name)!;
  const [rows = 1, ...rest] = shape;
  const columns = rest.reduce((product, n) => product * n, 1);
  const step = Math.floor(buffers.values.length / columns);
  for (let row = 0; row < rows; row += step) {
    const last = Math.min(row + step, rows);
    const values = base.readF32(name, row, last, buffers.values);
    change?.(row, last, values);
    roundTo(dtype, values);
    if (!allFinite(values))
      throw new DataError({ file, field: name }, `expected finite values that fit ${dtype}, got others`, {
        hint: "the base or what was added to it is damaged, or its values are too large for this type: float32 holds them",
      });
    yield encode(dtype, values, buffers.bytes);
  }
}

/** Values that `dtype` can hold exactly, as its bytes; half-precision ones lie in `into`. */
function encode(dtype: FloatType, values: Float32Array, into: Uint8Array): Uint8Array {
  if (dtype === "F32") return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (dtype === "F16") new Float16Array(into.buffer, 0, values.length).set(values);
  else {
    const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
    const halves = new Uint16Array(into.buffer, 0, values.length);
    for (let i = 0; i < bits.length; i++) halves[i] = bits[i]! >>> 16;
  }
  return into.subarray(0, values.length * 2);
}

/** Bytes of the tensor in a file. */
export function tensorBytes({ dtype, shape }: TensorToWrite): number {
  return shape.reduce((product, n) => product * n, dtypeBytes[dtype]!);
}
