// Which modules an adapter changes, and by how much: PEFT's own matching rules.
// peft 0.21 tuners/tuners_utils.py `check_target_module_exists`, utils/other.py `get_pattern_key`.

import { UserError } from "../base/errors.ts";
import type { ModelConfig } from "./config.ts";
import type { LoraConfig } from "./peft-config.ts";
import {
  attentionNames,
  type LinearName,
  linearPath,
  linearShape,
  mlpNames,
  singleLinearNames,
} from "./tensor-names.ts";

/** One adapted linear layer. */
export interface LoraTarget {
  /** E.g. `model.layers.0.self_attn.q_proj`. */
  readonly module: string;
  readonly layer: number;
  readonly name: LinearName;
  readonly r: number;
  readonly alpha: number;
  /** y += scale x B(A(x)). */
  readonly scale: number;
  /** Columns of A. */
  readonly inFeatures: number;
  /** Rows of B. */
  readonly outFeatures: number;
}

/** What PEFT writes for `all-linear` on a model of this family. */
const allLinear = "all-linear";

/** Modules that `config` adapts, in the order of the model.
 *  @throws UserError when nothing matches, a pattern is no regular expression, or a module cannot be adapted. */
export function resolveTargets(config: LoraConfig, model: ModelConfig): LoraTarget[] {
  const targets: LoraTarget[] = [];
  const hint = `LoRA can be put on ${singleLinearNames(model).join(", ")}`;
  const matches = targetMatcher(config);
  const rankKey = patternMatcher("rank_pattern", config.rankPattern);
  const alphaKey = patternMatcher("alpha_pattern", config.alphaPattern);
  for (const { path, linear } of modulesOf(model)) {
    if (!matches(path, linear !== undefined && path !== "lm_head")) continue;
    if (linear === undefined)
      throw new UserError(`target_modules: expected linear layers of the blocks, got ${path}`, { hint });
    const r = rankKey(path) ?? config.r;
    const alpha = alphaKey(path) ?? config.alpha;
    const [outFeatures, inFeatures] = linearShape(model, linear.name);
    const scale = alpha / (config.useRslora ? Math.sqrt(r) : r);
    targets.push({ module: path, ...linear, r, alpha, scale, inFeatures, outFeatures });
  }
  if (targets.length === 0)
    throw new UserError(
      `target_modules: expected modules of the base, got ${JSON.stringify(config.targetModules)}, which match none`,
      { hint: `${hint}, or all-linear` },
    );
  return targets;
}

/** torch's `named_modules()` of a ForCausalLM model, in its order; `linear` for those that can be adapted. */
function* modulesOf(
  model: ModelConfig,
): Generator<{ path: string; linear?: { readonly layer: number; readonly name: LinearName } }> {
  yield { path: "model" };
  yield { path: "model.embed_tokens" };
  yield { path: "model.layers" };
  for (let layer = 0; layer < model.layers; layer++) {
    const prefix = `model.layers.${layer}`;
    yield { path: prefix };
    yield { path: `${prefix}.self_attn` };
    for (const name of attentionNames) yield { path: linearPath(layer, name), linear: { layer, name } };
    if (model.qkNorm) yield { path: `${prefix}.self_attn.q_norm` };
    if (model.qkNorm) yield { path: `${prefix}.self_attn.k_norm` };
    yield { path: `${prefix}.mlp` };
    // transformers 5 holds all experts of a layer in two tensors, which are no linear layers.
    if (model.moe)
      for (const part of ["gate", "experts", "experts.act_fn"]) yield { path: `${prefix}.mlp.${part}` };
    else {
      for (const name of mlpNames) yield { path: linearPath(layer, name), linear: { layer, name } };
      yield { path: `${prefix}.mlp.act_fn` };
    }
    yield { path: `${prefix}.input_layernorm` };
    yield { path: `${prefix}.post_attention_layernorm` };
  }
  yield { path: "model.norm" };
  yield { path: "model.rotary_emb" };
  yield { path: "lm_head" };
}

function targetMatcher(config: LoraConfig): (path: string, linear: boolean) => boolean {
  const { targetModules, excludeModules, layersToTransform, layersPattern } = config;
  const excluded = nameMatcher("exclude_modules", excludeModules ?? []);
  if (typeof targetModules === "string") {
    if (layersToTransform !== undefined)
      throw new UserError(
        "layers_to_transform: expected target_modules to be a list of names, got one string",
      );
    if (targetModules.toLowerCase() === allLinear) return (path, linear) => linear && !excluded(path);
    const matches = nameMatcher("target_modules", targetModules);
    return (path) => !excluded(path) && matches(path);
  }
  const named = nameMatcher("target_modules", targetModules);
  const indexPatterns =
    layersPattern === undefined || layersPattern.length === 0
      ? [/^.*?\.[^.]*\.(?<idx>\d+)\./]
      : layersPattern.map((pattern) =>
          pythonRegex("layers_pattern", pattern, (p) => `^(?:|.*?\\.)${p}\\.(?<idx>\\d+)\\.`),
        );
  return (path) => {
    if (excluded(path) || !named(path)) return false;
    // A module given by its whole path is taken whatever its layer.
    if (layersToTransform === undefined || targetModules.includes(path)) return true;
    const match = indexPatterns.map((pattern) => pattern.exec(path)).find((found) => found !== null);
    return match !== undefined && layersToTransform.includes(Number(match?.groups?.idx));
  };
}

/** A list matches whole paths and their ends after a dot; a string is a regular expression for the whole path. */
function nameMatcher(field: string, names: readonly string[] | string): (path: string) => boolean {
  if (typeof names === "string") {
    const regex = pythonRegex(field, names, (pattern) => `^(?:${pattern})$`);
    return (path) => regex.test(path);
  }
  return (path) => names.some((name) => path === name || path.endsWith(`.${name}`));
}

/** Value of the first key of a rank or alpha pattern that matches the path or its end after a dot. */
function patternMatcher(
  field: string,
  pattern: Readonly<Record<string, number>>,
): (path: string) => number | undefined {
  const entries = Object.entries(pattern).map(
    ([key, value]) => [pythonRegex(field, key, (p) => `^(?:.*\\.)?(?:${p})$`), value] as const,
  );
  return (path) => entries.find(([regex]) => regex.test(path))?.[1];
}

function pythonRegex(field: string, pattern: string, wrap: (pattern: string) => string): RegExp {
  try {
    return new RegExp(wrap(pattern.replaceAll("(?P<", "(?<")));
  } catch (error) {
    throw new UserError(`${field}: expected a regular expression, got ${JSON.stringify(pattern)}`, {
      cause: error,
    });
  }
}
