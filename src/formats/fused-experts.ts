// Mixtral's experts as transformers 5 holds them, two tensors a layer, seen under the names that published models have:
//   mlp.gate.weight [E, C]   mlp.experts.gate_up_proj [E, 2 F, C], gate above up   mlp.experts.down_proj [E, C, F]
// transformers 5.23 conversion_mapping.py `mixtral`. Each expert's matrix is a stretch of the file, so nothing is copied.

import { DataError, show } from "../base/errors.ts";
import type { MixtureOfExperts, ModelConfig } from "./config.ts";
import type { SafetensorsEntry, SafetensorsFile } from "./safetensors.ts";
import { expertPath, type MlpName, routerName } from "./tensor-names.ts";

interface StoredTensor {
  readonly file: SafetensorsFile;
  readonly entry: SafetensorsEntry;
}

/** Replaces fused tensors by each expert's own; tensors that are stored apart stay as they are.
 *  @throws DataError when a fused tensor is not of the shape that the config says. */
export function splitExperts<S extends StoredTensor>(
  stored: Map<string, S>,
  config: Pick<ModelConfig, "layers" | "hiddenSize" | "ffn"> & {
    readonly moe?: MixtureOfExperts | undefined;
  },
): void {
  const { layers, hiddenSize: c, ffn, moe } = config;
  if (!moe) return;
  const take = (name: string): S | undefined => {
    const found = stored.get(name);
    stored.delete(name);
    return found;
  };
  for (let layer = 0; layer < layers; layer++) {
    const path = `model.layers.${layer}.mlp`;
    const router = take(`${path}.gate.weight`);
    if (router) stored.set(routerName(layer), router);
    for (const [part, names, rows, columns] of [
      ["gate_up_proj", ["gate_proj", "up_proj"], ffn, c],
      ["down_proj", ["down_proj"], c, ffn],
    ] as const) {
      const fused = take(`${path}.experts.${part}`);
      if (fused) split(stored, fused, { layer, names, shape: [rows, columns], experts: moe.experts });
    }
  }
}

function split<S extends StoredTensor>(
  stored: Map<string, S>,
  fused: S,
  s: { layer: number; names: readonly MlpName[]; shape: readonly [number, number]; experts: number },
): void {
  const { file, entry } = fused;
  const [rows, columns] = s.shape;
  const expected = [s.experts, s.names.length * rows, columns];
  if (entry.shape.length !== 3 || entry.shape.some((n, i) => n !== expected[i]))
    throw new DataError(
      { file: file.path, field: entry.name },
      `expected shape ${show(expected)} as config.json says, got ${show(entry.shape)}`,
    );
  const bytes = entry.bytes / (s.experts * s.names.length);
  for (let expert = 0; expert < s.experts; expert++)
    s.names.forEach((name, i) => {
      const own = `${expertPath(s.layer, expert, name)}.weight`;
      const offset = entry.offset + (expert * s.names.length + i) * bytes;
      stored.set(own, { ...fused, entry: { ...entry, name: own, shape: s.shape, offset, bytes } });
    });
}
