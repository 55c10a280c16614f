// A training run from options to adapter: checks everything that can be checked, then loads, then trains.

import { mkdirSync } from "node:fs";
import type { Terminal } from "../base/command.ts";
import { UserError } from "../base/errors.ts";
import { lockFolder } from "../base/folder-lock.ts";
import { formatBytes } from "../base/format.ts";
import { parsePairs } from "../base/key-values.ts";
import { startProgress } from "../base/progress.ts";
import { version } from "../base/version.ts";
import { type BaseWeights, openBase } from "../formats/base-weights.ts";
import { InitialBase } from "../formats/initial-base.ts";
import { Device } from "../gpu/device.ts";
import type { Tier } from "../gpu/facts.ts";
import { budgetBytes } from "../gpu/memory.ts";
import { CausalLM } from "../model/causal-lm.ts";
import type { ModelSizes } from "../model/plan-input.ts";
import { type AdapterSetup, setUpAdapter, withLoraSettings } from "./adapter-setup.ts";
import { type Checkpoint, removeLeftovers } from "./checkpoint.ts";
import { StagedRun } from "./full/staged-run.ts";
import { resolveStages, type Stage, stepsOfStages } from "./full/stages.ts";
import { checkWindows } from "./gates/run-windows.ts";
import type { WindowSettings } from "./gates/windows.ts";
import { LossScale } from "./loss-scale.ts";
import { checkDevice, checkUnchanged, type Manifest, optionsRecord, writeManifest } from "./manifest.ts";
import { checkMemory } from "./memory-check.ts";
import { modelSizes } from "./model-sizes.ts";
import { AdamW } from "./optimiser.ts";
import type { TrainOptions } from "./options.ts";
import { type ReferenceAdapter, setUpReference } from "./preference/reference-adapter.ts";
import { isPreference, withMethodSettings } from "./preference/settings.ts";
import { startOfRun } from "./progress.ts";
import { parameterCount, reportDevice, reportOptions, reportWork, trainedParameters } from "./report.ts";
import { findEarlierRun } from "./resume.ts";
import { trainToEnd } from "./run.ts";
import { loadRunData } from "./run-data.ts";
import { checkFolder, clearRun } from "./run-folder.ts";
import { checkHost, type RunHost, weightBytes } from "./run-host.ts";
import { makeSchedule, type Schedule, type ScheduleType } from "./schedule.ts";
import { planSteps, type StepPlan, warmupOf } from "./steps.ts";
import type { TrainingData } from "./training-data.ts";

/** Trains an adapter, or weights of the base, as `options` say.
 *  @param host lends a loaded base and its device; without it the run opens and loads its own.
 *  @param windows what measures the run on the way, where `--windows` asks for it.
 *  @throws UserError or DataError before anything is written, when something asked for cannot be done; GpuError when the device
 *  fails; Interrupted after Ctrl-C or SIGTERM, when everything worth keeping is on the disk. */
