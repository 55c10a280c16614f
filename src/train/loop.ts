// The training loop: windows of micro-batches, one update each, then what is due: log, evaluation, checkpoint.
// Order of things and conventions of transformers 5.23 (trainer.py `_run_epoch`, `_maybe_log_save_evaluate`).

import type { Batch } from "../model/batch.ts";
import { type Evaluation, meanMetrics } from "./evaluate.ts";
import type { LossScale } from "./loss-scale.ts";
import { type Metrics, nextTokenObjective, type Objective, type TrainedModel } from "./objective.ts";
import type { UpdateResult } from "./optimiser.ts";
import type { Progress } from "./progress.ts";
import { alone, type Share } from "./run-host.ts";
import type { Schedule } from "./schedule.ts";
import { epochAfter, type StepPlan, windowOf } from "./steps.ts";
import type { LogEntry } from "./trainer-state.ts";

/** The part of an optimiser that the loop needs. */
export interface Updater {
  readonly updates: number;
  clearGradients(): void;
  step(learningRate: number, lossScale: number): Promise<UpdateResult>;
}

/** How often something is done: never, at the end of each epoch, or every so many steps. */
export type Frequency = "no" | "epoch" | number;

/** Settings of the loop. */
export interface LoopSettings {
  readonly accumulation: number;
  /** LoRA dropout. */
  readonly dropout: number;
  /** NEFTune's alpha; 0: no noise. */
  readonly noiseAlpha: number;
  readonly seed: number;
  readonly loggingSteps: number;
  readonly evaluate: Frequency;
  readonly save: Frequency;
  /** Keep the best checkpoint by validation loss. */
  readonly trackBest: boolean;
  /** Evaluations without improvement after which the run ends; 0: never. */
  readonly patience: number;
  /** What counts as improvement. */
  readonly threshold: number;
}

/** What the loop is made of. */
export interface LoopParts {
  readonly model: TrainedModel;
  /** What is minimised; the model's own next-token loss by default. */
  readonly objective?: Objective;
  readonly updater: Updater;
  readonly schedule: Schedule;
  readonly lossScale: LossScale;
  readonly plan: StepPlan;
  readonly settings: LoopSettings;
  /** Changed as the run goes on. */
  readonly progress: Progress;
  readBatch(epoch: number, index: number): Batch;
  /** undefined: there is no validation set; a promise of undefined: it was interrupted. */
  evaluate?(): Promise<Evaluation | undefined>;
  interrupted(): boolean;
  /** Given when the device has other users: see {@link RunHost.share}. */
  share?: Share | undefined;
  /** Writes a checkpoint of `progress`. */
  save(): Promise<void>;
  /** What happens at the ends of stages. */
  readonly staged?: StageHook | undefined;
  /** Measures the checkpoint of some steps and says whether to go on. */
  readonly windows?: WindowHook | undefined;
  /** After each update. */
  onStep(step: StepReport): void;
  /** A new entry of the log history; `step` is the update it belongs to, absent for an evaluation. */
  onLog(entry: LogEntry, step?: StepReport): void;
}

/** Stages of a run. */
export interface StageHook {
  /** True when a stage ends with that update: it gets a checkpoint. */
  endsAt(step: number): boolean;
  /** Before each update: enters the next stage when one has ended. */
  settle(): void;
  /** A window looks at the checkpoint of now. */
  keepModel(): void;
}

/** When the checkpoint is measured, and what follows. */
export interface WindowHook {
  isDue(step: number): boolean;
  /** The checkpoint of `step` is on the disk. */
  decide(step: number): Promise<"go on" | "stop" | "interrupted">;
}

/** One update. */
export interface StepReport {
  readonly loss: number;
  readonly norm: number;
  readonly rate: number;
  /** False: the gradients were not finite, nothing was changed. */
  readonly finite: boolean;
  readonly tokens: number;
  readonly seconds: number;
  /** What the objective says beside the loss. */
  readonly metrics: Metrics;
}

