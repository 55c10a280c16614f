// A PEFT LoRA directory: adapter_config.json and adapter_model.safetensors, read and written as PEFT 0.21 does.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.ts";
import { DataError, show, UserError } from "../base/errors.ts";
import type { ModelConfig } from "./config.ts";
import { allFinite, isFloatType, widenBF16, widenF16 } from "./dtype.ts";
import { type LoraConfig, loraConfigText, readLoraConfig } from "./peft-config.ts";
import { type LoraTarget, resolveTargets } from "./peft-targets.ts";
import { type SafetensorsEntry, SafetensorsFile, writeSafetensors } from "./safetensors.ts";

export type { LoraConfig } from "./peft-config.ts";
export { type LoraTarget, resolveTargets } from "./peft-targets.ts";

/** One matrix of an adapter, row-major: A is [r, in], B is [out, r]. */
export interface AdapterTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** An adapter in memory; tensors under their names in the file. */
export interface Adapter {
  readonly config: LoraConfig;
  readonly tensors: ReadonlyMap<string, AdapterTensor>;
}

const configName = "adapter_config.json";
const weightsName = "adapter_model.safetensors";

/** Name in the file of a module's A or B, e.g. `base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight`. */
export function adapterTensorName(module: string, which: "A" | "B"): string {
  return `base_model.model.${module}.lora_${which}.weight`;
}

/** Reads a PEFT LoRA directory into f32.
 *  @throws UserError when a file is missing; DataError for an unsupported setting or a damaged or non-finite tensor. */
export function readAdapter(directory: string): Adapter {
  const config = readLoraConfig(join(directory, configName));
  const path = join(directory, weightsName);
  if (!existsSync(path)) {
    const pickled = existsSync(join(directory, "adapter_model.bin"));
    const hint = "adapter_model.bin is a pickle, which is not read; save it with safe_serialization=True";
    throw new UserError(`${path}: expected the adapter's weights, got no such file`, pickled ? { hint } : {});
  }
  using file = new SafetensorsFile(path);
  const tensors = new Map<string, AdapterTensor>();
  for (const entry of file.entries.values()) tensors.set(entry.name, readTensor(file, entry));
  return { config, tensors };
}

function readTensor(file: SafetensorsFile, entry: SafetensorsEntry): AdapterTensor {
  const fail = (complaint: string) => new DataError({ file: file.path, field: entry.name }, complaint);
  if (!/^base_model\.model\..+\.lora_[AB]\.weight$/.test(entry.name))
    throw fail(
      "expected only tensors named base_model.model.<module>.lora_A.weight and lora_B.weight, got this one",
    );
  if (!isFloatType(entry.dtype)) throw fail(`expected F32, F16 or BF16, got ${entry.dtype}`);
  if (entry.shape.length !== 2) throw fail(`expected two dimensions, got ${show(entry.shape)}`);
  const bytes = file.readAll(entry);
  let data: Float32Array;
  if (entry.dtype === "F32") data = new Float32Array(bytes.buffer);
  else {
    data = new Float32Array(entry.bytes / 2);
    (entry.dtype === "F16" ? widenF16 : widenBF16)(new Uint16Array(bytes.buffer), data, data.length);
  }
  if (!allFinite(data)) throw fail("expected finite weights, got NaN or infinity");
  return { shape: entry.shape, data };
}

/** Checks that the adapter was made for a base of this shape, and returns what it adapts.
 *  @throws DataError naming the first tensor that is missing, left over, or of another shape. */
export function checkAdapterFits(adapter: Adapter, directory: string, model: ModelConfig): LoraTarget[] {
  const targets = resolveTargets(adapter.config, model);
  const hint = {
    hint: "the adapter was trained on another base; give the base it names in adapter_config.json",
  };
  const fail = (field: string, complaint: string) =>
    new DataError({ file: join(directory, weightsName), field }, complaint, hint);
  const expected = new Map<string, readonly number[]>();
  for (const { module, r, inFeatures, outFeatures } of targets) {
    expected.set(adapterTensorName(module, "A"), [r, inFeatures]);
    expected.set(adapterTensorName(module, "B"), [outFeatures, r]);
  }
  for (const [name, shape] of expected) {
    const actual = adapter.tensors.get(name)?.shape;
    if (actual === undefined) throw fail(name, `expected a tensor of shape ${show(shape)}, got none`);
    if (actual[0] !== shape[0] || actual[1] !== shape[1])
      throw fail(name, `expected shape ${show(shape)} for this base and rank, got ${show(actual)}`);
  }
  for (const name of adapter.tensors.keys())
    if (!expected.has(name))
      throw fail(name, "expected no such tensor for this base and these target_modules, got one");
  return targets;
}

/** Writes a directory that `PeftModel.from_pretrained` loads; weights first, so that a config never stands alone.
 *  `all-linear` is written as the names it stands for, as PEFT does. Each file is written atomically.
 *  @throws UserError when the disk is full or the folder cannot be written. */
export function writeAdapter(directory: string, adapter: Adapter): void {
  writeSafetensors(
    join(directory, weightsName),
    [...adapter.tensors].map(([name, { shape, data }]) => ({
      name,
      dtype: "F32",
      shape,
      chunks: [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
    })),
    { format: "pt" },
  );
  writeFileAtomic(join(directory, configName), loraConfigText(expandAllLinear(adapter)));
}

function expandAllLinear({ config, tensors }: Adapter): LoraConfig {
  const { targetModules } = config;
  if (typeof targetModules !== "string" || targetModules.toLowerCase() !== "all-linear") return config;
  const names = [...tensors.keys()].map((name) => /\.([^.]+)\.lora_[AB]\.weight$/.exec(name)?.[1]);
  return { ...config, targetModules: [...new Set(names.filter((name) => name !== undefined))] };
}
