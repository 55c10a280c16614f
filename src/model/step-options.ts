// How a micro-batch is trained, apart from what is in it.

import type { Batch } from "./batch.ts";
import type { DropoutState } from "./linear.ts";

/** NEFTune: uniform noise of magnitude alpha / sqrt(length x C) on the embeddings. Jain et al. 2023. */
export interface NoiseState {
  readonly alpha: number;
  readonly seed: number;
  readonly salt: number;
}

/** How one micro-batch is trained. */
export interface StepOptions {
  /** Multiplies every row's gradient: loss scale / labels in the accumulation window. */
  readonly gradientScale: number;
  readonly dropout?: DropoutState;
  readonly neftune?: NoiseState;
}

/** Magnitude of the noise on each token's embedding of C columns [N]: alpha over the root of its sequence's length x C. */
export function noiseMagnitudes(
  { tokens, starts, shared }: Pick<Batch, "tokens" | "starts" | "shared">,
  alpha: number,
  columns: number,
): Float32Array<ArrayBuffer> {
  const magnitudes = new Float32Array(tokens);
  for (let s = 0; s + 1 < starts.length; s++) {
    const [start, end] = [starts[s]!, starts[s + 1]!];
    const length = end - start + (shared?.[s] ?? 0);
    magnitudes.fill(alpha / Math.sqrt(length * columns), start, end);
  }
  return magnitudes;
}
