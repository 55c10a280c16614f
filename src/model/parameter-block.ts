// What AdamW updates: f32 buffers with a gradient and moments of the same layout.

import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";

/** Elements of a block that are updated alike: LoRA+ gives B a rate of its own, vectors (norms, biases) do not decay. */
export interface ParameterRange {
  readonly kind: "lora_A" | "lora_B" | "matrix" | "vector";
  readonly start: number;
  readonly count: number;
}

/** One buffer of parameters. */
export interface ParameterBlock {
  readonly p: Tensor;
  readonly g: Tensor;
  readonly m: Tensor;
  readonly v: Tensor;
  readonly ranges: readonly ParameterRange[];
}

/** Whatever is trained. What its blocks are may change from stage to stage. */
export interface Trainee {
  readonly blocks: readonly ParameterBlock[];
  /** Called when the blocks were changed, within the same submission. */
  updated?(stream: Stream): void;
}
