// The run proper: the loop with its logs, progress line, checkpoints and signals, and the output at its end.

import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.ts";
import type { Terminal } from "../base/command.ts";
import { GpuError, Interrupted } from "../base/errors.ts";
import { formatBytes, formatCount, formatNumber } from "../base/format.ts";
import { type Progress as Bar, startProgress } from "../base/progress.ts";
import { epochOrder } from "../data/order.ts";
import type { BaseWeights } from "../formats/base-weights.ts";
import type { Adapter } from "../formats/peft-adapter.ts";
import type { Device } from "../gpu/device.ts";
import type { CausalLM } from "../model/causal-lm.ts";
import type { AdapterSetup } from "./adapter-setup.ts";
import {
  type Checkpoint,
  checkpointPath,
  checkpointSteps,
  readCheckpoint,
  rotateCheckpoints,
  saveCheckpoint,
} from "./checkpoint.ts";
import { evaluateRows } from "./evaluate.ts";
import { removeLaterModels } from "./full/model-output.ts";
import type { StagedRun } from "./full/staged-run.ts";
import { saveTrained } from "./full/trained-files.ts";
import { openWindows } from "./gates/run-windows.ts";
import { gatesName, type WindowSettings } from "./gates/windows.ts";
import { Interrupt } from "./interrupt.ts";
import { type Frequency, type LoopSettings, runLoop, type StepReport } from "./loop.ts";
import type { LossScale } from "./loss-scale.ts";
import type { Manifest } from "./manifest.ts";
import type { AdamW } from "./optimiser.ts";
import { evalBatchSize, type TrainOptions } from "./options.ts";
import { writeOutput } from "./output.ts";
import type { ReferenceAdapter } from "./preference/reference-adapter.ts";
import type { Progress } from "./progress.ts";
import { parameterCount } from "./report.ts";
import { removeLaterCheckpoints } from "./resume.ts";
import { BatchReader, type RowSource } from "./rows.ts";
import type { RunHost } from "./run-host.ts";
import { RunLog } from "./run-log.ts";
import { runObjective } from "./run-objective.ts";
import type { Schedule } from "./schedule.ts";
import { epochAfter, type StepPlan } from "./steps.ts";
import { type LogEntry, trainerStateText } from "./trainer-state.ts";
import type { TrainingData } from "./training-data.ts";

/** A run that is ready to start or to go on. */
export interface Run {
  readonly out: string;
  readonly options: TrainOptions;
  readonly terminal: Terminal;
  readonly device: Device;
  readonly model: CausalLM;
  readonly updater: AdamW;
  readonly lossScale: LossScale;
  readonly plan: StepPlan;
  readonly schedule: Schedule;
  /** Stages of the base's own weights; undefined when an adapter alone is trained. */
  readonly staged: StagedRun | undefined;
  readonly setup: AdapterSetup;
  /** What preferences are measured against; undefined for fine-tuning and for losses without one. */
  readonly reference: ReferenceAdapter | undefined;
  readonly data: TrainingData;
  readonly base: BaseWeights;
  readonly manifest: Manifest;
  readonly progress: Progress;
  /** Labelled rows whose losses the model keeps until they are read. */
  readonly lossCapacity: number;
  readonly resumed: Checkpoint | undefined;
  /** Whose device and base these are, when they are not the run's own. */
  readonly host: RunHost | undefined;
  /** The windows that measure it; undefined: none. */
  readonly windows: WindowSettings | undefined;
}

/** Trains from `progress` to the end and writes the output.
 *  @throws Interrupted after a signal, when a checkpoint is on the disk; GpuError when the device failed; UserError when the disk
 *  is full. */
export async function trainToEnd(run: Run): Promise<void> {
  const { out, options, terminal, plan, progress, host } = run;
  removeLaterCheckpoints(out, run.resumed ? progress.step : -1);
  removeLaterModels(out, run.resumed ? progress.step : -1);
  const log = new RunLog(out, run.resumed && { logs: run.resumed.logs, progress });
  const job = { label: "train", total: plan.totalSteps, unit: "steps", start: progress.step };
  const bar = startProgress(terminal, job);
  // Signals are the host's, when there is one.
  using interrupt = host
    ? undefined
    : new Interrupt(() =>
        bar.note("train: stopping after this micro-batch, then saving; once more to leave at once"),
      );
  const source = rowSource(run);
  const reader = new BatchReader(source);
  const { validation } = run.data;
  const interrupted = () => host?.interrupted() ?? interrupt?.signal !== undefined;
  const share = host?.share.bind(host);
  using windows = openWindows(run, interrupted, bar);
  try {
    const objective = await runObjective(run, interrupted);
    if (!objective) throw interruption(run);
    const ending = await runLoop({
      ...run,
      objective,
      settings: loopSettings(run),
      readBatch: (epoch, index) => reader.read(epoch, index),
      ...(validation && {
        evaluate: () =>
          evaluateRows(
            objective,
            {
              rows: validation.rows,
              batchSize: evalBatchSize(options),
              vocab: source.vocab,
              lossCapacity: run.lossCapacity,
            },
            interrupted,
            share,
          ),
      }),
      interrupted,
      share,
      windows,
      save: () => save(run, log),
      onStep: (step) => showStep(run, step, bar),
      onLog: (entry, step) => logEntry(run, entry, step, log, bar),
    });
    bar.end();
    if (ending === "interrupted") throw interruption(run);
    if (ending === "stopped early")
      terminal.note(`train: stopped at step ${progress.step}; eval_loss no longer improves`);
    if (ending === "stopped by a gate")
      terminal.warn(
        `train: stopped at step ${progress.step} by a gate; ${join(out, gatesName)} has the numbers`,
      );
    await finish(run, log);
  } catch (error) {
    bar.end();
    throw error instanceof GpuError ? deviceFailure(run, error) : error;
  } finally {
    log.close();
  }
}

