// `sekft plan`: memory, steps and time of a run, before anything is loaded.

import { defineCommand, type Terminal } from "../base/command.ts";
import { UserError } from "../base/errors.ts";
import type { Options } from "../base/options.ts";
import type { PlanBase } from "../doctor/plan-base.ts";
import type { TimedPlan } from "../doctor/plan-lines.ts";
import type { PlannedRow, PlanReport } from "../doctor/plan-report.ts";
import type { Device } from "../gpu/device.ts";
import type { Tier } from "../gpu/facts.ts";
import type { PlannedDevice } from "../model/plan-input.ts";
import type { AdapterSetup } from "../train/adapter-setup.ts";
import { type TrainOptions, trainOptions } from "../train/options.ts";
import type { TrainingData } from "../train/training-data.ts";

const time = "Time";
const { inspect: _, ...shared } = trainOptions;

const planOptions = {
  ...shared,
  base: {
    ...trainOptions.base,
    required: false,
    help: "base model; its config.json (and tokenizer, with --data) is enough",
  },
  shape: {
    type: "string",
    value: "NAME",
    group: trainOptions.base.group,
    help: "a known shape in place of --base, e.g. mistral-7b; list shows all",
  },
  tokensPerSecond: {
    type: "float",
    min: 1e-3,
    group: time,
    unit: "tokens/s",
    help: "speed to reckon with, in place of a measurement",
  },
  measure: {
    type: "flag",
    default: true,
    group: time,
    help: "time a few layers with random weights on this machine's adapter",
  },
} as const;

type PlanOptions = Options<typeof planOptions>;

export const plan = defineCommand({
  name: "plan",
  summary: "Says what a training run would need: memory by kind, what fits which card, steps, time",
  description:
    "Takes train's options, so that a command line can be planned as it stands, and allocates nothing of it. Memory is that of " +
    "this machine's adapter, or of a GPU with f16 where there is none. Without --data every row is taken to be --max-length long.",
  options: planOptions,
  examples: [
    {
      line: "sekft plan --data ./trajectories --base ./SmolLM2-135M-Instruct",
      does: "plans the run that train would start",
    },
    {
      line: "sekft plan --shape mistral-7b --load-4bit --max-length 4096",
      does: "shows which cards hold QLoRA of a 7B model, no files needed",
    },
  ],
  async run(options, terminal) {
    if (options.shape === "list") return printShapes(terminal);
    const base = await openPlanBase(options);
    const { config } = base.source;
    const { setUpAdapter, withLoraSettings } = await import("../train/adapter-setup.ts");
    const { withMethodSettings } = await import("../train/preference/settings.ts");
    const given = withMethodSettings({ ...options, base: base.name, inspect: false } as TrainOptions);
    const setup = setUpAdapter(given, config);
    const resolved = withLoraSettings(given, setup.config);
    const data = await readData(options, resolved, config.vocab);
    const device = await openDevice(options);
    try {
      const planned = await planRun({ options, resolved, base, setup, data, device }, terminal);
      if (terminal.json) terminal.out(JSON.stringify(planned));
      else await print(planned, data, terminal);
    } finally {
      device?.[Symbol.dispose]();
    }
  },
});

/** Everything that is printed. */
interface Planned extends PlanReport, TimedPlan {
  readonly base: string;
  readonly device: string | null;
  readonly tier: Tier;
  readonly cardTier: Tier;
  readonly trainableParameters: number;
  readonly rowLength: number;
  readonly data: object | undefined;
}

interface Parts {
  readonly options: PlanOptions;
  readonly resolved: TrainOptions;
  readonly base: PlanBase;
  readonly setup: AdapterSetup;
  readonly data: TrainingData | undefined;
  readonly device: Device | undefined;
}

/** A GPU of today: f16, and NVIDIA's limit on a binding. */
const assumedBindingBytes = 2 ** 31 - 4;

async function planRun(parts: Parts, terminal: Terminal): Promise<Planned> {
  const { options, resolved, base, setup, data, device } = parts;
  const { budgetBytes } = await import("../gpu/memory.ts");
  const { modelSizes } = await import("../train/model-sizes.ts");
  const { stepPlan } = await import("../train/session.ts");
  const { planReport } = await import("../doctor/plan-report.ts");
  const { trainedParameters } = await import("../train/report.ts");
  const { resolveStages } = await import("../train/full/stages.ts");
  const stages = resolveStages(resolved, base.source);
  const { summarise } = await import("../data/statistics.ts");
  const { labelCount, tokenCount } = await import("../train/rows.ts");
  const { loraParameters } = await import("../doctor/work.ts");
  const cardTier = options.tier === "auto" ? "f16" : (options.tier as Tier);
  const card: PlannedDevice = { tier: cardTier, maxBindingBytes: assumedBindingBytes };
  const free = device && budgetBytes(device.facts);
  const rows = data?.train.rows.map(
    (row): PlannedRow => ({ tokens: tokenCount(row), labels: labelCount(row) }),
  );
  const steps = data && stepPlan(resolved, data);
  const report = planReport({
    source: base.source,
    sizes: modelSizes({ options: resolved, setup, stages, data }, free),
    sizesAt: (maxLength) =>
      modelSizes({ options: { ...resolved, maxLength }, setup, stages, data: undefined }, undefined),
    device: device ?? card,
    card,
    rows,
    epochs: steps && steps.totalSteps / steps.stepsPerEpoch,
  });
  return {
    base: base.name,
    device: device?.facts.name ?? null,
    tier: device?.tier ?? cardTier,
    cardTier,
    trainableParameters: loraParameters(setup.targets) + trainedParameters(stages ?? []),
    rowLength: resolved.maxLength,
    ...report,
    data: data && {
      rows: rows?.length,
      sequences: data.train.facts.sequences,
      tokens: data.train.facts.tokens,
      labels: data.train.facts.labels,
      lengths: summarise(data.train.rows.flat().map(({ inputIds }) => inputIds.length)),
      counts: data.counts,
      notes: data.notes,
    },
    steps,
    speed: await speedOf(parts, report, terminal),
  };
}

