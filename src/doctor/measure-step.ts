// How long a training step of a shape takes, measured on the real model with random weights. What does not fit the memory or
// the patience is measured with fewer layers and extrapolated: a layer's time is the difference that one more layer makes.

import { GpuError } from "../base/errors.ts";
import type { ModelConfig } from "../formats/config.ts";
import { type LoraTarget, resolveTargets } from "../formats/peft-adapter.ts";
import { plainLora } from "../formats/peft-config.ts";
import type { Device } from "../gpu/device.ts";
import type { Batch } from "../model/batch.ts";
import { CausalLM } from "../model/causal-lm.ts";
import { type MemoryPlan, planMemory } from "../model/memory-plan.ts";
import { type ModelSizes, planInputFor } from "../model/plan-input.ts";
import { RandomBase } from "./random-base.ts";

/** What to time. */
export interface StepShape {
  readonly name: string;
  readonly config: ModelConfig;
  readonly load4bit: boolean;
  /** Tokens of the one sequence of a micro-batch. */
  readonly tokens: number;
  /** Labelled rows among them. */
  readonly labels: number;
  /** Measure with this many layers instead of all. */
  readonly layers?: number;
  /** Layers that carry LoRA; those of the published run by default. */
  readonly targets?: (config: ModelConfig) => readonly LoraTarget[];
  /** Bytes that the device may give. */
  readonly budgetBytes: number | undefined;
  /** Seconds that all of it may take, about. */
  readonly patienceSeconds: number;
}

/** What a step takes. */
export interface StepTime {
  /** Forward and backward of one micro-batch, all layers. */
  readonly seconds: number;
  /** Layers that were on the device; fewer than the shape has: the rest is extrapolated. */
  readonly measuredLayers: number;
  /** Forward and backward of one layer. */
  readonly layerSeconds: number;
  /** Embedding, head and loss. */
  readonly restSeconds: number;
  /** Layers that keep their activations in a whole run, within the budget. */
  readonly keptLayers: number;
  /** Device memory of the model that was timed. */
  readonly bytes: number;
  /** Plan of the whole shape. */
  readonly wholeBytes: number;
  readonly firstSeconds: number;
}

/** LoRA of the published run: r 16, alpha 32, dropout 0.05, on the four attention projections. */
export function publishedTargets(config: ModelConfig): LoraTarget[] {
  return resolveTargets(
    plainLora({
      r: 16,
      alpha: 32,
      dropout: publishedDropout,
      targetModules: ["q_proj", "k_proj", "v_proj", "o_proj"],
    }),
    config,
  );
}

const publishedDropout = 0.05;

/** Times a step, as far as memory and patience reach.
 *  @throws GpuError when not even one layer fits the budget. */
export async function measureStep(device: Device, shape: StepShape): Promise<StepTime> {
  const { config, budgetBytes = Number.POSITIVE_INFINITY } = shape;
  const whole = planOf(device, shape, config.layers, "auto");
  // No layer runs again when all are kept; the first that is kept shares its set with those that are not.
  const kept = Math.max(1, whole.keptLayers);
  const some = layersToMeasure(device, shape);
  const one = await timeLayers(device, shape, 1, "none");
  const layerSeconds = async (checkpointing: "none" | "full") => {
    if (some === 1) return one.seconds;
    const more = await timeLayers(device, shape, some, checkpointing);
    return Math.max(0, more.seconds - one.seconds) / (some - 1);
  };
  const keptSeconds = config.layers > 1 ? await layerSeconds("none") : one.seconds;
  const againSeconds = config.layers > kept ? await layerSeconds("full") : keptSeconds;
  const restSeconds = Math.max(0, one.seconds - keptSeconds);
  const predicted = restSeconds + kept * keptSeconds + (config.layers - kept) * againSeconds;
  const parts = {
    layerSeconds: config.layers > kept ? againSeconds : keptSeconds,
    restSeconds,
    keptLayers: whole.keptLayers,
    wholeBytes: whole.totalBytes,
  };
  const wanted = shape.layers === undefined || shape.layers >= config.layers;
  const fits = whole.totalBytes <= budgetBytes;
  if (wanted && fits && predicted * (warmUps + 1) <= shape.patienceSeconds) {
    const all = await timeLayers(device, shape, config.layers, "auto");
    const eachSeconds = Math.max(0, all.seconds - restSeconds) / config.layers;
    return { ...parts, ...all, layerSeconds: eachSeconds, measuredLayers: config.layers };
  }
  const { bytes } = planSize(device, shape, some);
  return { ...parts, seconds: predicted, firstSeconds: one.firstSeconds, bytes, measuredLayers: some };
}

