// adapter_config.json: what PEFT 0.21's LoraConfig says, read with every unsupported setting refused by name, and written
// with PEFT's own key set. peft/tuners/lora/config.py.

import { DataError, show } from "../base/errors.ts";
import { isObject, type JsonObject, readJsonObject } from "./json-file.ts";

/** A LoRA configuration; field for field PEFT's, in camel case. */
export interface LoraConfig {
  readonly r: number;
  readonly alpha: number;
  /** Probability with which an input of the LoRA path is zeroed while training. */
  readonly dropout: number;
  /** Scale alpha / sqrt(r) instead of alpha / r. */
  readonly useRslora: boolean;
  /** Names (suffixes of module paths), a regular expression for whole paths, or `all-linear`. */
  readonly targetModules: readonly string[] | string;
  readonly excludeModules: readonly string[] | string | undefined;
  readonly layersToTransform: readonly number[] | undefined;
  readonly layersPattern: readonly string[] | undefined;
  /** Module path pattern -> rank. The first key that matches counts. */
  readonly rankPattern: Readonly<Record<string, number>>;
  readonly alphaPattern: Readonly<Record<string, number>>;
  readonly baseModel: string | undefined;
  readonly revision: string | undefined;
}

/** A configuration of these settings, and of PEFT's neutral ones in all else. */
export function plainLora(
  settings: Pick<LoraConfig, "r" | "alpha" | "targetModules"> & Partial<LoraConfig>,
): LoraConfig {
  return {
    dropout: 0,
    useRslora: false,
    excludeModules: undefined,
    layersToTransform: undefined,
    layersPattern: undefined,
    rankPattern: {},
    alphaPattern: {},
    baseModel: undefined,
    revision: undefined,
    ...settings,
  };
}

/** Settings that change the maths and are not supported: key -> values that do not (absent and null never do). */
const neutralValues: Readonly<Record<string, readonly unknown[]>> = {
  peft_type: ["LORA"],
  task_type: ["CAUSAL_LM"],
  bias: ["none"],
  fan_in_fan_out: [false],
  use_dora: [false],
  lora_bias: [false],
  use_qalora: [false],
  // The others subtract something from the base when the adapter is loaded, or only mean a start for training.
  init_lora_weights: [true, false, "gaussian", "orthogonal", "eva"],
  modules_to_save: [],
  trainable_token_indices: [],
  target_parameters: [],
  layer_replication: [],
  alora_invocation_tokens: [],
  arrow_config: [],
  kasa_config: [],
  monteclora_config: [],
  use_bdlora: [false],
  velora_config: [],
};

/** Reads and checks an adapter_config.json.
 *  @throws UserError when it is missing; DataError naming the key that is wrong or not supported. */
export function readLoraConfig(path: string): LoraConfig {
  const raw = readJsonObject(path, "an adapter's adapter_config.json");
  const fail = (field: string, expected: string) =>
    new DataError({ file: path, field }, `expected ${expected}, got ${show(raw[field])}`);
  if (raw.peft_type === undefined) throw fail("peft_type", `"LORA"`);
  refuse(raw, path);
  const r = raw.r ?? 8;
  if (typeof r !== "number" || !Number.isInteger(r) || r < 1) throw fail("r", "a positive whole number");
  const alpha = raw.lora_alpha ?? 8;
  if (typeof alpha !== "number" || !Number.isFinite(alpha)) throw fail("lora_alpha", "a number");
  const dropout = raw.lora_dropout ?? 0;
  if (typeof dropout !== "number" || !(dropout >= 0 && dropout < 1))
    throw fail("lora_dropout", "a number from 0 to below 1");
  const layers =
    typeof raw.layers_to_transform === "number"
      ? [raw.layers_to_transform]
      : (raw.layers_to_transform ?? undefined);
  if (layers !== undefined && !(Array.isArray(layers) && layers.every((n) => Number.isInteger(n))))
    throw fail("layers_to_transform", "a layer or a list of layers");
  const names = (field: string) => readNames(raw[field], () => fail(field, "a string or a list of strings"));
  const layersPattern = names("layers_pattern");
  return {
    r,
    alpha,
    dropout,
    useRslora: raw.use_rslora === true,
    // PEFT's default for all four families (utils/constants.py).
    targetModules: names("target_modules") ?? ["q_proj", "v_proj"],
    excludeModules: names("exclude_modules"),
    layersToTransform: layers === undefined || layers.length === 0 ? undefined : (layers as number[]),
    layersPattern: typeof layersPattern === "string" ? [layersPattern] : layersPattern,
    rankPattern: readPattern(raw, "rank_pattern", path, true),
    alphaPattern: readPattern(raw, "alpha_pattern", path, false),
    baseModel: typeof raw.base_model_name_or_path === "string" ? raw.base_model_name_or_path : undefined,
    revision: typeof raw.revision === "string" ? raw.revision : undefined,
  };
}