function rowSource({ options, data, base }: Run): RowSource {
  const { rows } = data.train;
  const order = options.order as "shuffle" | "sequential";
  return {
    rows,
    batchSize: options.perDeviceTrainBatchSize,
    vocab: base.config.vocab,
    order: (epoch) => epochOrder(rows.length, epoch, { order, seed: options.seed }),
  };
}

function loopSettings({ options, setup, data }: Run): LoopSettings {
  const strategy = options.evalStrategy ?? (options.evalSteps === undefined ? "epoch" : "steps");
  const frequency = (name: string, steps: number | undefined): Frequency =>
    name === "steps" ? (steps ?? "no") : (name as "no" | "epoch");
  return {
    accumulation: options.gradientAccumulationSteps,
    dropout: setup.config.dropout,
    noiseAlpha: options.neftuneNoiseAlpha,
    seed: options.seed,
    loggingSteps: options.loggingSteps,
    evaluate: data.validation ? frequency(strategy, options.evalSteps) : "no",
    save: frequency(options.saveStrategy, options.saveSteps),
    trackBest: options.loadBestModelAtEnd || options.earlyStoppingPatience > 0,
    patience: options.earlyStoppingPatience,
    threshold: options.earlyStoppingThreshold,
  };
}

async function save(run: Run, log: RunLog): Promise<void> {
  const { out, options, progress, model } = run;
  const checkpoint = {
    adapter: await readAdapter(run),
    moments: (await model.adapter?.readMoments()) ?? new Map(),
    progress,
    logs: log.positions(),
  };
  const state = stateText(run, false);
  const { trained } = model;
  await saveCheckpoint(
    out,
    checkpoint,
    state,
    trained && ((draft) => saveTrained(draft, model.device, trained)),
  );
  writeFileAtomic(join(out, "trainer_state.json"), state);
  rotateCheckpoints(out, options.saveTotalLimit, progress.bestStep);
}

async function readAdapter({ out, model, setup, staged }: Run): Promise<Adapter | undefined> {
  if (!model.adapter) return undefined;
  const shapes = new Map(model.adapter.layout.slots.map(({ name, shape }) => [name, shape]));
  const weights = await model.adapter.readWeights();
  return {
    // An adapter that was trained with the base belongs on what became of it.
    config: staged ? { ...setup.config, baseModel: finalModel(out) } : setup.config,
    tensors: new Map([...weights].map(([name, data]) => [name, { shape: shapes.get(name)!, data }])),
  };
}

function stateText(run: Run, stopping: boolean): string {
  const { out, options, plan, progress } = run;
  const settings = loopSettings(run);
  const steps = (frequency: Frequency, fallback: number) =>
    typeof frequency === "number" ? frequency : fallback;
  const { bestStep } = progress;
  return trainerStateText({
    epoch: epochAfter(plan, settings.accumulation, progress.step),
    step: progress.step,
    totalSteps: plan.totalSteps,
    epochs: plan.epochs,
    batchSize: options.perDeviceTrainBatchSize,
    loggingSteps: options.loggingSteps,
    evalSteps: steps(settings.evaluate, 500),
    saveSteps: steps(settings.save, options.saveSteps),
    totalFlops: totalFlops(run),
    bestMetric: progress.bestMetric,
    bestStep,
    bestCheckpoint: bestStep === null ? null : checkpointPath(out, bestStep),
    ...(settings.patience > 0 && {
      earlyStopping: { patience: settings.patience, threshold: settings.threshold, misses: progress.misses },
    }),
    stopping,
    logHistory: progress.logHistory,
  });
}

/** transformers' `total_flos`: 6 x tokens, padding included, x parameters without the embedding, with the adapter's. */
function totalFlops({ base, progress, setup }: Run): number {
  let parameters = parameterCount(setup);
  for (const [name, { shape }] of base.tensors)
    if (name !== "model.embed_tokens.weight") parameters += shape.reduce((product, n) => product * n, 1);
  return 6 * progress.paddedTokens * parameters;
}

