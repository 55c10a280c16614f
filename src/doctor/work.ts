// How much arithmetic a LoRA training step is, counted once, recomputation left out: the formula that all programs are
// compared by (test/bench/README.md).

import type { ModelConfig } from "../formats/config.ts";
import type { LoraTarget } from "../formats/peft-adapter.ts";
import { attentionNames, type LinearName, linearShape, mlpNames } from "../formats/tensor-names.ts";
import { mlpRows } from "../model/shapes.ts";

/** What a step works on. */
export interface StepWork {
  readonly config: ModelConfig;
  readonly targets: readonly LoraTarget[];
  /** Tokens of one sequence. */
  readonly tokens: number;
  /** Labelled rows: the head runs for these alone. */
  readonly labels: number;
}

/** Weights of the linear layers of one block that each token goes through. */
export function linearWeights(config: ModelConfig): number {
  const weights = (names: readonly LinearName[]) =>
    names.reduce((sum, name) => {
      const [outFeatures, inFeatures] = linearShape(config, name);
      return sum + outFeatures * inFeatures;
    }, 0);
  return weights(attentionNames) + mlpRows(config) * weights(mlpNames);
}

/** LoRA's parameters. */
export function loraParameters(targets: readonly LoraTarget[]): number {
  return targets.reduce((sum, { r, inFeatures, outFeatures }) => sum + r * (inFeatures + outFeatures), 0);
}

/** Floating point operations of forward and backward of one sequence: 4 per frozen weight and token (forward and input
 *  gradient), 6 per LoRA parameter, causal attention once forward and twice backward. */
export function stepFlop({ config, targets, tokens, labels }: StepWork): number {
  const head = config.vocab * config.hiddenSize;
  const attention = 3 * 2 * tokens * tokens * config.heads * config.headDim * config.layers;
  return (
    tokens * (4 * config.layers * linearWeights(config) + 6 * loraParameters(targets)) +
    4 * labels * head +
    attention
  );
}
