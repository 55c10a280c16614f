// How many updates a run has, and where each one lies in the data: transformers' arithmetic (trainer.py,
// `set_initial_training_values`).

import { UserError } from "../base/errors.ts";

/** What decides the number of updates. */
export interface StepInput {
  /** Rows (or packs) of the training set. */
  readonly rows: number;
  /** Rows of a micro-batch. */
  readonly batchSize: number;
  /** Micro-batches of an update. */
  readonly accumulation: number;
  /** May be fractional. */
  readonly epochs: number;
  /** Overrides `epochs` when positive. */
  readonly maxSteps: number;
  /** At least 1: steps; below: share of all steps. */
  readonly warmup: number;
}

/** The run in numbers. */
export interface StepPlan {
  /** Micro-batches of an epoch. */
  readonly batchesPerEpoch: number;
  /** Updates of an epoch; the last, shorter window counts. */
  readonly stepsPerEpoch: number;
  /** Updates of the run. */
  readonly totalSteps: number;
  /** Epochs that are at least begun. */
  readonly epochs: number;
  readonly warmupSteps: number;
}

/** Counts updates.
 *  @throws UserError when there is nothing to do. */
export function planSteps(input: StepInput): StepPlan {
  const { rows, batchSize, accumulation, maxSteps } = input;
  const batchesPerEpoch = Math.ceil(rows / batchSize);
  const stepsPerEpoch = Math.ceil(batchesPerEpoch / accumulation);
  const totalSteps = maxSteps > 0 ? maxSteps : Math.ceil(input.epochs * stepsPerEpoch);
  if (totalSteps === 0)
    throw new UserError(`train: expected at least one step, got ${rows} rows and ${input.epochs} epochs`);
  return {
    batchesPerEpoch,
    stepsPerEpoch,
    totalSteps,
    epochs: maxSteps > 0 ? Math.ceil(maxSteps / stepsPerEpoch) : Math.ceil(input.epochs),
    warmupSteps: warmupOf(input.warmup, totalSteps),
  };
}

/** Steps of warmup: as many as are asked for, or below 1 that share of all steps. */
export function warmupOf(warmup: number, totalSteps: number): number {
  return warmup >= 1 ? Math.floor(warmup) : Math.ceil(totalSteps * warmup);
}

/** One accumulation window: the micro-batches of one update. */
export interface Window {
  /** Counted from 0. */
  readonly epoch: number;
  /** First micro-batch within its epoch. */
  readonly firstBatch: number;
  readonly batches: number;
  /** Micro-batches of the run before this window: the salt of what is random. */
  readonly before: number;
}

/** The window of the update that comes after `completed` others. */
export function windowOf(plan: StepPlan, accumulation: number, completed: number): Window {
  const epoch = Math.floor(completed / plan.stepsPerEpoch);
  const firstBatch = (completed % plan.stepsPerEpoch) * accumulation;
  return {
    epoch,
    firstBatch,
    batches: Math.min(accumulation, plan.batchesPerEpoch - firstBatch),
    before: epoch * plan.batchesPerEpoch + firstBatch,
  };
}

/** transformers' fractional epoch after `completed` updates. */
export function epochAfter(plan: StepPlan, accumulation: number, completed: number): number {
  if (completed === 0) return 0;
  const { epoch, firstBatch, batches } = windowOf(plan, accumulation, completed - 1);
  return epoch + (firstBatch + batches) / plan.batchesPerEpoch;
}
