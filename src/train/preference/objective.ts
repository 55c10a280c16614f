// Preference losses on the device's token losses: a row of the data is a pair, its two sequences chosen and rejected.

import type { Batch, Sequence } from "../../model/batch.ts";
import type { StepOptions } from "../../model/step-options.ts";
import { type BatchRows, type EvaluatedModel, type Objective, splitRows } from "../objective.ts";
import { labelCount } from "../rows.ts";
import { logSigmoid, type PairLogps, type PairLoss, pairLoss, referenceFreeLosses } from "./loss.ts";
import type { PreferenceSettings } from "./settings.ts";

/** The part of a model that preference training needs. */
export interface SequenceModel extends EvaluatedModel {
  stepSequences(
    batch: Batch,
    options: StepOptions,
    factorsOf: (losses: Float32Array) => Float32Array<ArrayBuffer>,
  ): Promise<void>;
  readMeanLogits(): Promise<Float32Array>;
}

/** A completion's log-probability under the reference. */
export type ReferenceLogps = ReadonlyMap<Sequence, number>;

/** One side of a pair within the labelled rows of its micro-batch. Rows of weight 0 are trained, but no completion. */
interface Side {
  readonly sequence: Sequence;
  readonly from: number;
  readonly to: number;
  /** Tokens of the completion. */
  readonly tokens: number;
}

interface Pair {
  readonly chosen: Side;
  readonly rejected: Side;
}

/** The objective of a run on pairs: the mean of {@link pairLoss} over a micro-batch, and over the micro-batches of a window. */
export function preferenceObjective(
  model: SequenceModel,
  settings: PreferenceSettings,
  references: ReferenceLogps,
): Objective {
  const measure = ({ batch, losses }: Omit<BatchRows, "meanLogits">) =>
    pairsOf(batch).map((pair) => {
      const logps = logpsOf(pair, batch.weights, losses, references);
      return { pair, logps, ...pairLoss(logps, settings) };
    });
  const batchLoss = (rows: Omit<BatchRows, "meanLogits">) =>
    mean(measure(rows).map(({ loss }) => loss)) +
    (settings.nllWeight > 0 ? settings.nllWeight * chosenNll(rows) : 0);
  return {
    step: (batch, { batches }, options) => {
      // The rows' own gradients are scaled as those of a mean, which keeps them in the range of half precision.
      const rows = Math.max(1, batch.rows.length);
      const scaled = { ...options, gradientScale: options.gradientScale / rows };
      return model.stepSequences(batch, scaled, (losses) =>
        rowSlopes(batch, measure({ batch, losses }), settings).map((slope) => (slope * rows) / batches),
      );
    },
    evaluate: (batch) => model.evaluate(batch),
    take: async (batches) => {
      const meanLogits = await model.readMeanLogits();
      return splitRows(batches, await model.takeLosses(), meanLogits);
    },
    windowLoss: (batches) => mean(batches.map(batchLoss)),
    batchLoss,
    metrics: (rows) => metricsOf(rows, measure(rows), settings),
    perToken: false,
  };
}

type Measured = PairLoss & { readonly pair: Pair; readonly logps: PairLogps };

/** Slope of the micro-batch's loss on each labelled row's negative log likelihood. */
function rowSlopes(
  batch: Batch,
  pairs: readonly Measured[],
  settings: PreferenceSettings,
): Float32Array<ArrayBuffer> {
  const slopes = new Float32Array(batch.rows.length);
  const chosenRows = pairs.reduce((sum, { pair }) => sum + pair.chosen.to - pair.chosen.from, 0);
  for (const { pair, dChosen, dRejected } of pairs) {
    for (let r = pair.chosen.from; r < pair.chosen.to; r++)
      slopes[r] = (-dChosen * batch.weights[r]!) / pairs.length + settings.nllWeight / chosenRows;
    for (let r = pair.rejected.from; r < pair.rejected.to; r++)
      slopes[r] = (-dRejected * batch.weights[r]!) / pairs.length;
  }
  return slopes;
}

