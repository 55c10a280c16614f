// A base before any training: the shape that a config.json describes, with random weights as transformers starts them. Every row is
// a function of seed, tensor and row, so that slices are read in any order and nothing is held.

import { createHash } from "node:crypto";
import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import { Rng } from "../base/rng.ts";
import type { BaseWeights, QuantisedRows, TensorEntry } from "./base-contract.ts";
import { type ModelConfig, readModelConfig } from "./config.ts";
import { expectedTensors } from "./tensor-names.ts";

/** Random weights in F32: matrices normal with deviation `initializer_range` (0.02 when config.json has none), norms 1, biases 0. As
 *  transformers' `PreTrainedModel._init_weights`, by another generator. */
export class InitialBase implements BaseWeights {
  readonly kind = "hf";
  readonly config: ModelConfig;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly ignored: readonly string[] = [];
  private readonly deviation: number;

  /** @param path a directory with config.json
   *  @throws UserError or DataError when that cannot be read or is of no known architecture */
  constructor(
    readonly path: string,
    private readonly seed: number,
  ) {
    const file = join(path, "config.json");
    const config = readModelConfig(file);
    if (config.quantization)
      throw new UserError(`${file}: expected a shape for random weights, got one that is quantised`, {
        hint: "take quantization_config out",
      });
    this.config = config;
    const range = config.raw.initializer_range;
    this.deviation = typeof range === "number" && range > 0 ? range : 0.02;
    this.tensors = new Map(
      [...expectedTensors(config)].map(([name, shape]) => {
        const bytes = 4 * shape.reduce((product, n) => product * n, 1);
        return [name, { name, shape, type: "F32", bytes, file }];
      }),
    );
  }

  readF32(name: string, fromRow: number, toRow: number, into?: Float32Array): Float32Array {
    const { shape } = this.tensors.get(name)!;
    const columns = shape[1] ?? 1;
    const count = (toRow - fromRow) * columns;
    const target = (into ?? new Float32Array(count)).subarray(0, count);
    if (shape.length === 1) return target.fill(name.endsWith(".bias") ? 0 : 1);
    for (let row = fromRow; row < toRow; row++) {
      const rng = new Rng(`${this.seed}/${name}/${row}`);
      const at = (row - fromRow) * columns;
      for (let c = 0; c < columns; c += 2) {
        // Box & Muller 1958: two normal numbers from two uniform ones, the first never 0.
        const radius = this.deviation * Math.sqrt(-2 * Math.log((rng.next() + 1) / 2 ** 32));
        const angle = (2 * Math.PI * rng.next()) / 2 ** 32;
        target[at + c] = radius * Math.cos(angle);
        if (c + 1 < columns) target[at + c + 1] = radius * Math.sin(angle);
      }
    }
    return target;
  }

  readRaw(name: string): void {
    throw new Error(`${name}: random weights are not stored`);
  }

  storedInOrder(): boolean {
    return false;
  }

  readQuantised(name: string): QuantisedRows {
    throw new Error(`${name}: random weights are not quantised`);
  }

  fingerprint(): string {
    const hash = createHash("sha256").update(JSON.stringify(this.config.raw)).update(`\nseed ${this.seed}`);
    return `sha256:${hash.digest("hex")}`;
  }

  close(): void {
    // Nothing is open.
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
