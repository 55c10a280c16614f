// What a base model is, read from config.json. Owns the defaults of each family and refuses, by name, what would change the maths.

import { DataError, show } from "../base/errors.ts";
import { refuseUnsupportedKeys } from "./config-refusals.ts";
import { isObject, type JsonObject, readJsonObject } from "./json-file.ts";
import { type RopeScaling, readRope } from "./rope-config.ts";

/** Architectures that can be run, by `model_type`. */
const modelTypes = ["llama", "mistral", "qwen2", "qwen3", "mixtral"] as const;
export type ModelType = (typeof modelTypes)[number];

export type { RopeScaling } from "./rope-config.ts";

/** A bitsandbytes 4-bit `quantization_config`. */
export interface Quantization {
  readonly quantType: "nf4" | "fp4";
  readonly doubleQuant: boolean;
  /** Weights that share one absmax. */
  readonly blocksize: number;
  readonly computeDtype: string;
}

/** Several feed-forward blocks a layer, of which each token takes some (Mixtral). */
export interface MixtureOfExperts {
  /** E, `num_local_experts`. */
  readonly experts: number;
  /** Experts that each token takes, `num_experts_per_tok`. */
  readonly topk: number;
}

/** A decoder of the Llama family. Shapes in elements; names as in config.json where one exists. */
export interface ModelConfig {
  readonly modelType: ModelType;
  /** C. */
  readonly hiddenSize: number;
  readonly layers: number;
  /** H, query heads. */
  readonly heads: number;
  /** K, key and value heads; divides H. */
  readonly kvHeads: number;
  /** D; even. H x D need not be C. */
  readonly headDim: number;
  /** F; of one expert where there are several. */
  readonly ffn: number;
  /** Absent where each layer has one feed-forward block. */
  readonly moe: MixtureOfExperts | undefined;
  /** V. */
  readonly vocab: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling | undefined;
  /** Per layer: position i attends to j with i - window < j <= i; undefined = all j <= i. */
  readonly slidingWindow: readonly (number | undefined)[];
  readonly attentionBias: {
    readonly q: boolean;
    readonly k: boolean;
    readonly v: boolean;
    readonly o: boolean;
  };
  readonly mlpBias: boolean;
  /** RMSNorm over each query and key head before the rotation (Qwen3). */
  readonly qkNorm: boolean;
  readonly tieWordEmbeddings: boolean;
  readonly maxPositionEmbeddings: number;
  readonly bosTokenId: number | undefined;
  readonly eosTokenIds: readonly number[];
  readonly padTokenId: number | undefined;
  /** As written, e.g. `bfloat16`; the files' own types decide how they are read. */
  readonly dtype: string | undefined;
  readonly quantization: Quantization | undefined;
  /** The file as it was parsed (for GGUF: a config.json with the same meaning). */
  readonly raw: JsonObject;
}

/** More than any model has; a damaged count must not fill the memory with names. */
const mostLayers = 4096;
const mostOfAny = 2 ** 31 - 1;

/** Reads and checks a config.json.
 *  @throws UserError when it is missing; DataError naming the field when something is wrong or unsupported. */
export function readModelConfig(path: string): ModelConfig {
  return parseModelConfig(readJsonObject(path, "a model's config.json"), path);
}

/** Checks a parsed config.json; `file` is used in errors only. Accepts the key styles of transformers 4 and 5.
 *  Defaults are those of transformers 5.23 `configuration_{llama,mistral,qwen2,qwen3,mixtral}.py`. */
