// A GGUF file's metadata as a ModelConfig, by way of the config.json it was converted from, so that all checks are the same.
// Keys: llama.cpp `gguf-py/gguf/constants.py`; what the converter makes of a config.json: `convert_hf_to_gguf.py`.

import { DataError, show } from "../base/errors.ts";
import { type ModelConfig, parseModelConfig, type RopeScaling } from "./config.ts";
import type { GgufHeader } from "./gguf-header.ts";

/** GGUF architectures that can be run; Mistral's is `llama`. */
const architectures = ["llama", "qwen2", "qwen3"];

/** Keys (without the architecture) that mean other maths when they are neither 0 nor false. */
const refused =
  /expert|softcap|logit_scale|residual_scale|embedding_scale|attention\.scale|_mla|dimension_sections|ssm|alibi|clamp_kqv|nextn|interleave|sliding_window_pattern|attn_factor|yarn|temperature/;

/** @param ropeFactors values of `rope_freqs.weight`, where the file has it: what each rotary frequency is divided by.
 *  @throws DataError naming the key that is missing, wrong or unsupported. */
export function ggufModelConfig(
  header: GgufHeader,
  ropeFactors: Float32Array | undefined,
  file: string,
): ModelConfig {
  const { metadata, tensors } = header;
  const fail = (field: string, expected: string, got: unknown) =>
    new DataError({ file, field }, `expected ${expected}, got ${show(got)}`);
  const type = metadata.get("general.type");
  if (type !== undefined && type !== "model") throw fail("general.type", "model", type);
  const arch = metadata.get("general.architecture");
  if (typeof arch !== "string" || !architectures.includes(arch))
    throw new DataError(
      { file, field: "general.architecture" },
      `expected one of ${architectures.join(", ")}, got ${show(arch)}`,
      { hint: "choose a base of one of these architectures" },
    );
  for (const [key, value] of metadata)
    if (key.startsWith(`${arch}.`) && refused.test(key) && value !== 0 && value !== false)
      throw fail(key, "nothing (it changes the model's maths in a way that is not supported)", value);
  const optional = (key: string): number | undefined => {
    const value = metadata.get(`${arch}.${key}`);
    if (value !== undefined && typeof value !== "number") throw fail(`${arch}.${key}`, "a number", value);
    return value;
  };
  const required = (key: string): number => {
    const value = optional(key);
    if (value === undefined) throw fail(`${arch}.${key}`, "a number", undefined);
    return value;
  };
  const heads = required("attention.head_count");
  const hidden = required("embedding_length");
  const headDim = optional("attention.key_length") ?? hidden / heads;
  const rotated = optional("rope.dimension_count") ?? headDim;
  if (rotated !== headDim)
    throw fail(`${arch}.rope.dimension_count`, `${headDim} (every dimension is rotated)`, rotated);
  if ((optional("attention.value_length") ?? headDim) !== headDim)
    throw fail(
      `${arch}.attention.value_length`,
      `${headDim}, as key_length`,
      optional("attention.value_length"),
    );
  const theta = shortest(optional("rope.freq_base") ?? 10000);
  const window = optional("attention.sliding_window") ?? 0;
  if (window > 0 && arch !== "llama")
    throw fail(`${arch}.attention.sliding_window`, "no window for this architecture", window);
  const eos = ["eos", "eot"].map((name) => metadata.get(`tokenizer.ggml.${name}_token_id`));
  const raw = {
    model_type: arch === "llama" && window > 0 ? "mistral" : arch,
    hidden_size: hidden,
    intermediate_size: required("feed_forward_length"),
    num_hidden_layers: required("block_count"),
    num_attention_heads: heads,
    num_key_value_heads: optional("attention.head_count_kv") ?? heads,
    head_dim: headDim,
    vocab_size: tensors.get("token_embd.weight")?.shape[0] ?? optional("vocab_size"),
    rms_norm_eps: shortest(required("attention.layer_norm_rms_epsilon")),
    max_position_embeddings: optional("context_length"),
    rope_theta: theta,
    rope_scaling: ropeScaling(
      metadata,
      arch,
      ropeFactors,
      { theta, headDim },
      optional("context_length"),
      file,
    ),
    sliding_window: window > 0 ? window : null,
    attention_bias: arch !== "qwen2" && tensors.has("blk.0.attn_output.bias"),
    mlp_bias: arch === "llama" && tensors.has("blk.0.ffn_down.bias"),
    tie_word_embeddings: !tensors.has("output.weight"),
    bos_token_id: metadata.get("tokenizer.ggml.bos_token_id") ?? null,
    eos_token_id: [...new Set(eos.filter((id) => id !== undefined))],
    pad_token_id: metadata.get("tokenizer.ggml.padding_token_id") ?? null,
  };
  return parseModelConfig(raw, file);
}

