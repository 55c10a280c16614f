// `sekft doctor --bench`: peaks, matrix products and a training step of a shape, with random weights and nothing downloaded.

import type { ModelConfig } from "../formats/config.ts";
import type { Device } from "../gpu/device.ts";
import { type LinearRates, measureLinear } from "./measure-linear.ts";
import { measurePeaks, type Peaks } from "./measure-peaks.ts";
import { measureStep, publishedTargets, type StepTime } from "./measure-step.ts";
import { publishedLabels, publishedSeconds } from "./published-run.ts";
import { stepFlop } from "./work.ts";

/** What to measure. */
export interface BenchOptions {
  readonly name: string;
  readonly config: ModelConfig;
  readonly load4bit: boolean;
  readonly tokens: number;
  /** Layers to time instead of all. */
  readonly layers: number | undefined;
  readonly budgetBytes: number | undefined;
  readonly patienceSeconds: number;
}

/** What was measured, and what follows from it. */
export interface BenchResult {
  readonly shape: string;
  readonly load4bit: boolean;
  readonly tokens: number;
  /** Labelled tokens, the published run's share: the head runs for these alone. */
  readonly labels: number;
  readonly peaks: Peaks;
  readonly linear: LinearRates;
  readonly step: StepTime;
  /** Useful work of the step; recomputed activations are not counted. */
  readonly stepFlop: number;
  readonly stepFlops: number;
  readonly tokensPerSecond: number;
  readonly publishedSeconds: number;
}

/** Measures everything; `onPhase` hears what is under way. */
export async function runBench(
  device: Device,
  options: BenchOptions,
  onPhase: (phase: string) => void,
): Promise<BenchResult> {
  const { name, config, load4bit, tokens } = options;
  const labels = publishedLabels(tokens);
  onPhase("peaks");
  const peaks = await measurePeaks(device);
  onPhase("matrix products");
  const linear = await measureLinear(device, config, tokens);
  onPhase("training step");
  const { layers, ...rest } = options;
  const step = await measureStep(device, { ...rest, labels, ...(layers !== undefined && { layers }) });
  const flop = stepFlop({ config, targets: publishedTargets(config), tokens, labels });
  const tokensPerSecond = tokens / step.seconds;
  return {
    shape: name,
    load4bit,
    tokens,
    labels,
    peaks,
    linear,
    step,
    stepFlop: flop,
    stepFlops: flop / step.seconds,
    tokensPerSecond,
    publishedSeconds: publishedSeconds(tokensPerSecond),
  };
}
