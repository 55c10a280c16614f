// How many training sessions fit the time, and how long each stage takes, before anything has begun.

import { UserError } from "../base/errors.ts";
import { evaluation, type Recipe } from "./recipe.ts";

/** Minutes that the embedded base's training and eval take when nobody says. */
export const usualMinutes = 10;

/** What is known before the start. */
export interface BudgetQuestion {
  readonly recipe: Recipe;
  /** Of training and both evals together; undefined: as long as it takes. */
  readonly minutes: number | undefined;
  /** Scenarios of the eval. */
  readonly scenarios: number;
  /** Of a training step on this device. */
  readonly tokensPerSecond: number;
  /** Of this machine. */
  readonly cpus: number;
}

/** What a run will be, and how long it will take, about. */
export interface Budget {
  readonly sessions: number;
  readonly replay: number;
  /** Updates of the training. */
  readonly steps: number;
  readonly seconds: {
    readonly sessions: number;
    readonly scenarios: number;
    readonly training: number;
    /** Of one arm. */
    readonly eval: number;
  };
}

/** Processor time of one training session: written, proved and run. Measured on 2026-11-21 with bubblewrap. */
const sessionSeconds = 0.3;
/** Processor time of one scenario that every gate was asked about. */
const scenarioSeconds = 1.5;
/** Loading, compiling kernels, writing: what a stage on the device takes beside its work. */
const startSeconds = 5;

/** A count that was estimated looks like one. */
const rounding = 10;

/** Scales the training to the time.
 *  @throws UserError when even the fewest sessions that show anything take longer, with the minutes that would do */
export function planBudget(question: BudgetQuestion): Budget {
  const { recipe, minutes } = question;
  const { wanted, least } = recipe.sessions;
  if (minutes === undefined) return budgetOf(wanted, question);
  const fixed = budgetOf(0, question).seconds;
  const left = 60 * minutes - 2 * fixed.eval - fixed.training;
  const affordable = Math.floor(left / sessionTrainingSeconds(question) / rounding) * rounding;
  if (affordable < least) {
    const { seconds } = budgetOf(least, question);
    const needed = Math.ceil((seconds.training + 2 * seconds.eval) / 60);
    throw new UserError(
      `--minutes: expected at least ${needed} on this device (${least} training sessions and ${2 * question.scenarios} sessions of eval), got ${minutes}`,
      { hint: "fewer sessions show nothing; a smaller --n shortens the eval, a GPU both" },
    );
  }
  return budgetOf(Math.min(wanted, affordable), question);
}

/** Seconds that each further session makes the training longer, its share of replay included. */
function sessionTrainingSeconds({ recipe, tokensPerSecond }: BudgetQuestion): number {
  const { sessionCost, replayTokens } = recipe.expected;
  return (sessionCost + recipe.replayShare * replayTokens) / tokensPerSecond;
}

function budgetOf(sessions: number, question: BudgetQuestion): Budget {
  const { recipe, scenarios, tokensPerSecond, cpus } = question;
  const replay = Math.ceil(sessions * recipe.replayShare);
  const { perDeviceTrainBatchSize, gradientAccumulationSteps } = recipe.training;
  const perStep = perDeviceTrainBatchSize * gradientAccumulationSteps;
  return {
    sessions,
    replay,
    steps: Math.ceil((sessions + replay) / perStep),
    seconds: {
      sessions: (sessions * sessionSeconds) / cpus,
      scenarios: (scenarios * scenarioSeconds) / cpus,
      training: startSeconds + sessions * sessionTrainingSeconds(question),
      eval: startSeconds + (scenarios * recipe.expected.episodeTokens) / tokensPerSecond,
    },
  };
}

/** Seeds of the run: training and eval never share one. */
export function seedsOf(seed: number): { readonly training: number; readonly eval: number } {
  return { training: seed, eval: seed + evaluation.seedOffset };
}