export function parseModelConfig(raw: JsonObject, file: string): ModelConfig {
  const field = fieldReader(raw, file);
  const modelType = readModelType(raw, file);
  refuseUnsupportedKeys(raw, file, modelType === "mixtral" ? mixtureKeys : []);
  const hiddenSize = field.count("hidden_size");
  const layers = field.count("num_hidden_layers", undefined, mostLayers);
  const heads = field.count("num_attention_heads");
  const kvDefault = { llama: heads, mistral: 8, qwen2: 32, qwen3: 32, mixtral: 8 }[modelType];
  const kvHeads = raw.num_key_value_heads === null ? heads : field.count("num_key_value_heads", kvDefault);
  if (heads % kvHeads !== 0)
    throw field.error(
      "num_key_value_heads",
      `expected a divisor of num_attention_heads ${heads}, got ${kvHeads}`,
    );
  const headDim = readHeadDim(raw, modelType, hiddenSize, heads, field);
  const anyBias =
    modelType === "llama" || modelType === "qwen3" ? field.flag("attention_bias", false) : false;
  const qkv = modelType === "qwen2" || anyBias;
  return {
    modelType,
    hiddenSize,
    layers,
    heads,
    kvHeads,
    headDim,
    ffn: field.count("intermediate_size"),
    moe: modelType === "mixtral" ? readMixture(field) : undefined,
    vocab: field.count("vocab_size"),
    rmsNormEps: field.positive("rms_norm_eps", modelType === "mixtral" ? 1e-5 : 1e-6),
    ...readRope(raw, file, modelType === "mixtral" ? 1e6 : 1e4),
    slidingWindow: readWindows(raw, modelType, layers, field),
    attentionBias: { q: qkv, k: qkv, v: qkv, o: anyBias },
    mlpBias: modelType === "llama" && field.flag("mlp_bias", false),
    qkNorm: modelType === "qwen3",
    tieWordEmbeddings: field.flag("tie_word_embeddings", false),
    maxPositionEmbeddings: field.count("max_position_embeddings", defaultPositions[modelType]),
    bosTokenId: readTokenIds(raw, "bos_token_id", isQwen(modelType) ? null : 1, field)[0],
    eosTokenIds: readTokenIds(raw, "eos_token_id", isQwen(modelType) ? null : 2, field),
    padTokenId: readTokenIds(raw, "pad_token_id", null, field)[0],
    dtype: field.text("dtype") ?? field.text("torch_dtype"),
    quantization: readQuantization(raw, file),
    raw,
  };
}

const defaultPositions = {
  llama: 2048,
  mistral: 131072,
  qwen2: 32768,
  qwen3: 32768,
  mixtral: 131072,
} as const;

function isQwen(modelType: ModelType): boolean {
  return modelType === "qwen2" || modelType === "qwen3";
}

/** What makes a model a mixture of experts, by transformers' own name and its alias. */
const mixtureKeys = ["num_local_experts", "num_experts", "num_experts_per_tok"];

/** More than any model has; each is a tensor's name a layer. */
const mostExperts = 512;

function readMixture(field: FieldReader): MixtureOfExperts {
  const experts = field.count("num_local_experts", field.count("num_experts", 8, mostExperts), mostExperts);
  const topk = field.count("num_experts_per_tok", 2);
  if (topk > experts)
    throw field.error("num_experts_per_tok", `expected at most num_local_experts ${experts}, got ${topk}`);
  return { experts, topk };
}

function readModelType(raw: JsonObject, file: string): ModelType {
  const found = modelTypes.find((type) => type === raw.model_type);
  if (found !== undefined) return found;
  throw new DataError(
    { file, field: "model_type" },
    `expected one of ${modelTypes.join(", ")}, got ${show(raw.model_type)}`,
    { hint: "choose a base of one of these architectures" },
  );
}

type FieldReader = ReturnType<typeof fieldReader>;

/** Typed access to the top-level fields, with the field's name in each error; null counts as absent. */
function fieldReader(raw: JsonObject, file: string) {
  const error = (name: string, complaint: string) => new DataError({ file, field: name }, complaint);
  const number = (
    name: string,
    fallback: number | undefined,
    fits: (x: number) => boolean,
    what: string,
  ): number => {
    const value = raw[name] ?? fallback;
    if (typeof value !== "number" || !fits(value))
      throw error(name, `expected ${what}, got ${value === undefined ? "nothing" : show(value)}`);
    return value;
  };
  return {
    error,
    count: (name: string, fallback?: number, most = mostOfAny) =>
      number(
        name,
        fallback,
        (x) => Number.isSafeInteger(x) && x >= 1 && x <= most,
        most === mostOfAny ? "a positive whole number" : `a whole number from 1 to ${most}`,
      ),
    positive: (name: string, fallback?: number) =>
      number(name, fallback, (x) => Number.isFinite(x) && x > 0, "a number above 0"),
    flag(name: string, fallback: boolean): boolean {
      const value = raw[name] ?? fallback;
      if (typeof value !== "boolean") throw error(name, `expected true or false, got ${show(value)}`);
      return value;
    },
    text(name: string): string | undefined {
      const value = raw[name] ?? undefined;
      if (value !== undefined && typeof value !== "string")
        throw error(name, `expected a string, got ${show(value)}`);
      return value;
    },
  };
}