/** Enough that the time of one more stands out from the noise. */
const usualLayers = 4;

/** As many layers as wanted, or as the memory holds. */
function layersToMeasure(device: Device, shape: StepShape): number {
  const { config, budgetBytes = Number.POSITIVE_INFINITY } = shape;
  const most = Math.min(config.layers, shape.layers ?? usualLayers);
  for (let layers = most; layers >= 1; layers--)
    if (planSize(device, shape, layers).bytes <= budgetBytes) return layers;
  const { bytes } = planSize(device, shape, 1);
  throw new GpuError(
    `doctor: expected room for one layer of ${shape.name} at ${shape.tokens} tokens (${bytes} bytes), got ${budgetBytes}`,
    { hint: "give fewer --tokens, or a smaller --shape" },
  );
}

function planSize(device: Device, shape: StepShape, layers: number): { bytes: number } {
  return { bytes: planOf(device, shape, layers, "none").totalBytes };
}

type Checkpointing = "auto" | "none" | "full";

function planOf(device: Device, shape: StepShape, layers: number, checkpointing: Checkpointing): MemoryPlan {
  const base = baseOf(shape, layers);
  return planMemory(planInputFor(base, sizesOf(shape, base.config, checkpointing), device));
}

function baseOf({ name, config, load4bit }: StepShape, layers: number): RandomBase {
  const slidingWindow = config.slidingWindow.slice(0, layers);
  return new RandomBase(name, { ...config, layers, slidingWindow }, load4bit);
}

function sizesOf(shape: StepShape, config: ModelConfig, checkpointing: Checkpointing): ModelSizes {
  return {
    targets: (shape.targets ?? publishedTargets)(config),
    train: true,
    dropout: true,
    maxTokens: shape.tokens,
    maxRows: shape.labels,
    checkpointing,
    budgetBytes: shape.budgetBytes,
  };
}

const warmUps = 1;
const timedSteps = 5;

async function timeLayers(
  device: Device,
  shape: StepShape,
  layers: number,
  checkpointing: Checkpointing,
): Promise<{ seconds: number; firstSeconds: number; bytes: number }> {
  const base = baseOf(shape, layers);
  using lm = await CausalLM.load(device, { base, ...sizesOf(shape, base.config, checkpointing) });
  const { adapter } = lm;
  if (!adapter) throw new Error("doctor: the model to time has no adapter");
  for (const weights of adapter.weights) device.write(weights, base.randomValues(weights.length));
  const batch = randomBatch(shape);
  const times: number[] = [];
  const began = performance.now();
  while (times.length < warmUps + timedSteps) {
    const start = performance.now();
    lm.step(batch, {
      gradientScale: 1 / shape.labels,
      dropout: { probability: publishedDropout, seed: 1, salt: times.length },
    });
    const losses = await lm.takeLosses();
    if (!losses.every(Number.isFinite))
      throw new GpuError(
        `doctor: expected finite losses of ${shape.name}, got ${losses.find((x) => !Number.isFinite(x))}`,
        {
          hint: "the kernels of this tier compute wrongly on this adapter; try another --tier and report it",
        },
      );
    times.push((performance.now() - start) / 1000);
    // One timed step is enough for those that take long.
    if (times.length > warmUps && (performance.now() - began) / 1000 > shape.patienceSeconds / 4) break;
  }
  await device.settle();
  return {
    seconds: Math.min(...times.slice(warmUps)),
    firstSeconds: times[0]!,
    bytes: lm.plan.totalBytes,
  };
}

/** One sequence of arbitrary ids; labels spread evenly over it. */
function randomBatch({ config, tokens, labels }: StepShape): Batch {
  const id = (_: unknown, i: number) => (i * 7919 + 13) % config.vocab;
  return {
    tokens,
    ids: Uint32Array.from({ length: tokens }, id),
    positions: Uint32Array.from({ length: tokens }, (_, i) => i),
    starts: Uint32Array.of(0, tokens),
    rows: Uint32Array.from({ length: labels }, (_, i) => Math.floor((i * tokens) / labels)),
    targets: Uint32Array.from({ length: labels }, id),
    weights: new Float32Array(labels).fill(1),
  };
}
