// Plain f64 gradient norm, clip coefficient and AdamW, written from the papers' formulas rather than the kernel's order.

/** L2 norm over all tensors, after dividing out the loss scale. */
export function gradNorm(gradients: readonly ArrayLike<number>[], inverseScale: number): number {
  let sum = 0;
  for (const gradient of gradients)
    for (let i = 0; i < gradient.length; i++) sum += (gradient[i]! * inverseScale) ** 2;
  return Math.sqrt(sum);
}

/** torch.nn.utils.clip_grad_norm_'s factor. */
export function clipCoefficient(norm: number, maxNorm: number): number {
  return maxNorm > 0 ? Math.min(1, maxNorm / (norm + 1e-6)) : 1;
}

/** One parameter with its moments. */
export interface AdamState {
  readonly p: number;
  readonly m: number;
  readonly v: number;
}

/** Loshchilov & Hutter 2019, algorithm 2, update number `t` (from 1). */
export function adamw(
  { p, m, v }: AdamState,
  g: number,
  t: number,
  o: { learningRate: number; beta1: number; beta2: number; eps: number; weightDecay: number },
): AdamState {
  const m1 = o.beta1 * m + (1 - o.beta1) * g;
  const v1 = o.beta2 * v + (1 - o.beta2) * g * g;
  const mHat = m1 / (1 - o.beta1 ** t);
  const vHat = v1 / (1 - o.beta2 ** t);
  return { p: p - o.learningRate * (mHat / (Math.sqrt(vHat) + o.eps) + o.weightDecay * p), m: m1, v: v1 };
}