/** How a run ended. */
export type Ending = "finished" | "stopped early" | "stopped by a gate" | "interrupted";

/** Runs from where `progress` is to the end, or until it is interrupted. Everything due at a step is done before the next. */
export async function runLoop(parts: LoopParts): Promise<Ending> {
  const { progress, plan, settings, updater } = parts;
  updater.clearGradients();
  let savedAt = progress.step;
  const saveNow = async () => {
    await parts.save();
    savedAt = progress.step;
  };
  const stop = async (): Promise<Ending> => {
    if (progress.step > savedAt) await saveNow();
    return "interrupted";
  };
  // A window that was done already decides as it did.
  const windowEnding = async (): Promise<Ending | undefined> => {
    if (!parts.windows?.isDue(progress.step)) return undefined;
    if (progress.step > savedAt) await saveNow();
    parts.staged?.keepModel();
    const decision = await parts.windows.decide(progress.step);
    if (decision === "go on") return undefined;
    return decision === "stop" ? "stopped by a gate" : "interrupted";
  };
  if (progress.step > 0) {
    // A checkpoint that was written before its evaluation was over.
    const evaluated = await evaluateIfDue(parts);
    if (evaluated === "interrupted") return stop();
    if (evaluated === "improved") await saveNow();
    const ending = await windowEnding();
    if (ending) return ending;
  }
  while (progress.step < plan.totalSteps) {
    if (settings.patience > 0 && progress.misses >= settings.patience) return "stopped early";
    parts.staged?.settle();
    const report = await oneWindow(parts);
    if (!report) return stop();
    parts.onStep(report);
    if (progress.step % settings.loggingSteps === 0) logStep(parts, report);
    const evaluated = await evaluateIfDue(parts);
    if (evaluated === "interrupted") return stop();
    if (evaluated === "improved" || isDue(settings.save, parts) || parts.staged?.endsAt(progress.step))
      await saveNow();
    const ending = await windowEnding();
    if (ending) return ending;
  }
  return "finished";
}

/** Trains one window and updates; undefined when it was given up, with nothing changed. */
async function oneWindow(parts: LoopParts): Promise<StepReport | undefined> {
  const { updater, lossScale, plan, settings, progress, share = alone } = parts;
  const objective = parts.objective ?? nextTokenObjective(parts.model);
  const began = performance.now();
  const window = windowOf(plan, settings.accumulation, progress.step);
  const batches = Array.from({ length: window.batches }, (_, i) =>
    parts.readBatch(window.epoch, window.firstBatch + i),
  );
  const labels = batches.reduce((sum, { rows }) => sum + rows.length, 0);
  const size = { labels, batches: batches.length };
  for (const [i, batch] of batches.entries()) {
    // Signals are heard only while the program waits.
    await Bun.sleep(0);
    if (parts.interrupted()) {
      await share(() => objective.take(batches.slice(0, i)));
      return undefined;
    }
    const salt = window.before + i;
    const options = {
      gradientScale: lossScale.scale,
      ...(settings.dropout > 0 && {
        dropout: { probability: settings.dropout, seed: settings.seed, salt },
      }),
      ...(settings.noiseAlpha > 0 && {
        // Another stream than dropout's.
        neftune: { alpha: settings.noiseAlpha, seed: (settings.seed ^ 0x6e656674) >>> 0, salt },
      }),
    };
    await share(() => objective.step(batch, size, options));
  }
  const rate = parts.schedule(progress.scheduled);
  const [results, { norm, finite }] = await share(() => {
    const update = updater.step(rate, lossScale.scale);
    return Promise.all([objective.take(batches), update]);
  });
  lossScale.update(finite);
  const loss = objective.windowLoss(results, size);
  const metrics = results.map((result) => objective.metrics(result));
  const tokens = batches.reduce((sum, batch) => sum + batch.tokens, 0);
  const seconds = (performance.now() - began) / 1000;
  progress.step++;
  if (finite) progress.scheduled++;
  progress.updates = updater.updates;
  progress.lossScale = lossScale.state;
  // transformers' logging_nan_inf_filter: a loss that is no number counts as the mean of the others.
  const counted = Number.isFinite(loss)
    ? loss
    : progress.lossSinceLog / (progress.step - progress.lastLogged);
  progress.lossSinceLog += counted;
  addMetrics(progress, metrics);
  progress.lossTotal += counted;
  progress.tokens += tokens;
  progress.labels += labels;
  progress.paddedTokens += batches.reduce((sum, batch) => sum + paddedLength(batch), 0);
  progress.seconds += seconds;
  progress.evaluated = false;
  return { loss, norm, rate, finite, tokens, seconds, metrics: meanMetrics(metrics) };
}

