// What a run minimises, as the loop and the evaluation see it: how a micro-batch is trained, and what its numbers come to.

import type { Batch } from "../model/batch.ts";
import type { StepOptions } from "../model/step-options.ts";

/** The part of a model that the next-token loss needs. */
export interface TrainedModel extends EvaluatedModel {
  step(batch: Batch, options: StepOptions): void;
  stepTowardsBase(batch: Batch, options: StepOptions): Promise<void>;
}

/** The part of a model that evaluation needs. */
export interface EvaluatedModel {
  evaluate(batch: Batch): void;
  takeLosses(): Promise<Float32Array>;
}

/** The accumulation window that a micro-batch is in. */
export interface WindowSize {
  readonly batches: number;
  /** Labelled rows of all of them. */
  readonly labels: number;
}

/** A micro-batch and what the device found for its labelled rows. */
export interface BatchRows {
  readonly batch: Batch;
  /** Negative log likelihood of each. */
  readonly losses: Float32Array;
  /** Mean of each one's logits; empty where the objective has no use for them. */
  readonly meanLogits: Float32Array;
}

/** Numbers by the name that they are logged under. */
export type Metrics = Readonly<Record<string, number>>;

/** An objective. */
export interface Objective {
  /** Adds a micro-batch's gradient. `options.gradientScale` comes as the loss scale alone. */
  step(batch: Batch, window: WindowSize, options: StepOptions): void | Promise<void>;
  /** Forward only. */
  evaluate(batch: Batch): void;
  /** Results of the micro-batches since the last look. */
  take(batches: readonly Batch[]): Promise<BatchRows[]>;
  /** Loss of an update. */
  windowLoss(batches: readonly BatchRows[], window: WindowSize): number;
  /** Loss of a micro-batch by itself; NaN when nothing in it is labelled. */
  batchLoss(rows: BatchRows): number;
  /** What is logged of a micro-batch beside its loss. */
  metrics(rows: BatchRows): Metrics;
  /** The loss is a mean over tokens, so that one over all tokens of a set says something. */
  readonly perToken: boolean;
}

/** Cross entropy of the labelled tokens: transformers' loss over an accumulation window. Tokens that are kept as the base has them count
 *  with the base's own likeliest token as their label: learning without forgetting (Li and Hoiem 2016, eq. 1) with hard labels. */
export function nextTokenObjective(model: TrainedModel): Objective {
  return {
    step: (batch, { labels }, options) => {
      const scaled = { ...options, gradientScale: options.gradientScale / Math.max(1, labels) };
      return batch.fromBase ? model.stepTowardsBase(batch, scaled) : model.step(batch, scaled);
    },
    evaluate: (batch) => model.evaluate(batch),
    take: async (batches) => splitRows(batches, await model.takeLosses()),
    windowLoss: (batches, { labels }) => {
      let sum = 0;
      for (const { batch, losses } of batches)
        for (const [i, weight] of batch.weights.entries()) sum += weight * losses[i]!;
      return sum / Math.max(1, labels);
    },
    batchLoss: ({ losses }) => sumOf(losses) / losses.length,
    metrics: () => ({}),
    perToken: true,
  };
}

/** Cuts the results of several micro-batches into those of each. */
export function splitRows(
  batches: readonly Batch[],
  losses: Float32Array,
  meanLogits: Float32Array = new Float32Array(0),
): BatchRows[] {
  let at = 0;
  return batches.map((batch) => {
    const from = at;
    at += batch.rows.length;
    return { batch, losses: losses.subarray(from, at), meanLogits: meanLogits.subarray(from, at) };
  });
}

/** Sum in double precision. */
export function sumOf(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
