// A base model without files: every weight is made up by a hash of its place, so that the real model can be loaded and timed
// for any shape on a machine that has no model. The numbers are of the usual size and mean nothing.

import type { BaseWeights, QuantisedRows, StoredType, TensorEntry } from "../formats/base-weights.ts";
import type { ModelConfig } from "../formats/config.ts";
import { expectedTensors } from "../formats/tensor-names.ts";

/** Values of which all weights are slices; a power of two. */
const poolSize = 1 << 20;
const blocksize = 64;
/** Standard deviation of most models' weights; uniform values of this deviation reach sqrt(3) times as far. */
const reach = 0.02 * Math.sqrt(3);

/** Random weights of a shape; in NF4 with `load4bit`, else in f16. */
export class RandomBase implements BaseWeights {
  readonly path: string;
  readonly kind = "hf";
  readonly config: ModelConfig;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly ignored: readonly string[] = [];
  private readonly values = new Float32Array(poolSize);
  private readonly halves = new Float16Array(poolSize);
  private readonly codes = new Uint8Array(poolSize);

  constructor(
    name: string,
    config: ModelConfig,
    private readonly load4bit: boolean,
  ) {
    this.path = `random ${name}`;
    this.config = load4bit
      ? {
          ...config,
          quantization: { quantType: "nf4", doubleQuant: true, blocksize, computeDtype: "float16" },
        }
      : config;
    this.tensors = new Map(
      [...expectedTensors(config)].map(([tensor, shape]) => [tensor, this.entry(tensor, shape)]),
    );
    for (let i = 0; i < poolSize; i++) {
      const bits = hash(i);
      this.values[i] = (bits / 2 ** 31 - 1) * reach;
      this.codes[i] = bits >>> 24;
    }
    this.halves.set(this.values);
  }

  readF32(name: string, fromRow: number, toRow: number, into?: Float32Array): Float32Array {
    const { shape } = this.tensors.get(name)!;
    const columns = shape[1] ?? 1;
    const count = (toRow - fromRow) * columns;
    const target = (into ?? new Float32Array(count)).subarray(0, count);
    this.tile(target, this.values, hashName(name) + fromRow * columns);
    // Norms scale by about 1.
    if (name.includes("norm")) for (let i = 0; i < count; i++) target[i]! += 1;
    return target;
  }

  readRaw(name: string, byteOffset: number, into: Uint8Array): void {
    const target = new Float16Array(into.buffer as ArrayBuffer, into.byteOffset, into.byteLength / 2);
    this.tile(target, this.halves, hashName(name) + byteOffset / 2);
  }

  storedInOrder(name: string): boolean {
    return this.tensors.get(name)!.type === "F16";
  }

  readQuantised(name: string, fromRow: number, toRow: number): QuantisedRows {
    const columns = this.tensors.get(name)!.shape[1]!;
    const first = fromRow * columns;
    const count = (toRow - fromRow) * columns;
    const packed = new Uint8Array(Math.ceil(count / 2));
    this.tile(packed, this.codes, hashName(name) + first / 2);
    const absmax = new Float32Array(Math.ceil(count / blocksize));
    for (let i = 0; i < absmax.length; i++)
      absmax[i] = reach + this.values[(first / blocksize + i) % poolSize]! / 4;
    return { quantType: "nf4", blocksize, packed, absmax, skip: first % blocksize, dtype: "F32" };
  }

  /** As many values as asked for, e.g. for an adapter's weights. */
  randomValues(count: number): Float32Array {
    const target = new Float32Array(count);
    this.tile(target, this.values, 0);
    return target;
  }

  fingerprint(): string {
    return `random:${this.path}`;
  }

  close(): void {
    // Nothing is open.
  }

  [Symbol.dispose](): void {
    this.close();
  }

  private entry(name: string, shape: readonly number[]): TensorEntry {
    const count = shape.reduce((product, size) => product * size, 1);
    const linear = shape.length === 2 && !/embed_tokens|lm_head/.test(name);
    const type: StoredType = this.load4bit && linear ? "NF4" : "F16";
    return { name, shape, type, bytes: type === "NF4" ? count / 2 : count * 2, file: this.path };
  }

  /** Fills `target` with the pool's values from `start` on, round and round. */
  private tile<V extends Float32Array | Float16Array | Uint8Array>(target: V, pool: V, start: number): void {
    let at = start % poolSize;
    for (let done = 0; done < target.length; at = 0) {
      const piece = pool.subarray(at, Math.min(poolSize, at + target.length - done));
      target.set(piece as never, done);
      done += piece.length;
    }
  }
}

/** A well-mixed u32 of a counter: one round of murmur3's finaliser. */
function hash(counter: number): number {
  let x = Math.imul(counter + 1, 0x9e3779b1);
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

function hashName(name: string): number {
  let sum = 0;
  for (let i = 0; i < name.length; i++) sum = (Math.imul(sum, 31) + name.charCodeAt(i)) >>> 0;
  return hash(sum) % poolSize;
}