function refuse(raw: JsonObject, file: string): void {
  for (const [key, neutral] of Object.entries(neutralValues)) {
    const value = raw[key] ?? undefined;
    const empty = Array.isArray(value)
      ? value.length === 0
      : isObject(value) && Object.keys(value).length === 0;
    if (value === undefined || empty || neutral.includes(value)) continue;
    const expected = neutral.length === 0 ? "nothing" : neutral.map(show).join(" or ");
    throw new DataError({ file, field: key }, `expected ${expected}, got ${show(value)}`, {
      hint: "only plain LoRA (and rank-stabilised LoRA) adapters are supported",
    });
  }
}

function readNames(value: unknown, fail: () => DataError): readonly string[] | string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value;
  if (!Array.isArray(value) || !value.every((name) => typeof name === "string")) throw fail();
  return value;
}

function readPattern(raw: JsonObject, field: string, file: string, whole: boolean): Record<string, number> {
  const value = raw[field] ?? {};
  const fits = (n: unknown) =>
    typeof n === "number" && Number.isFinite(n) && (!whole || (Number.isInteger(n) && n >= 1));
  if (!isObject(value) || !Object.values(value).every(fits))
    throw new DataError(
      { file, field },
      `expected an object of ${whole ? "positive whole numbers" : "numbers"}, got ${show(value)}`,
    );
  return value as Record<string, number>;
}

/** The text of adapter_config.json as PEFT 0.21.2's `save_pretrained` writes it: all of its keys, sorted, indented by 2. */
export function loraConfigText(config: LoraConfig): string {
  const list = (value: readonly string[] | string | undefined) =>
    value === undefined ? null : typeof value === "string" ? value : [...value].sort();
  const values: JsonObject = {
    alora_invocation_tokens: null,
    alpha_pattern: config.alphaPattern,
    arrow_config: null,
    auto_mapping: null,
    base_model_name_or_path: config.baseModel ?? null,
    bias: "none",
    corda_config: null,
    ensure_weight_tying: false,
    eva_config: null,
    exclude_modules: list(config.excludeModules),
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    kasa_config: null,
    layer_replication: null,
    layers_pattern: config.layersPattern ?? null,
    layers_to_transform: config.layersToTransform ?? null,
    loftq_config: {},
    lora_alpha: config.alpha,
    lora_bias: false,
    lora_dropout: config.dropout,
    lora_ga_config: null,
    megatron_config: null,
    megatron_core: "megatron.core",
    modules_to_save: null,
    monteclora_config: null,
    peft_type: "LORA",
    peft_version: "0.21.2",
    qalora_group_size: 16,
    r: config.r,
    rank_pattern: config.rankPattern,
    revision: config.revision ?? null,
    target_modules: list(config.targetModules),
    target_parameters: null,
    task_type: "CAUSAL_LM",
    trainable_token_indices: null,
    use_bdlora: null,
    use_dora: false,
    use_qalora: false,
    use_rslora: config.useRslora,
    velora_config: null,
  };
  // Python writes a whole float with ".0", and nothing outside ASCII.
  return JSON.stringify(values, null, 2)
    .replace(/^( {2}"lora_dropout": \d+)(,?)$/m, "$1.0$2")
    .replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
