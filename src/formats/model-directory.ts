// A model as a Hugging Face directory: its tensors in one file or several, and config.json.

import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.ts";
import type { BaseWeights } from "./base-weights.ts";
import { type FloatType, isFloatType } from "./dtype.ts";
import { type JsonObject, readJsonVerbatim } from "./json-file.ts";
import { type TensorToWrite, writeSafetensors } from "./safetensors.ts";
import { tensorBytes } from "./weight-chunks.ts";

/** transformers' names of types. */
export const dtypeNames: Readonly<Record<string, FloatType>> = {
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
};

const architectures: Readonly<Record<string, string>> = {
  llama: "LlamaForCausalLM",
  mistral: "MistralForCausalLM",
  qwen2: "Qwen2ForCausalLM",
  qwen3: "Qwen3ForCausalLM",
  mixtral: "MixtralForCausalLM",
};

/** The type that each tensor of a base is written as, and the one that config.json names. */
export interface WrittenTypes {
  readonly typeOf: (name: string) => FloatType;
  readonly main: FloatType;
}

/** A base's own types; what is stored quantised becomes what config.json says it was, or f16 in GGUF files, where llama.cpp's own
 *  conversions are that. */
export function ownTypes(base: BaseWeights): WrittenTypes {
  const entries = [...base.tensors.values()];
  const sizes = new Map<FloatType, number>();
  for (const { type, bytes } of entries)
    if (isFloatType(type)) sizes.set(type, (sizes.get(type) ?? 0) + bytes);
  const most = [...sizes].sort(([, a], [, b]) => b - a)[0]?.[0] ?? "F32";
  const quantised = entries.some(({ type }) => !isFloatType(type));
  const before = quantised ? (dtypeNames[base.config.dtype ?? ""] ?? "F16") : most;
  if (quantised || base.kind === "gguf") return { typeOf: () => before, main: before };
  return { typeOf: (name) => base.tensors.get(name)!.type as FloatType, main: most };
}

/** Cuts tensors into files of at most `maxBytes`, in their order. */
export function planShards(tensors: readonly TensorToWrite[], maxBytes: number): TensorToWrite[][] {
  const shards: TensorToWrite[][] = [];
  let room = 0;
  for (const tensor of tensors) {
    const bytes = tensorBytes(tensor);
    if (bytes > room || shards.length === 0) {
      shards.push([]);
      room = maxBytes;
    }
    shards.at(-1)!.push(tensor);
    room -= bytes;
  }
  return shards;
}

/** Writes the files of a model, and their index where there are several. Tells `onProgress` how many bytes of how many are written.
 *  @throws UserError when the disk is full. */
export function writeShards(
  folder: string,
  shards: readonly TensorToWrite[][],
  onProgress?: (done: number, total: number) => void,
): void {
  const total = shards.flat().reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  let done = 0;
  function* counted(chunks: Iterable<Uint8Array>): Generator<Uint8Array> {
    for (const chunk of chunks) {
      yield chunk;
      done += chunk.byteLength;
      onProgress?.(done, total);
    }
  }
  const number = (n: number) => String(n).padStart(5, "0");
  const weightMap: [string, string][] = [];
  for (const [i, shard] of shards.entries()) {
    const name =
      shards.length === 1
        ? "model.safetensors"
        : `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`;
    writeSafetensors(
      join(folder, name),
      shard.map((tensor) => ({ ...tensor, chunks: counted(tensor.chunks) })),
      { format: "pt" },
    );
    for (const tensor of shard) weightMap.push([tensor.name, name]);
  }
  if (shards.length === 1) return;
  const index = {
    metadata: { total_size: total },
    weight_map: Object.fromEntries(weightMap.sort(([a], [b]) => (a < b ? -1 : 1))),
  };
  writeFileAtomic(join(folder, "model.safetensors.index.json"), `${JSON.stringify(index, null, 2)}\n`);
}

/** The base's own config.json, numbers as they stand there; for a GGUF file the one that it amounts to. */
function writable({ path, kind, config }: BaseWeights): JsonObject {
  return kind === "hf" ? readJsonVerbatim(join(path, "config.json"), "a model's config.json") : config.raw;
}

/** config.json of a model written from a base, for `JSON.stringify`: the base's, with what the writing changed. */
export function writtenConfig(base: BaseWeights, dtype: FloatType): Record<string, unknown> {
  const { quantization_config: _, dtype: newKey, torch_dtype: oldKey, ...raw } = writable(base);
  const name = Object.keys(dtypeNames).find((key) => dtypeNames[key] === dtype);
  return {
    ...(base.kind === "gguf" && {
      architectures: [architectures[base.config.modelType]],
      hidden_act: "silu",
    }),
    ...raw,
    tie_word_embeddings: base.config.tieWordEmbeddings,
    [newKey === undefined && oldKey !== undefined ? "torch_dtype" : "dtype"]: name,
  };
}