function showStep({ progress, device, terminal }: Run, step: StepReport, bar: Bar): void {
  if (!step.finite)
    terminal.warn(
      `train: step ${progress.step} had gradients that are not finite and was skipped; loss scale ${progress.lossScale.scale}`,
    );
  bar.update(
    progress.step,
    [
      `loss ${formatNumber(step.loss, 4)}`,
      ...preferenceNumbers(step.metrics, ""),
      `lr ${formatNumber(step.rate)}`,
      `norm ${formatNumber(step.norm)}`,
      `${formatCount(step.tokens / step.seconds)} tok/s`,
      formatBytes(device.allocatedBytes),
    ].join("  "),
  );
}

function logEntry(run: Run, entry: LogEntry, step: StepReport | undefined, log: RunLog, bar: Bar): void {
  const { device, progress } = run;
  run.host?.onLog(entry);
  log.write(
    entry,
    step && {
      tokens: progress.tokens,
      trained_tokens: progress.labels,
      tokens_per_second: step.tokens / step.seconds,
      seconds: progress.seconds,
      device_memory_bytes: device.allocatedBytes,
      host_memory_bytes: process.memoryUsage.rss(),
      ...(!step.finite && { skipped: true }),
    },
  );
  if (entry.eval_loss !== undefined)
    bar.note(
      [
        `eval: step ${entry.step}  eval_loss ${formatNumber(entry.eval_loss, 5)}`,
        ...(entry.eval_token_loss === undefined
          ? []
          : [`by token ${formatNumber(entry.eval_token_loss, 5)}`]),
        ...preferenceNumbers(entry, "eval_"),
      ].join("  "),
    );
}

/** How far the chosen completions are ahead, and in how many pairs; nothing where the loss is one of tokens. */
function preferenceNumbers(values: Readonly<Record<string, number>>, prefix: string): string[] {
  const margin = values[`${prefix}rewards/margins`];
  const accuracy = values[`${prefix}rewards/accuracies`];
  if (margin === undefined || accuracy === undefined) return [];
  return [`margin ${formatNumber(margin, 3)}`, `accuracy ${formatNumber(accuracy, 3)}`];
}

async function finish(run: Run, log: RunLog): Promise<void> {
  const { out, options, terminal, progress, plan, data, staged } = run;
  const { seconds, step } = progress;
  // The model is written from a checkpoint.
  if (staged && !checkpointSteps(out).includes(step)) await save(run, log);
  const entry = {
    train_runtime: seconds,
    train_samples_per_second: (data.train.rows.length * plan.epochs * step) / plan.totalSteps / seconds,
    train_steps_per_second: step / seconds,
    total_flos: totalFlops(run),
    train_loss: progress.lossTotal / step,
    epoch: epochAfter(plan, options.gradientAccumulationSteps, step),
    step,
  };
  progress.logHistory.push(entry);
  log.write(entry);
  let adapter = await readAdapter(run);
  const { bestStep } = progress;
  if (options.loadBestModelAtEnd && bestStep !== null && bestStep !== step) {
    adapter = readCheckpoint(checkpointPath(out, bestStep)).adapter;
    terminal.note(`train: the result is that of step ${bestStep}, eval_loss ${progress.bestMetric}`);
  }
  staged?.writeModel(finalModel(out), options.loadBestModelAtEnd ? (bestStep ?? step) : step);
  const tokenizerFiles = run.data.tokenizerFiles();
  const trainerState = stateText(run, true);
  writeOutput(out, { adapter, tokenizerFiles, trainerState, manifest: run.manifest, progress });
  if (terminal.json)
    terminal.out(JSON.stringify({ out, step, train_loss: entry.train_loss, best_step: bestStep }));
  else {
    if (adapter) terminal.note(`train: the adapter is in ${out}`);
    if (staged) terminal.note(`train: the model is in ${finalModel(out)}`);
  }
}

/** Where the trained base goes. */
function finalModel(out: string): string {
  return join(out, "model");
}

function interruption({ out, progress }: Run): Interrupted {
  const kept = checkpointSteps(out).includes(progress.step)
    ? `${checkpointPath(out, progress.step)} is saved`
    : "there was nothing to save yet";
  return new Interrupted(`train: interrupted after step ${progress.step}; ${kept}`, {
    hint: "the same command with --resume goes on from there",
  });
}

function deviceFailure({ out, progress }: Run, error: GpuError): GpuError {
  const last = checkpointSteps(out).at(-1);
  const kept = last === undefined ? "there is no checkpoint yet" : `${checkpointPath(out, last)} is kept`;
  return new GpuError(`train: the device failed after step ${progress.step}; ${kept}: ${error.message}`, {
    hint: error.hint ?? "start again with --resume to go on from the last checkpoint",
    cause: error,
  });
}
