// What every op test shares: seeded inputs, poisoned outputs, guard words behind both, and a comparison that names the worst element.
import type { Device } from "../../src/gpu/device.ts";
import { Stream } from "../../src/gpu/stream.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";

const guardLength = 24;
const guard = 12345.5;

/** Numbers in (-1, 1) from a seed, by mulberry32. */
export function noise(seed: number, length: number, scale = 1): Float32Array {
  let state = seed >>> 0;
  return Float32Array.from({ length }, () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1) * scale;
  });
}

/** Values as a tensor of `dtype` holds them. */
export function rounded(values: ArrayLike<number>, dtype: "f32" | "f16"): Float64Array {
  return Float64Array.from(dtype === "f16" ? new Float16Array(values) : new Float32Array(values));
}

/** Makes tensors for one test, runs ops on them, and checks their guards. */
export class Bench {
  private readonly lengths = new Map<Tensor, number>();
  constructor(readonly device: Device) {}

  /** A tensor of these values with NaN behind them: reading past the end shows. */
  input(values: ArrayLike<number>, dtype: "f32" | "f16" = "f32"): Tensor {
    return this.make(values, dtype, Number.NaN);
  }

  /** As {@link input}, for a tensor that the op also writes: a guard value lies behind it. */
  inOut(values: ArrayLike<number>, dtype: "f32" | "f16" = "f32"): Tensor {
    return this.make(values, dtype, guard);
  }

  /** A tensor of NaN with a guard value behind it. */
  output(length: number, dtype: "f32" | "f16" = "f32"): Tensor {
    return this.make(new Float64Array(length).fill(Number.NaN), dtype, guard);
  }

  /** A u32 tensor with a huge index behind it. */
  words(values: ArrayLike<number>): Tensor {
    const tensor = this.device.tensor("test", "words", "u32", [values.length + guardLength]);
    const data = new Uint32Array(values.length + guardLength).fill(0xfffffff0);
    data.set(Uint32Array.from(values));
    this.device.write(tensor, data);
    return tensor;
  }

  private make(values: ArrayLike<number>, dtype: "f32" | "f16", behind: number): Tensor {
    const tensor = this.device.tensor("test", "values", dtype, [values.length + guardLength]);
    const padded = new Float64Array(values.length + guardLength).fill(behind);
    padded.set(Float64Array.from(values));
    this.device.write(tensor, dtype === "f16" ? new Float16Array(padded) : new Float32Array(padded));
    this.lengths.set(tensor, values.length);
    return tensor;
  }

  /** Records and submits. */
  run(record: (stream: Stream) => void): void {
    const stream = new Stream(this.device);
    record(stream);
    stream.submit();
  }

  /** The values of an output; throws when something was written behind it. */
  async read(tensor: Tensor): Promise<Float32Array> {
    const all = await this.device.read(tensor);
    const length = this.lengths.get(tensor)!;
    const expected = tensor.dtype === "f16" ? new Float16Array([guard])[0]! : guard;
    const broken = all.subarray(length).findIndex((value) => value !== expected);
    if (broken >= 0)
      throw new Error(`wrote ${all[length + broken]} at ${broken} behind an output of ${length}`);
    return all.subarray(0, length);
  }

  /** Frees everything it made. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const tensor of this.lengths.keys()) this.device.free(tensor);
    await this.device.settle();
  }
}

/** Throws unless |actual − expected| <= absolute + relative · |expected| everywhere; names the worst element. */
export function expectClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { absolute, relative = 0 }: { absolute: number; relative?: number },
): void {
  if (actual.length !== expected.length)
    throw new Error(`${what}: ${actual.length} elements, expected ${expected.length}`);
  let worst = 0;
  let at = -1;
  for (let i = 0; i < expected.length; i++) {
    if (actual[i] === expected[i]) continue;
    const excess = Math.abs(actual[i]! - expected[i]!) / (absolute + relative * Math.abs(expected[i]!));
    if (!(excess <= worst)) {
      worst = Number.isNaN(excess) ? Number.POSITIVE_INFINITY : excess;
      at = i;
    }
  }
  if (worst > 1)
    throw new Error(
      `${what}: element ${at} is ${actual[at]}, expected ${expected[at]} (${worst.toPrecision(3)} x the bound)`,
    );
}

/** Largest magnitude, the scale of an absolute tolerance. */
export function largest(values: ArrayLike<number>): number {
  let top = 0;
  for (let i = 0; i < values.length; i++) top = Math.max(top, Math.abs(values[i]!));
  return top;
}

/** Half a unit in the last place of f16, relative, with room for a rounding that goes the other way. */
export const halfUlp = 2 ** -10;
