// Rotary angles as transformers computes them: frequencies and angles rounded to f32, cosine and sine of that angle in f64.
// The shader never evaluates sin or cos itself: WGSL promises them on [-pi, pi] only.
// Su et al. 2021; llama3 scaling: transformers `modeling_rope_utils.py` `_compute_llama3_parameters`.

import type { ModelConfig } from "../formats/config.ts";

/** Inverse frequency of each pair of a head's dimensions [D / 2], f32 values. */
function inverseFrequencies(
  config: Pick<ModelConfig, "headDim" | "ropeTheta" | "ropeScaling">,
): Float32Array {
  const { headDim, ropeTheta, ropeScaling: scaling } = config;
  const plain = Float32Array.from({ length: headDim / 2 }, (_, i) =>
    Math.fround(1 / Math.fround(ropeTheta ** Math.fround((2 * i) / headDim))),
  );
  if (!scaling) return plain;
  if (scaling.type === "linear") return plain.map((f) => f / scaling.factor);
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPosition } = scaling;
  const longest = originalMaxPosition / lowFreqFactor;
  const shortest = originalMaxPosition / highFreqFactor;
  return plain.map((f) => {
    const wavelength = (2 * Math.PI) / f;
    if (wavelength < shortest) return f;
    if (wavelength > longest) return f / factor;
    const smooth = (originalMaxPosition / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    return ((1 - smooth) * f) / factor + smooth * f;
  });
}

/** Cosines and sines of every position [P, D / 2]. */
export function ropeTables(
  config: Pick<ModelConfig, "headDim" | "ropeTheta" | "ropeScaling">,
  positions: number,
): { cos: Float32Array; sin: Float32Array } {
  const frequencies = inverseFrequencies(config);
  const half = frequencies.length;
  const cos = new Float32Array(positions * half);
  const sin = new Float32Array(positions * half);
  for (let p = 0; p < positions; p++)
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(p * frequencies[i]!);
      cos[p * half + i] = Math.cos(angle);
      sin[p * half + i] = Math.sin(angle);
    }
  return { cos, sin };
}