/** The shortest decimal that is this f32: 9.999999747378752e-6 is 1e-5 in the config it came from. */
function shortest(x: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(x.toPrecision(digits));
    if (Math.fround(short) === Math.fround(x)) return short;
  }
  return x;
}

function ropeScaling(
  metadata: ReadonlyMap<string, unknown>,
  arch: string,
  factors: Float32Array | undefined,
  rope: { readonly theta: number; readonly headDim: number },
  context: number | undefined,
  file: string,
): Record<string, unknown> | null {
  const key = `${arch}.rope.scaling.type`;
  const type = metadata.get(key) ?? (metadata.has(`${arch}.rope.scale_linear`) ? "linear" : "none");
  if (type !== "none" && type !== "linear")
    throw new DataError({ file, field: key }, `expected none or linear, got ${show(type)}`);
  if (factors !== undefined) {
    const found = type === "none" ? llama3From(factors, rope, context) : undefined;
    if (found === undefined)
      throw new DataError(
        { file, field: "rope_freqs.weight" },
        "expected the factors of llama3 rope scaling, got others",
      );
    return {
      rope_type: "llama3",
      factor: found.factor,
      low_freq_factor: found.lowFreqFactor,
      high_freq_factor: found.highFreqFactor,
      original_max_position_embeddings: found.originalMaxPosition,
    };
  }
  if (type === "none") return null;
  return {
    rope_type: "linear",
    factor: metadata.get(`${arch}.rope.scaling.factor`) ?? metadata.get(`${arch}.rope.scale_linear`),
  };
}

type Llama3 = Extract<RopeScaling, { type: "llama3" }>;

/** What each frequency is divided by (transformers `_compute_llama3_parameters`). */
function llama3Factor(scaling: Omit<Llama3, "type">, wavelength: number): number {
  const { factor, lowFreqFactor: low, highFreqFactor: high, originalMaxPosition: original } = scaling;
  if (wavelength < original / high) return 1;
  if (wavelength > original / low) return factor;
  const smooth = (original / wavelength - low) / (high - low);
  return 1 / ((1 - smooth) / factor + smooth);
}

/** The llama3 settings that give these factors (a GGUF keeps only the factors). Settings that differ but give the same factors
 *  are the same model, so the usual ones are tried first: 1 and 4, and a context that is a power of two or the model's own. */
function llama3From(
  factors: Float32Array,
  { theta, headDim }: { readonly theta: number; readonly headDim: number },
  context: number | undefined,
): Omit<Llama3, "type"> | undefined {
  if (factors.length !== headDim / 2) return undefined;
  const wavelengths = Array.from(factors, (_, i) => 2 * Math.PI * theta ** ((2 * i) / headDim));
  const factor = shortest(factors.reduce((most, x) => Math.max(most, x), 1));
  const fits = (scaling: Omit<Llama3, "type">) =>
    wavelengths.every((wave, i) => Math.abs(llama3Factor(scaling, wave) / factors[i]! - 1) < 1e-5);
  const originals = [
    ...Array.from({ length: 18 }, (_, i) => 2 ** (i + 4)),
    ...(context ? [context, context / factor] : []),
  ];
  const usual = { factor, lowFreqFactor: 1, highFreqFactor: 4 };
  for (const originalMaxPosition of originals)
    if (fits({ ...usual, originalMaxPosition })) return { ...usual, originalMaxPosition };
  // Between the ends, smooth is a line in 1 / wavelength: two points on it give the other settings, up to a common factor.
  const line = wavelengths.flatMap((wave, i) => {
    const smooth = (1 / factors[i]! - 1 / factor) / (1 - 1 / factor);
    return smooth > 1e-4 && smooth < 1 - 1e-4 ? [{ x: 1 / wave, smooth }] : [];
  });
  const [a, b] = [line[0], line.at(-1)];
  if (a === undefined || b === undefined || a === b) return undefined;
  const slope = (a.smooth - b.smooth) / (a.x - b.x);
  const highFreqFactor = 1 - 1 / (b.smooth - slope * b.x);
  const fitted = {
    factor,
    lowFreqFactor: 1,
    highFreqFactor,
    originalMaxPosition: slope * (highFreqFactor - 1),
  };
  return fits(fitted) ? fitted : undefined;
}
