// One line of a memory plan.

import type { Dtype } from "../gpu/tensor.ts";

/** One buffer to be. */
export interface BufferSpec {
  readonly memoryClass: string;
  readonly label: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
}
