// A rough speed in a few seconds, for plans: a few layers with random weights, the rest extrapolated.

import { GpuError } from "../base/errors.ts";
import type { ModelConfig } from "../formats/config.ts";
import type { LoraTarget } from "../formats/peft-adapter.ts";
import type { Device } from "../gpu/device.ts";
import { budgetBytes } from "../gpu/memory.ts";
import { measureStep } from "./measure-step.ts";
import { linearWeights } from "./work.ts";

/** What to be quick about. */
export interface QuickSpeedQuestion {
  readonly config: ModelConfig;
  readonly load4bit: boolean;
  readonly targets: (config: ModelConfig) => readonly LoraTarget[];
  /** Tokens of a usual row. */
  readonly rowTokens: number;
  /** Share of them that is labelled. */
  readonly labelShare: number;
}

/** Work on one layer that takes well under a second, on a CPU adapter and on a GPU. */
const affordableFlop = { software: 2e9, gpu: 4e12 };
const measuredLayers = 4;

/** Tokens per second of a whole step; a line that says why when it could not be measured. */
export async function quickSpeed(
  device: Device,
  question: QuickSpeedQuestion,
): Promise<{ tokensPerSecond: number; tokens: number; layers: number } | string> {
  const { config, load4bit, targets, rowTokens, labelShare } = question;
  const affordable = affordableFlop[device.facts.software ? "software" : "gpu"];
  const most = Math.max(16, Math.floor(affordable / (4 * linearWeights(config))));
  const tokens = Math.max(1, Math.min(Math.round(rowTokens), most));
  try {
    const { seconds, measuredLayers: layers } = await measureStep(device, {
      name: config.modelType,
      config,
      load4bit,
      tokens,
      labels: Math.max(1, Math.round(tokens * labelShare)),
      layers: Math.min(measuredLayers, config.layers),
      targets,
      budgetBytes: budgetBytes(device.facts),
      patienceSeconds: 10,
    });
    return { tokensPerSecond: tokens / seconds, tokens, layers };
  } catch (error) {
    if (error instanceof GpuError) return `speed: not measured (${error.message})`;
    throw error;
  }
}