/** TRL's numbers for a micro-batch, which it logs as their mean over micro-batches. */
function metricsOf(rows: BatchRows, pairs: readonly Measured[], settings: PreferenceSettings) {
  const alone = referenceFreeLosses.has(settings.type);
  const of = (value: (pair: Measured) => number) => mean(pairs.map(value));
  const logits = (side: (pair: Pair) => Side) => {
    let sum = 0;
    let count = 0;
    for (const { pair } of pairs)
      for (let r = side(pair).from; r < side(pair).to; r++) {
        if (rows.batch.weights[r] === 0) continue;
        sum += rows.meanLogits[r]!;
        count++;
      }
    return sum / Math.max(1, count);
  };
  return {
    "rewards/chosen": of(({ rewardChosen }) => rewardChosen),
    "rewards/rejected": of(({ rewardRejected }) => rewardRejected),
    "rewards/accuracies": of(({ rewardChosen, rewardRejected }) => (rewardChosen > rewardRejected ? 1 : 0)),
    "rewards/margins": of(({ rewardChosen, rewardRejected }) => rewardChosen - rewardRejected),
    "logps/chosen": of(({ logps }) => logps.chosen / (alone ? logps.chosenTokens : 1)),
    "logps/rejected": of(({ logps }) => logps.rejected / (alone ? logps.rejectedTokens : 1)),
    "logits/chosen": logits(({ chosen }) => chosen),
    "logits/rejected": logits(({ rejected }) => rejected),
    ...(settings.nllWeight > 0 && { nll_loss: chosenNll(rows) }),
    ...(settings.type === "orpo" && {
      log_odds_chosen: of(({ logOdds }) => logOdds!),
      log_odds_ratio: of(({ logOdds }) => logSigmoid(logOdds!)),
    }),
  };
}

/** Mean negative log likelihood of the chosen sequences' labelled rows. */
function chosenNll({ batch, losses }: Omit<BatchRows, "meanLogits">): number {
  let sum = 0;
  let count = 0;
  for (const { chosen } of pairsOf(batch))
    for (let r = chosen.from; r < chosen.to; r++) {
      sum += losses[r]!;
      count++;
    }
  return sum / Math.max(1, count);
}

function logpsOf(
  { chosen, rejected }: Pair,
  weights: Float32Array,
  losses: Float32Array,
  references: ReferenceLogps,
): PairLogps {
  return {
    chosen: logpOf(chosen, weights, losses),
    rejected: logpOf(rejected, weights, losses),
    refChosen: references.get(chosen.sequence) ?? 0,
    refRejected: references.get(rejected.sequence) ?? 0,
    chosenTokens: chosen.tokens,
    rejectedTokens: rejected.tokens,
  };
}

function logpOf({ from, to }: Side, weights: Float32Array, losses: Float32Array): number {
  let sum = 0;
  for (let r = from; r < to; r++) sum -= weights[r]! * losses[r]!;
  return sum;
}

/** Log-probabilities of the completions of a micro-batch, in the order of its sequences. */
export function completionLogps({ batch, losses }: Pick<BatchRows, "batch" | "losses">): number[] {
  return pairsOf(batch).flatMap(({ chosen, rejected }) =>
    [chosen, rejected].map((side) => logpOf(side, batch.weights, losses)),
  );
}

function pairsOf(batch: Batch): Pair[] {
  let at = 0;
  const sides = batch.sequences!.map((sequence): Side => {
    const from = at;
    at += labelCount([sequence]);
    let tokens = 0;
    for (let r = from; r < at; r++) tokens += batch.weights[r]!;
    return { sequence, from, to: at, tokens };
  });
  return Array.from({ length: sides.length / 2 }, (_, i) => ({
    chosen: sides[2 * i]!,
    rejected: sides[2 * i + 1]!,
  }));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