function paddedLength({ starts, shared }: Batch): number {
  const lengths = Array.from(
    { length: starts.length - 1 },
    (_, s) => starts[s + 1]! - starts[s]! + (shared?.[s] ?? 0),
  );
  return lengths.length * Math.max(0, ...lengths);
}

/** Adds what micro-batches are logged with to what waits for the next log. */
function addMetrics(progress: Progress, list: readonly Metrics[]): void {
  for (const metrics of list)
    for (const [name, value] of Object.entries(metrics)) {
      const { sum, count } = progress.metricsSinceLog[name] ?? { sum: 0, count: 0 };
      progress.metricsSinceLog[name] = { sum: sum + value, count: count + 1 };
    }
}

function logStep(parts: LoopParts, report: StepReport): void {
  const { progress, plan, settings } = parts;
  const entry = {
    loss: progress.lossSinceLog / (progress.step - progress.lastLogged),
    grad_norm: report.norm,
    learning_rate: report.rate,
    ...Object.fromEntries(
      Object.entries(progress.metricsSinceLog).map(([name, { sum, count }]) => [name, sum / count]),
    ),
    epoch: epochAfter(plan, settings.accumulation, progress.step),
    step: progress.step,
  };
  progress.lossSinceLog = 0;
  progress.metricsSinceLog = {};
  progress.lastLogged = progress.step;
  progress.logHistory.push(entry);
  parts.onLog(entry, report);
}

/** True at the steps of a frequency, and for a frequency in steps at the last one too. */
function isDue(frequency: Frequency, { progress, plan }: LoopParts): boolean {
  const { step } = progress;
  if (frequency === "no") return false;
  if (frequency === "epoch") return step % plan.stepsPerEpoch === 0 || step === plan.totalSteps;
  return step % frequency === 0 || step === plan.totalSteps;
}

async function evaluateIfDue(
  parts: LoopParts,
): Promise<"improved" | "no better" | "not due" | "interrupted"> {
  const { progress, plan, settings } = parts;
  if (!parts.evaluate || progress.evaluated || !isDue(settings.evaluate, parts)) return "not due";
  const result = await parts.evaluate();
  if (!result) return "interrupted";
  progress.evaluated = true;
  const entry = {
    eval_loss: result.loss,
    ...(result.tokenLoss !== undefined && { eval_token_loss: result.tokenLoss }),
    ...Object.fromEntries(Object.entries(result.metrics).map(([name, value]) => [`eval_${name}`, value])),
    eval_runtime: result.seconds,
    eval_samples_per_second: result.rows / result.seconds,
    eval_steps_per_second: result.batches / result.seconds,
    epoch: epochAfter(plan, settings.accumulation, progress.step),
    step: progress.step,
  };
  progress.logHistory.push(entry);
  parts.onLog(entry);
  if (!settings.trackBest) return "no better";
  // transformers' EarlyStoppingCallback looks before the best value is updated.
  const best = progress.bestMetric ?? Number.POSITIVE_INFINITY;
  const better = result.loss < best;
  progress.misses = better && best - result.loss > settings.threshold ? 0 : progress.misses + 1;
  if (!better) return "no better";
  progress.bestMetric = result.loss;
  progress.bestStep = progress.step;
  return "improved";
}
