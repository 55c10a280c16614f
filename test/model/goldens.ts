// The golden models of test/golden/numeric, opened on a device, and comparisons that say where the worst element is.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openBase } from "../../src/formats/base-weights.ts";
import { checkAdapterFits, readAdapter } from "../../src/formats/peft-adapter.ts";
import { SafetensorsFile } from "../../src/formats/safetensors.ts";
import type { Device } from "../../src/gpu/device.ts";
import type { Sequence } from "../../src/model/batch.ts";
import { CausalLM, type CausalLMOptions } from "../../src/model/causal-lm.ts";

/** Folder of the numeric goldens. */
export const numeric = join(import.meta.dir, "../golden/numeric");

/** Reads a golden JSON file. */
export function golden<V>(path: string): V {
  return JSON.parse(readFileSync(join(numeric, path), "utf8")) as V;
}

/** The two sequences of a golden model. */
export function goldenSequences(model: string): Sequence[] {
  const { sequences } = golden<{ sequences: { input_ids: number[]; labels: number[] }[] }>(
    `forward/${model}.json`,
  );
  return sequences.map(({ input_ids, labels }) => ({ inputIds: input_ids, labels }));
}

/** Tensors of a golden safetensors file, as f32. */
export function goldenTensors(path: string): Map<string, Float32Array> {
  using file = new SafetensorsFile(join(numeric, path));
  const tensors = new Map<string, Float32Array>();
  for (const entry of file.entries.values())
    if (entry.dtype === "F32") tensors.set(entry.name, new Float32Array(file.readAll(entry).buffer));
  return tensors;
}

/** Loads a golden base, with an adapter's weights if one is named. */
export async function loadGolden(
  device: Device,
  model: string,
  options: Partial<CausalLMOptions> & { adapterDirectory?: string } = {},
): Promise<CausalLM> {
  using base = openBase(join(numeric, "models", model));
  const adapter = options.adapterDirectory ? readAdapter(join(numeric, options.adapterDirectory)) : undefined;
  const targets = adapter ? checkAdapterFits(adapter, options.adapterDirectory!, base.config) : [];
  const lm = await CausalLM.load(device, { base, targets, maxTokens: 192, ...options });
  if (adapter) lm.adapter!.write(new Map([...adapter.tensors].map(([name, { data }]) => [name, data])));
  return lm;
}

/** Largest absolute difference; `relative` divides it by the largest magnitude of `expected`. */
export function worst(actual: ArrayLike<number>, expected: ArrayLike<number>, relative = false): number {
  if (actual.length !== expected.length) return Number.NaN;
  let difference = 0;
  let magnitude = 0;
  for (let i = 0; i < expected.length; i++) {
    const d = Math.abs(actual[i]! - expected[i]!);
    // A NaN must not pass as a small difference.
    if (Number.isNaN(d)) return Number.NaN;
    difference = Math.max(difference, d);
    magnitude = Math.max(magnitude, Math.abs(expected[i]!));
  }
  return relative ? difference / magnitude : difference;
}

/** Sum in f64. */
export function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
