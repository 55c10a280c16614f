// Which adapter is trained and how it starts: fresh from the options, or from given weights with their own shape.

import { createHash } from "node:crypto";
import { UserError } from "../base/errors.ts";
import { parseNumberPairs } from "../base/key-values.ts";
import type { ModelConfig } from "../formats/config.ts";
import { repoOfPath } from "../formats/hub-path.ts";
import { parseLayers } from "../formats/layer-list.ts";
import {
  type Adapter,
  type AdapterTensor,
  checkAdapterFits,
  type LoraConfig,
  type LoraTarget,
  readAdapter,
  resolveTargets,
} from "../formats/peft-adapter.ts";
import { trainsAdapter } from "./full/stages.ts";
import { initLora } from "./lora-init.ts";
import type { TrainOptions } from "./options.ts";
import { isPreference } from "./preference/settings.ts";

/** LoRA's defaults: those of the published run. */
const defaults = {
  r: 16,
  alpha: 32,
  dropout: 0.05,
  targetModules: ["q_proj", "k_proj", "v_proj", "o_proj"],
} as const;

/** An adapter to be trained. */
export interface AdapterSetup {
  readonly config: LoraConfig;
  /** In the order of the model; none when no adapter is trained. */
  readonly targets: readonly LoraTarget[];
  /** Hash of the weights of --init-adapter; null for a fresh start. */
  readonly initHash: string | null;
  /** The weights before the first step. */
  start(): ReadonlyMap<string, AdapterTensor>;
}

/** Settles which adapter is trained; one without targets when the run trains weights of the base alone.
 *  @throws UserError when an option contradicts the given adapter, DataError when that does not fit the base. */
export function setUpAdapter(options: TrainOptions, model: ModelConfig): AdapterSetup {
  const given = options.initAdapter === undefined ? undefined : readAdapter(options.initAdapter);
  const config = withNames(loraConfig(options, given?.config, model.layers), model);
  if (!trainsAdapter(options)) return { config, targets: [], initHash: null, start: () => new Map() };
  const targets = resolveTargets(config, model);
  if (!given || options.initAdapter === undefined)
    return { config, targets, initHash: null, start: () => initLora(targets, options.seed) };
  const own = checkAdapterFits(given, options.initAdapter, model);
  checkSame(
    `--init-adapter ${options.initAdapter}`,
    own,
    targets,
    "leave --lora-r, --lora-alpha, --target-modules and the patterns out; they come with the adapter",
  );
  return { config, targets, initHash: hashTensors(given), start: () => given.tensors };
}

/** PEFT takes `layers_to_transform` beside a list of names only: `all-linear` becomes the names that it stands for. */
function withNames(config: LoraConfig, model: ModelConfig): LoraConfig {
  if (config.layersToTransform === undefined || config.targetModules !== "all-linear") return config;
  const all = resolveTargets({ ...config, layersToTransform: undefined }, model);
  return { ...config, targetModules: [...new Set(all.map(({ name }) => name))] };
}

function loraConfig(options: TrainOptions, given: LoraConfig | undefined, layers: number): LoraConfig {
  const rankPattern = parseNumberPairs("rank-pattern", options.rankPattern);
  for (const [key, rank] of Object.entries(rankPattern))
    if (!Number.isInteger(rank) || rank < 1)
      throw new UserError(`--rank-pattern: expected a positive whole number for ${key}, got ${rank}`);
  return {
    r: options.loraR ?? given?.r ?? defaults.r,
    alpha: options.loraAlpha ?? given?.alpha ?? defaults.alpha,
    // Preferences are learnt without dropout, as TRL's disable_dropout has it: policy and reference begin as one.
    dropout: options.loraDropout ?? (isPreference(options) ? 0 : (given?.dropout ?? defaults.dropout)),
    useRslora: options.useRslora || (given?.useRslora ?? false),
    targetModules: targetModules(options.targetModules) ?? given?.targetModules ?? defaults.targetModules,
    excludeModules: given?.excludeModules,
    layersToTransform: parseLayers(options.layersToTransform, layers) ?? given?.layersToTransform,
    layersPattern: given?.layersPattern,
    rankPattern: options.rankPattern === undefined ? (given?.rankPattern ?? {}) : rankPattern,
    alphaPattern:
      options.alphaPattern === undefined
        ? (given?.alphaPattern ?? {})
        : parseNumberPairs("alpha-pattern", options.alphaPattern),
    // PEFT finds the base by this: a name that works on other machines, where there is one.
    baseModel: repoOfPath(options.base) ?? options.base,
    revision: undefined,
  };
}

/** PEFT takes a list as names and a string as a regular expression; on a command line one word is both. */
function targetModules(names: readonly string[] | undefined): LoraConfig["targetModules"] | undefined {
  if (names === undefined || names.length === 0) return undefined;
  const [only] = names;
  const isPattern = only === "all-linear" || /[\\*+?()[\]{}|^$]/.test(only!);
  return names.length === 1 && isPattern ? only : names;
}

/** Refuses an adapter of another rank, scale or set of layers than is wanted.
 *  @throws UserError naming the first difference. */
export function checkSame(
  who: string,
  own: readonly LoraTarget[],
  wanted: readonly LoraTarget[],
  hint: string,
): void {
  const describe = (targets: readonly LoraTarget[]) =>
    targets.map(({ module, r, scale }) => `${module} r ${r} scale ${scale}`);
  const ours = new Set(describe(own));
  const differing = describe(wanted).find((target) => !ours.has(target));
  if (differing === undefined && own.length === wanted.length) return;
  throw new UserError(
    `${who}: expected the adapter's own rank, alpha and layers, got ${differing ?? `${wanted.length} layers instead of ${own.length}`}`,
    { hint },
  );
}

/** Hash of an adapter's weights. */
export function hashTensors({ tensors }: Adapter): string {
  const hash = createHash("sha256");
  for (const [name, { data }] of [...tensors].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(name);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return `sha256:${hash.digest("hex")}`;
}

/** The options with LoRA's settings filled in, as options.json has them. */
export function withLoraSettings(options: TrainOptions, config: LoraConfig): TrainOptions {
  if (!trainsAdapter(options)) return options;
  const { targetModules: names } = config;
  return {
    ...options,
    loraR: config.r,
    loraAlpha: config.alpha,
    loraDropout: config.dropout,
    useRslora: config.useRslora,
    targetModules: typeof names === "string" ? [names] : names,
  };
}