function readHeadDim(
  raw: JsonObject,
  modelType: ModelType,
  hiddenSize: number,
  heads: number,
  field: FieldReader,
): number {
  // Only Qwen3 has a fixed default; the others divide, and Llama insists that the division is exact.
  const given = typeof raw.head_dim === "number" || (modelType === "qwen3" && raw.head_dim === undefined);
  if (!given && hiddenSize % heads !== 0)
    throw field.error(
      "hidden_size",
      `expected a multiple of num_attention_heads ${heads}, got ${hiddenSize}`,
    );
  const headDim = field.count("head_dim", given ? 128 : hiddenSize / heads);
  if (headDim % 2 !== 0) throw field.error("head_dim", `expected an even number, got ${headDim}`);
  return headDim;
}

/** Windows per layer as `MistralModel`, `MixtralModel`, `Qwen2Config` and `Qwen3Config` derive them; Llama has none. */
function readWindows(
  raw: JsonObject,
  modelType: ModelType,
  layers: number,
  field: FieldReader,
): readonly (number | undefined)[] {
  if (modelType === "llama") return Array.from({ length: layers }, () => undefined);
  const qwen = isQwen(modelType);
  if (modelType === "mixtral" && raw.sliding_window === undefined) raw = { ...raw, sliding_window: null };
  const on = !qwen || field.flag("use_sliding_window", false);
  const window = on && raw.sliding_window !== null ? field.count("sliding_window", 4096) : undefined;
  if (Array.isArray(raw.layer_types)) {
    if (raw.layer_types.length !== layers)
      throw field.error("layer_types", `expected ${layers} entries, got ${raw.layer_types.length}`);
    return raw.layer_types.map((type: unknown, layer) => {
      if (type === "full_attention" || type === "attention") return undefined;
      if (type !== "sliding_attention")
        throw field.error(
          `layer_types[${layer}]`,
          `expected full_attention or sliding_attention, got ${show(type)}`,
        );
      if (window === undefined)
        throw field.error(
          `layer_types[${layer}]`,
          "expected a sliding_window for sliding_attention, got none",
        );
      return window;
    });
  }
  const firstWindowed = qwen && raw.max_window_layers !== 0 ? field.count("max_window_layers", 28) : 0;
  return Array.from({ length: layers }, (_, layer) => (layer >= firstWindowed ? window : undefined));
}

function readTokenIds(raw: JsonObject, name: string, fallback: number | null, field: FieldReader): number[] {
  const value = raw[name] === undefined ? fallback : raw[name];
  if (value === null) return [];
  const ids: unknown[] = Array.isArray(value) ? value : [value];
  for (const id of ids)
    if (typeof id !== "number" || !Number.isInteger(id))
      throw field.error(name, `expected a token id or a list of them, got ${show(value)}`);
  // Llama 2's repositories say -1 for "no such token".
  return (ids as number[]).filter((id) => id >= 0);
}

function readQuantization(raw: JsonObject, file: string): Quantization | undefined {
  const given = raw.quantization_config ?? undefined;
  if (given === undefined) return undefined;
  const fail = (key: string, expected: string, got: unknown) =>
    new DataError({ file, field: `quantization_config${key}` }, `expected ${expected}, got ${show(got)}`, {
      hint: "use the unquantised base, or one quantised by bitsandbytes to 4 bits",
    });
  if (!isObject(given)) throw fail("", "an object", given);
  const fourBit = given.load_in_4bit ?? given._load_in_4bit ?? false;
  const method = given.quant_method ?? (fourBit || given.load_in_8bit ? "bitsandbytes" : undefined);
  if (method !== "bitsandbytes") throw fail(".quant_method", "bitsandbytes", method);
  if (fourBit !== true) throw fail(".load_in_4bit", "true", fourBit);
  // fp4 without double quantisation is what BitsAndBytesConfig means when it says nothing.
  const quantType = given.bnb_4bit_quant_type ?? "fp4";
  if (quantType !== "nf4" && quantType !== "fp4") throw fail(".bnb_4bit_quant_type", "nf4 or fp4", quantType);
  return {
    quantType,
    doubleQuant: given.bnb_4bit_use_double_quant === true,
    blocksize: typeof given.bnb_4bit_blocksize === "number" ? given.bnb_4bit_blocksize : 64,
    computeDtype: typeof given.bnb_4bit_compute_dtype === "string" ? given.bnb_4bit_compute_dtype : "float32",
  };
}
