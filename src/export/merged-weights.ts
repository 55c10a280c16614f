// One weight of base + adapter, row by row: W + scale x B A, in the type it is stored as. Memory does not grow with the model.

import { DataError } from "../base/errors.ts";
import type { BaseWeights } from "../formats/base-weights.ts";
import { allFinite, dtypeBytes, type FloatType, roundTo } from "../formats/dtype.ts";
import { type Adapter, adapterTensorName, type LoraTarget } from "../formats/peft-adapter.ts";
import type { TensorToWrite } from "../formats/safetensors.ts";

/** Values converted at a time. */
const valuesAtOnce = 1 << 20;

/** Buffers that all tensors share: one per tensor would pile up until the garbage collector runs. */
export class MergeBuffers {
  readonly values: Float32Array;
  readonly bytes: Uint8Array;

  constructor(base: BaseWeights) {
    // A row of any tensor must fit.
    const longest = Math.max(...[...base.tensors.values()].map(({ shape }) => shape.at(-1)!));
    this.values = new Float32Array(Math.max(valuesAtOnce, longest));
    this.bytes = new Uint8Array(this.values.length * 4);
  }
}

/** What is merged into what. */
export interface MergeSource {
  readonly base: BaseWeights;
  readonly adapter: Adapter;
  /** By weight name, e.g. `model.layers.0.self_attn.q_proj.weight`. */
  readonly targets: ReadonlyMap<string, LoraTarget>;
  readonly buffers: MergeBuffers;
}

/** The merged tensor `name` as `dtype`, read and computed while it is written.
 *  @throws DataError when a value does not fit the type. */
export function mergedTensor(source: MergeSource, name: string, dtype: FloatType): TensorToWrite {
  const { base, targets } = source;
  const { shape, type } = base.tensors.get(name)!;
  const target = targets.get(name);
  const untouched = target === undefined && type === dtype && base.storedInOrder(name);
  const chunks = () => (untouched ? copied(source, name) : computed(source, name, target, dtype));
  return { name, dtype, shape, chunks: { [Symbol.iterator]: chunks } };
}

function* copied({ base, buffers }: MergeSource, name: string): Generator<Uint8Array> {
  const { bytes } = base.tensors.get(name)!;
  const buffer = buffers.bytes;
  for (let done = 0; done < bytes; done += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, bytes - done));
    base.readRaw(name, done, piece);
    yield piece;
  }
}

function* computed(
  { base, adapter, buffers }: MergeSource,
  name: string,
  target: LoraTarget | undefined,
  dtype: FloatType,
): Generator<Uint8Array> {
  const { shape, file } = base.tensors.get(name)!;
  const [rows = 1, ...rest] = shape;
  const columns = rest.reduce((product, n) => product * n, 1);
  const step = Math.floor(buffers.values.length / columns);
  const add = target && deltaAdder(adapter, target);
  for (let row = 0; row < rows; row += step) {
    const last = Math.min(row + step, rows);
    const values = base.readF32(name, row, last, buffers.values);
    add?.(row, last, values);
    roundTo(dtype, values);
    if (!allFinite(values))
      throw new DataError({ file, field: name }, `expected finite values that fit ${dtype}, got others`, {
        hint: "the base or the adapter is damaged, or its values are too large for this type: try --dtype float32",
      });
    yield encode(dtype, values, buffers.bytes);
  }
}

/** Adds rows of scale x B A; sums in f64, each result rounded to f32 before it is added, as PEFT's `get_delta_weight` is. */
function deltaAdder(
  adapter: Adapter,
  target: LoraTarget,
): (from: number, to: number, values: Float32Array) => void {
  const a = adapter.tensors.get(adapterTensorName(target.module, "A"))!.data;
  const b = adapter.tensors.get(adapterTensorName(target.module, "B"))!.data;
  const { r, inFeatures: columns } = target;
  const scale = target.scale;
  const sums = new Float64Array(columns);
  return (from, to, values) => {
    for (let row = from; row < to; row++) {
      sums.fill(0);
      for (let k = 0; k < r; k++) {
        const factor = b[row * r + k]!;
        const at = k * columns;
        for (let j = 0; j < columns; j++) sums[j]! += factor * a[at + j]!;
      }
      const at = (row - from) * columns;
      for (let j = 0; j < columns; j++) values[at + j]! += Math.fround(sums[j]! * scale);
    }
  };
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