export async function train(
  asked: TrainOptions,
  terminal: Terminal,
  host?: RunHost,
  windows?: WindowSettings,
): Promise<void> {
  const given = withMethodSettings(asked);
  checkWindows(given, windows);
  const out = given.out;
  if (out === undefined)
    throw new UserError("--out: expected a folder for the adapter, got nothing", {
      hint: "give it as --out DIR",
    });
  const resume = given.resume || given.resumeFromCheckpoint !== undefined;
  const wanted = { resume, overwrite: given.overwrite };
  const state = checkFolder(out, given.base, wanted);
  // An earlier run is read only when nobody writes it; a new folder is made when everything else is right.
  using earlierLock = state === "run" ? lockFolder(out) : undefined;
  if (given.resumeFromCheckpoint !== undefined && state !== "run")
    throw new UserError(`--resume-from-checkpoint: expected a run in ${out}, got none`);
  checkCombinations(given);
  using base = given.fromScratch ? new InitialBase(given.base, given.seed) : openBase(given.base);
  const setup = setUpAdapter(given, base.config);
  const options = withLoraSettings(given, setup.config);
  const stages = resolveStages(options, base);
  if (stages && host)
    throw new UserError("--full: expected a base of the run's own, got the resident one", {
      hint: "leave --resident out: training the base itself would change it under everybody else",
    });
  const reference = isPreference(options) ? setUpReference(options, setup, base, terminal) : undefined;
  const data = await loadRunData(options, base.config.vocab);
  const plan = stepPlan(options, data);
  const schedules = schedulesOf(options, plan, stages);
  reportOptions(options, terminal);
  for (const note of data.notes) terminal.note(note);
  reportWork(setup, stages, plan, terminal);
  const earlier = resume && state === "run" ? findEarlierRun(out, options, terminal) : undefined;
  if (resume && state !== "run") terminal.note(`resume: ${out} holds no run yet; a new one starts`);
  const manifest = describeRun({ options, base, data, setup, stages, reference, plan });
  if (earlier) {
    checkUnchanged(
      out,
      earlier.manifest,
      manifest,
      options.stages === undefined ? extendable(earlier.manifest, earlier.checkpoint, schedules[0]!) : [],
    );
    const done = earlier.checkpoint?.progress.step ?? 0;
    terminal.note(`resume: from step ${done} of ${plan.totalSteps}`);
  }

  using opened = host ? undefined : await openDevice(options, terminal);
  const device = opened ?? host!.base.device;
  if (host) checkHost(options, host);
  if (earlier) checkDevice(out, earlier.manifest, device, terminal);
  const free = budgetBytes(device.facts);
  const held = host && free !== undefined ? weightBytes(host.base) : 0;
  const sizes = modelSizes({ options, setup, stages, data }, free === undefined ? undefined : free + held);
  checkMemory(base, sizes, device);
  using model = await (host ? CausalLM.on(host.base, sizes) : loadModel(device, base, sizes, terminal));
  reportDevice(device, model.plan, terminal);
  using updater = new AdamW(device, model, {
    beta1: options.adamBeta1,
    beta2: options.adamBeta2,
    eps: options.adamEpsilon,
    weightDecay: options.weightDecay,
    loraPlusRatio: options.loraplusLrRatio,
    maxNorm: options.maxGradNorm,
  });
  const lossScale = new LossScale(device.tier === "matrix");
  const checkpoint = earlier?.checkpoint;
  const progress = checkpoint?.progress ?? startOfRun(lossScale.state);
  const tensors = checkpoint?.adapter?.tensors ?? setup.start();
  model.adapter?.write(new Map([...tensors].map(([name, { data: values }]) => [name, values])));
  const staged =
    stages &&
    new StagedRun({
      ...{ out, stages, schedules, model, updater, progress, base, terminal },
      modelDtype: options.modelDtype,
      tokenizerFiles: data.tokenizerFiles,
    });
  if (checkpoint) {
    await staged?.resume();
    model.adapter?.writeMoments(checkpoint.moments);
    updater.updates = progress.updates;
    lossScale.restore(progress.lossScale);
  }
  await device.settle();

  // Nothing was written up to here.
  mkdirSync(out, { recursive: true });
  using _lock = earlierLock ? undefined : lockFolder(out);
  // Another run may have come and gone since the folder was looked at.
  if (!earlierLock) checkFolder(out, given.base, { ...wanted, resume: false });
  if (given.overwrite) clearRun(out);
  removeLeftovers(out);
  const final = { ...manifest, tier: device.tier, device: device.facts };
  writeManifest(out, earlier ? { ...final, started: earlier.manifest.started } : final);
  const parts = {
    out,
    options,
    terminal,
    device,
    model,
    updater,
    lossScale,
    plan,
    schedule: staged?.schedule ?? schedules[0]!,
    staged,
    setup,
    reference,
    data,
  };
  const { lossCapacity } = sizes;
  await trainToEnd({
    ...parts,
    base,
    manifest: final,
    progress,
    lossCapacity,
    resumed: checkpoint,
    host,
    windows,
  });
}

async function openDevice(options: TrainOptions, terminal: Terminal): Promise<Device> {
  const device = await Device.open({
    tier: options.tier as Tier | "auto",
    software: !options.requireGpu,
  });
  if (device.facts.software && options.tier === "auto")
    terminal.note(
      `device: no GPU here, training on the CPU through ${device.facts.name} (--require-gpu refuses that)`,
    );
  return device;
}

