// A rough speed in a few seconds, for plans: a few layers with random weights, the rest extrapolated.

import { GpuError } from "../base/errors.ts";
import type { ModelConfig } from "../formats/config.ts";
import { type LoraConfig, resolveTargets } from "../formats/peft-adapter.ts";
import type { Device } from "../gpu/device.ts";
import { budgetBytes } from "../gpu/memory.ts";
import { measureStep } from "./measure-step.ts";
import { linearWeights } from "./work.ts";

/** What to be quick about. */
export interface QuickSpeedQuestion {
  readonly config: ModelConfig;
  readonly load4bit: boolean;
  readonly lora: LoraConfig;
  /** Tokens of a usual row. */
  readonly rowTokens: number;
  /** Share of them that is labelled. */
  readonly labelShare: number;
}

/** Work on one layer that takes well under a second, on a CPU adapter and on a GPU. */
const affordableFlop = { software: 2e9, gpu: 4e12 };
const measuredLayers = 4;
/** Forward's share of a layer's time: its backward has as many products, those of the gradient of x. */
const forwardShare = 0.5;

/** Tokens per second of a whole step; a line that says why when it could not be measured. */
export async function quickSpeed(
  device: Device,
  question: QuickSpeedQuestion,
): Promise<{ tokensPerSecond: number; tokens: number; layers: number } | string> {
  const { config, load4bit, lora, rowTokens, labelShare } = question;
  const affordable = affordableFlop[device.facts.software ? "software" : "gpu"];
  const most = Math.max(16, Math.floor(affordable / (4 * linearWeights(config))));
  const tokens = Math.max(1, Math.min(Math.round(rowTokens), most));
  try {
    // The layers that are measured all have an adapter; of those below the lowest one there is only the forward.
    const lowest = Math.min(...resolveTargets(lora, config).map(({ layer }) => layer));
    const {
      seconds,
      layerSeconds,
      measuredLayers: layers,
    } = await measureStep(device, {
      name: config.modelType,
      config,
      load4bit,
      tokens,
      labels: Math.max(1, Math.round(tokens * labelShare)),
      layers: Math.min(measuredLayers, config.layers),
      targets: (cut) => resolveTargets({ ...lora, layersToTransform: undefined }, cut),
      budgetBytes: budgetBytes(device.facts),
      patienceSeconds: 10,
    });
    const saved = lowest * layerSeconds * (1 - forwardShare);
    return { tokensPerSecond: tokens / (seconds - saved), tokens, layers };
  } catch (error) {
    if (error instanceof GpuError) return `speed: not measured (${error.message})`;
    throw error;
  }
}
