// From what a caller wants to run to what the memory plan needs to know: the same for loading a model and for `sekft plan`.

import type { BaseWeights } from "../formats/base-weights.ts";
import type { LoraTarget } from "../formats/peft-adapter.ts";
import type { Tier } from "../gpu/facts.ts";
import type { PlanInput } from "./memory-plan.ts";
import type { ModelStage } from "./trained-plan.ts";

/** How large a loaded model may get. */
export interface ModelSizes {
  /** Quantise the linear layers to NF4 with double quantisation. */
  readonly load4bit?: boolean;
  /** Linear layers that carry LoRA. */
  readonly targets?: readonly LoraTarget[];
  /** What is trained, stage by stage; the adapter alone when absent. */
  readonly stages?: readonly ModelStage[];
  /** Make gradients and what backward needs. */
  readonly train?: boolean;
  /** LoRA dropout will be used. */
  readonly dropout?: boolean;
  /** The loss is one over whole sequences: `stepSequences` will be used. */
  readonly sequenceLoss?: boolean;
  /** Some targets are what the base says: `stepTowardsBase` will be used. */
  readonly keepBase?: boolean;
  /** Most tokens in one micro-batch. */
  readonly maxTokens: number;
  /** Most labelled rows in one micro-batch; `maxTokens` by default. */
  readonly maxRows?: number;
  /** Labelled rows whose losses are kept until they are taken; `maxRows` by default. */
  readonly lossCapacity?: number;
  readonly checkpointing?: "auto" | "none" | "full";
  /** Bytes that the device may give, for `auto`. */
  readonly budgetBytes?: number | undefined;
}

/** The part of a device that decides memory. */
export interface PlannedDevice {
  readonly tier: Tier;
  readonly maxBindingBytes: number;
}

/** What {@link planMemory} takes, with every default filled in. */
export function planInputFor(
  base: Pick<BaseWeights, "config" | "tensors">,
  sizes: ModelSizes,
  { tier, maxBindingBytes }: PlannedDevice,
): PlanInput {
  const {
    maxTokens,
    load4bit = false,
    targets = [],
    train = false,
    dropout = false,
    sequenceLoss = false,
    keepBase = false,
    stages = [],
  } = sizes;
  const maxRows = Math.min(sizes.maxRows ?? maxTokens, maxTokens);
  return {
    config: base.config,
    tier,
    quantBlock: (module) => quantBlockOf(base, module, load4bit),
    targets,
    train,
    dropout,
    sequenceLoss,
    keepBase,
    stages,
    maxTokens,
    maxRows,
    lossCapacity: Math.max(maxRows, sizes.lossCapacity ?? maxRows),
    checkpointing: sizes.checkpointing ?? "auto",
    budgetBytes: sizes.budgetBytes,
    maxBindingBytes,
  };
}

/** Weights that share one absmax in a linear layer that will be held in 4 bits; undefined for the others. A stored matrix whose
 *  rows are not whole blocks (no published model has one) is read into plain numbers instead, by the reader's rules. */
export function quantBlockOf(
  { config, tensors }: Pick<BaseWeights, "config" | "tensors">,
  module: string,
  load4bit: boolean,
): number | undefined {
  const { type, shape } = tensors.get(`${module}.weight`)!;
  if (type === "NF4" || type === "FP4") {
    const block = config.quantization?.blocksize ?? 64;
    return shape[1]! % block === 0 ? block : undefined;
  }
  return load4bit ? 64 : undefined;
}
