// Gradient norm, clipping and AdamW, all on the device: no value travels to the host within a step.

import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkDistinct, checkSizes, checkTensor } from "./check.ts";
import { elementGrid } from "./layout.ts";

/** Parts into which the sum of squares of each gradient tensor is split. */
const partsOfTensor = 64;

/** Elements that the `partials` tensor of {@link gradNorm} must have. */
export function gradNormPartials(gradients: number): number {
  return gradients * partsOfTensor;
}

/** Norm over all elements of several flat f32 tensors, and what AdamW needs of it. result [4] f32: the norm of the unscaled
 *  gradients before clipping; the clip coefficient min(1, maxNorm / (norm + 1e-6)), 1 when maxNorm <= 0; 1 if every element is
 *  finite, else 0; inverseScale. As torch.nn.utils.clip_grad_norm_. Whole tensors are read: keep padding zero. */
export function gradNorm(
  stream: Stream,
  t: { gradients: readonly Tensor[]; partials: Tensor; result: Tensor },
  s: { maxNorm: number; inverseScale: number },
): void {
  const op = "gradNorm";
  checkTensor(op, "partials", t.partials, ["f32"], gradNormPartials(t.gradients.length));
  checkTensor(op, "result", t.result, ["f32"], 4);
  const { kernels, tier, facts } = stream.device;
  const layout = { LANES: tier === "software" ? facts.subgroupMin : 256, ROWS: 1 };
  const squares = kernels.get("sum_squares", layout);
  t.gradients.forEach((x, i) => {
    checkTensor(op, "gradient", x, ["f32"], 0);
    const params = { count: x.length, first: i * partsOfTensor };
    stream.dispatch(squares, { x, partials: t.partials }, params, [partsOfTensor]);
  });
  stream.dispatch(
    kernels.get("grad_norm", layout),
    { partials: t.partials, result: t.result },
    {
      count: t.gradients.length * partsOfTensor,
      max_norm: s.maxNorm,
      inverse_scale: s.inverseScale,
    },
    [1],
  );
}

/** Numbers of one AdamW step, in f64. */
export interface AdamwSizes {
  /** First element. */
  readonly start: number;
  readonly count: number;
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
  /** 1 − beta1^t, t = the number of this update, from 1. */
  readonly correction1: number;
  /** 1 − beta2^t. */
  readonly correction2: number;
}

/** One AdamW update of p, m and v (f32) from g · coefficient · inverse scale, as `norm` (the result of {@link gradNorm}) has
 *  them; does nothing when a gradient was not finite. The order of operations is that of torch's fused CPU kernel.
 *  Loshchilov & Hutter 2019. */
export function adamw(
  stream: Stream,
  t: { p: Tensor; g: Tensor; m: Tensor; v: Tensor; norm: Tensor },
  s: AdamwSizes,
): void {
  const op = "adamw";
  const { start, count } = s;
  checkSizes(op, { start, count });
  for (const name of ["p", "g", "m", "v"] as const) checkTensor(op, name, t[name], ["f32"], start + count);
  checkTensor(op, "norm", t.norm, ["f32"], 4);
  checkDistinct(op, { ...t });
  if (count === 0) return;
  stream.dispatch(
    stream.device.kernels.get("adamw"),
    { parameter: t.p, g: t.g, m: t.m, v: t.v, norm: t.norm },
    {
      start,
      count,
      keep: 1 - s.learningRate * s.weightDecay,
      step_size: s.learningRate / s.correction1,
      gain1: 1 - s.beta1,
      beta2: s.beta2,
      gain2: 1 - s.beta2,
      root2: Math.sqrt(s.correction2),
      eps: s.eps,
    },
    elementGrid(count),
  );
}