async function speedOf(parts: Parts, report: PlanReport, terminal: Terminal): Promise<TimedPlan["speed"]> {
  const { options, resolved, base, setup, device, data } = parts;
  const seconds = (tokensPerSecond: number) => report.work && report.work.tokens / tokensPerSecond;
  const given = options.tokensPerSecond;
  if (given !== undefined) return { tokensPerSecond: given, source: "given", seconds: seconds(given) };
  if (!device || !options.measure) return undefined;
  const { trainsBase } = await import("../train/full/stages.ts");
  if (trainsBase(resolved)) {
    terminal.note("no measurement: what is measured are LoRA layers (--tokens-per-second gives a speed)");
    return undefined;
  }
  const { quickSpeed } = await import("../doctor/quick-speed.ts");
  terminal.note("measuring: a few layers with random weights (--no-measure leaves it out)");
  const measured = await quickSpeed(device, {
    config: base.source.config,
    load4bit: options.load4bit || base.source.config.quantization !== undefined,
    lora: setup.config,
    rowTokens: data ? data.train.facts.tokens / data.train.rows.length : resolved.maxLength,
    labelShare: data ? data.train.facts.labels / data.train.facts.tokens : 1,
  });
  if (typeof measured === "string") terminal.note(measured);
  else
    return {
      tokensPerSecond: measured.tokensPerSecond,
      source: `measured with ${measured.layers} layers and ${measured.tokens} tokens, extrapolated`,
      seconds: seconds(measured.tokensPerSecond),
    };
}

async function openPlanBase({ base, shape }: PlanOptions): Promise<PlanBase> {
  if ((base === undefined) === (shape === undefined))
    throw new UserError(
      `plan: expected either --base or --shape, got ${base === undefined ? "neither" : "both"}`,
      {
        hint: "--base takes a model directory or GGUF file, --shape a name such as mistral-7b (list shows all)",
      },
    );
  const { planBase, shapeBase } = await import("../doctor/plan-base.ts");
  if (base !== undefined) return planBase(base);
  const { shapeOf } = await import("../doctor/named-shapes.ts");
  return shapeBase(shape!, shapeOf(shape!));
}

async function readData(
  options: PlanOptions,
  resolved: TrainOptions,
  vocab: number,
): Promise<TrainingData | undefined> {
  if (options.data === undefined && options.tokenized === undefined) return undefined;
  if (options.base === undefined && options.data !== undefined)
    throw new UserError("--data: expected a --base whose tokenizer counts the tokens, got a --shape", {
      hint: "a directory with config.json and tokenizer files is enough",
    });
  const { loadRunData } = await import("../train/run-data.ts");
  return loadRunData(resolved, vocab);
}

/** This machine's adapter, undefined where there is none. */
async function openDevice({ tier, requireGpu }: PlanOptions): Promise<Device | undefined> {
  const { Device } = await import("../gpu/device.ts");
  try {
    return await Device.open({ tier: tier as Tier | "auto", software: !requireGpu });
  } catch (error) {
    // No adapter, or one that cannot run the tier asked for: then the plan is for another machine.
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

async function printShapes(terminal: Terminal): Promise<void> {
  const { shapeNames } = await import("../doctor/named-shapes.ts");
  if (terminal.json) terminal.out(JSON.stringify(shapeNames));
  else for (const name of shapeNames) terminal.out(name);
}

async function print(planned: Planned, data: TrainingData | undefined, terminal: Terminal): Promise<void> {
  const { cardLines, memoryLines, timeLines } = await import("../doctor/plan-lines.ts");
  const { formatCount } = await import("../base/format.ts");
  const { lengthLines } = await import("../data/view/statistics-lines.ts");
  const { summarise } = await import("../data/statistics.ts");
  const { columns } = terminal;
  const { device, tier, cardTier } = planned;
  const where = device === null ? `a GPU (none here; tier ${tier} assumed)` : `${device} (tier ${tier})`;
  const lengths = data && summarise(data.train.rows.flat().map(({ inputIds }) => inputIds.length));
  for (const line of [
    `base ${planned.base}, ${formatCount(planned.trainableParameters)} trained parameters`,
    ...(data
      ? [...data.notes, ...(lengths ? lengthLines("tokens a sequence", lengths) : [])]
      : [`no data: every row counts as ${formatCount(planned.rowLength)} labelled tokens`]),
    "",
    ...memoryLines(planned, where, columns),
    "",
    ...cardLines(planned, cardTier, columns),
    "",
    ...timeLines(planned),
  ])
    terminal.out(line);
}
