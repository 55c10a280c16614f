// Matrix products of every tier behind one call: the linear layers, their LoRA deltas and all their gradients.

import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { matmulMatrix, suitsMatrixUnits } from "./matmul-matrix.ts";
import { checkProduct, type Matmul, type MatmulPlan, type MatmulTensors, planned } from "./matmul-plan.ts";
import { matmulSoftware } from "./matmul-software.ts";
import { matmulTile } from "./matmul-tile.ts";

/** out = alpha a b (+ extraA extraB) (+ out), summed in f32 in a fixed order. The extra product, a LoRA delta, has extraB
 *  [n, extraK] in mode nt and [extraK, n] in mode nn, and no alpha. Elements of `out` outside [m, n] stay as they are.
 *  @throws Error when an operand is too small or of a type that the tier does not take. */
export function matmul(stream: Stream, tensors: MatmulTensors, sizes: Matmul): void {
  const plan = planned(sizes);
  checkProduct(tensors, plan);
  if (plan.m === 0 || plan.n === 0) return;
  const { tier, facts } = stream.device;
  if (tier === "matrix" && suitsMatrixUnits(facts, plan)) {
    matmulMatrix(stream, tensors, plan);
    return;
  }
  if (tier !== "software") {
    matmulTile(stream, tensors, plan);
    return;
  }
  for (const { dtype, label } of [tensors.a, tensors.b, tensors.out])
    if (dtype !== "f32") throw new Error(`matmul: expected f32 in tier software, got ${dtype} for ${label}`);
  matmulSoftware(stream, tensors, plan);
  if (plan.extraK > 0) matmulSoftware(stream, ...extraProduct(tensors, plan));
}

// The LoRA delta as a product of its own, added to what the main one wrote.
function extraProduct(
  { extraA, extraB, out }: MatmulTensors,
  plan: MatmulPlan,
): [{ a: Tensor; b: Tensor; out: Tensor }, MatmulPlan] {
  const { mode, m, n, extraK: k, outOffset, outStride } = plan;
  const product = planned({ mode, m, n, k, outOffset, outStride, accumulate: true });
  return [{ a: extraA!, b: extraB!, out }, product];
}
