// Where a run is: everything besides weights and moments that the next step depends on. A checkpoint keeps it as JSON.

import type { LossScaleState } from "./loss-scale.ts";
import type { LogEntry } from "./trainer-state.ts";

/** A run's position. Randomness needs no state of its own: it is a function of the seed and of the position. */
export interface Progress {
  /** Updates so far, skipped ones included: transformers' `global_step`. */
  step: number;
  /** Updates that moved the schedule: a skipped one does not. */
  scheduled: number;
  /** Updates that AdamW applied. */
  updates: number;
  lossScale: LossScaleState;
  /** Sum of the losses of the steps since the last log. */
  lossSinceLog: number;
  /** The same of what an objective logs beside its loss: sums over micro-batches. */
  metricsSinceLog: Record<string, { sum: number; count: number }>;
  lastLogged: number;
  /** Sum of the losses of all steps. */
  lossTotal: number;
  /** Tokens and trained labels that went through the model. */
  tokens: number;
  labels: number;
  /** Tokens as a program would count them that pads every row of a micro-batch to the longest. */
  paddedTokens: number;
  /** Time spent training, over all parts of the run. */
  seconds: number;
  bestMetric: number | null;
  bestStep: number | null;
  /** Evaluations in a row that were no improvement. */
  misses: number;
  /** The evaluation that belongs to `step` was done. */
  evaluated: boolean;
  logHistory: LogEntry[];
}

/** The position before the first step. */
export function startOfRun(lossScale: LossScaleState): Progress {
  return {
    step: 0,
    scheduled: 0,
    updates: 0,
    lossScale,
    lossSinceLog: 0,
    metricsSinceLog: {},
    lastLogged: 0,
    lossTotal: 0,
    tokens: 0,
    labels: 0,
    paddedTokens: 0,
    seconds: 0,
    bestMetric: null,
    bestStep: null,
    misses: 0,
    evaluated: false,
    logHistory: [],
  };
}