function checkCombinations(options: TrainOptions): void {
  const validated = options.evalData ?? options.evalTokenized ?? (options.validationSplit > 0 || undefined);
  for (const [flag, wanted] of [
    ["--load-best-model-at-end", options.loadBestModelAtEnd],
    ["--early-stopping-patience", options.earlyStoppingPatience > 0],
    ["--eval-steps", options.evalSteps !== undefined],
  ] as const)
    if (wanted && (validated === undefined || options.evalStrategy === "no"))
      throw new UserError(`${flag}: expected validation data, got none`, {
        hint: "add --eval-data, --eval-tokenized or --validation-split",
      });
  if (options.evalStrategy === "steps" && options.evalSteps === undefined)
    throw new UserError("--eval-strategy steps: expected --eval-steps, got nothing");
}

/** How many updates the run has. */
export function stepPlan(options: TrainOptions, data: TrainingData): StepPlan {
  return planSteps({
    rows: data.train.rows.length,
    batchSize: options.perDeviceTrainBatchSize,
    accumulation: options.gradientAccumulationSteps,
    epochs: options.numTrainEpochs,
    maxSteps: stepsOfStages(options) ?? options.maxSteps,
    warmup: options.warmupSteps ?? options.warmupRatio,
  });
}

/** The schedule of each stage over its own steps; one over all steps for a run without stages. */
function schedulesOf(
  options: TrainOptions,
  plan: StepPlan,
  stages: readonly Stage[] | undefined,
): Schedule[] {
  if (!stages) return [scheduleOf(options, plan)];
  let from = 0;
  return stages.map(({ until, learningRate }) => {
    const totalSteps = Math.min(until, plan.totalSteps) - from;
    from = until;
    const warmupSteps = warmupOf(options.warmupSteps ?? options.warmupRatio, totalSteps);
    return scheduleOf({ ...options, learningRate }, { totalSteps, warmupSteps });
  });
}

function scheduleOf(options: TrainOptions, plan: Pick<StepPlan, "totalSteps" | "warmupSteps">): Schedule {
  return makeSchedule({
    type: options.lrSchedulerType as ScheduleType,
    learningRate: options.learningRate!,
    totalSteps: plan.totalSteps,
    warmupSteps: plan.warmupSteps,
    settings: parsePairs("lr-scheduler-kwargs", options.lrSchedulerKwargs),
  });
}

/** Options of the run's length that may differ: those that change no rate that was used already, and end it no earlier. */
function extendable(
  before: Manifest,
  checkpoint: Checkpoint | undefined,
  now: Schedule,
): readonly ("maxSteps" | "numTrainEpochs")[] {
  const done = checkpoint?.progress;
  const record = before.options as Readonly<Record<string, unknown>>;
  const then = makeSchedule({
    type: record.lr_scheduler_type as ScheduleType,
    learningRate: record.learning_rate as number,
    totalSteps: before.totalSteps,
    warmupSteps: before.warmupSteps,
    settings: parsePairs("lr-scheduler-kwargs", (record.lr_scheduler_kwargs as string | null) ?? undefined),
  });
  for (let k = 0; k < (done?.scheduled ?? 0); k++) if (then(k) !== now(k)) return [];
  return ["maxSteps", "numTrainEpochs"];
}

async function loadModel(
  device: Device,
  base: BaseWeights,
  sizes: ModelSizes,
  terminal: Terminal,
): Promise<CausalLM> {
  const progress = startProgress(terminal, { label: "load", total: 100, unit: "%" });
  try {
    return await CausalLM.load(device, {
      base,
      ...sizes,
      onProgress: (done, total) =>
        progress.update((100 * done) / total, `${formatBytes(done)} of ${formatBytes(total)}`),
    });
  } finally {
    progress.end();
  }
}

function describeRun(run: {
  options: TrainOptions;
  base: BaseWeights;
  data: TrainingData;
  setup: AdapterSetup;
  stages: readonly Stage[] | undefined;
  reference: ReferenceAdapter | undefined;
  plan: StepPlan;
}): Omit<Manifest, "tier" | "device"> {
  const { options, base, data, setup, stages, reference, plan } = run;
  return {
    format: 1,
    sekft: { ...version(), bun: Bun.version },
    started: new Date().toISOString(),
    base: { path: options.base, fingerprint: base.fingerprint(), modelType: base.config.modelType },
    data: data.train.facts,
    evalData: data.validation?.facts ?? null,
    template: data.template,
    initAdapter: setup.initHash,
    refAdapter: reference?.hash ?? null,
    trainableParameters: parameterCount(setup) + trainedParameters(stages ?? []),
    totalSteps: plan.totalSteps,
    warmupSteps: plan.warmupSteps,
    options: optionsRecord(options),
  };
}
