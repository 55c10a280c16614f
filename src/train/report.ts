// What a run says when it starts: resolved options, kernels, adapter, memory.

import type { Terminal } from "../base/command.ts";
import { formatBytes, formatCount } from "../base/format.ts";
import { flagName } from "../base/options.ts";
import type { Device } from "../gpu/device.ts";
import type { MemoryPlan } from "../model/memory-plan.ts";
import type { ModelStage } from "../model/trained-plan.ts";
import type { AdapterSetup } from "./adapter-setup.ts";
import type { Stage } from "./full/stages.ts";
import { type TrainOptions, trainOptions } from "./options.ts";
import type { StepPlan } from "./steps.ts";

/** Prints the options as they were resolved, grouped as in --help. */
export function reportOptions(options: TrainOptions, terminal: Terminal): void {
  const groups = new Map<string, string[]>();
  for (const [key, option] of Object.entries(trainOptions)) {
    const value = options[key as keyof TrainOptions];
    if (value === undefined || value === false) continue;
    const text = Array.isArray(value) ? value.join(",") : String(value);
    const list = groups.get(option.group) ?? [];
    list.push(`${flagName(key)} ${text}`);
    groups.set(option.group, list);
  }
  for (const [group, entries] of groups)
    for (const line of wrapped(`${group}:`, entries, terminal.columns)) terminal.note(line);
}

/** Prints what is trained and for how long. */
export function reportWork(
  setup: AdapterSetup,
  stages: readonly Stage[] | undefined,
  plan: StepPlan,
  terminal: Terminal,
): void {
  if (setup.targets.length > 0) {
    const modules = new Set(setup.targets.map(({ name }) => name));
    terminal.note(
      `adapter: ${formatCount(parameterCount(setup))} parameters in ${formatCount(setup.targets.length)} layers (${[...modules].join(", ")})`,
    );
  }
  let from = 0;
  for (const { groups, tensors, until, learningRate } of stages ?? []) {
    const to = Math.min(until, plan.totalSteps);
    const own = `${formatCount(trainedParameters([{ tensors }]))} parameters of the base in ${formatCount(tensors.length)} tensors`;
    terminal.note(`steps ${from + 1} to ${to}: ${groups.join(", ")}: ${own}, rate ${learningRate}`);
    from = to;
  }
  terminal.note(
    `steps: ${formatCount(plan.totalSteps)} (${formatCount(plan.stepsPerEpoch)} an epoch), ${formatCount(plan.warmupSteps)} of warmup`,
  );
}

/** Prints the adapter, the tier and the planned memory by class. */
export function reportDevice(device: Device, memory: MemoryPlan, terminal: Terminal): void {
  const { facts, tier } = device;
  terminal.note(`device: ${facts.name} (${facts.driver}), tier ${tier}`);
  const classes = [...memory.byClass]
    .sort(([, a], [, b]) => b - a)
    .map(([name, bytes]) => `${name} ${formatBytes(bytes)}`);
  const total = `memory: ${formatBytes(memory.totalBytes)}`;
  for (const line of wrapped(total, classes, terminal.columns)) terminal.note(line);
}

/** `head` and the entries behind it, two blanks apart, on as many lines as they take; lines after the first are indented. */
function wrapped(head: string, entries: readonly string[], columns: number): string[] {
  const lines = [head];
  for (const entry of entries) {
    const line = lines.at(-1)!;
    const longer = `${line}${line.endsWith(":") ? " " : "  "}${entry}`;
    if (longer.length < columns) lines[lines.length - 1] = longer;
    else lines.push(`    ${entry}`);
  }
  return lines;
}

/** Parameters of the base that some stage trains. */
export function trainedParameters(stages: readonly Pick<ModelStage, "tensors">[]): number {
  const tensors = new Map(stages.flatMap((stage) => stage.tensors.map(({ name, shape }) => [name, shape])));
  let count = 0;
  for (const shape of tensors.values()) count += shape.reduce((product, n) => product * n, 1);
  return count;
}

/** Trained parameters of the adapter. */
export function parameterCount(setup: AdapterSetup): number {
  return setup.targets.reduce(
    (sum, { r, inFeatures, outFeatures }) => sum + r * (inFeatures + outFeatures),
    0,
  );
}
