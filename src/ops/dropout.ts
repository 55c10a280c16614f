// Randomness on the device: a pure function of (seed, salt, element index), so that the backward pass makes the same mask again
// and a resumed run goes on with the same numbers.

import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkDistinct, checkSizes, checkTensor, operand } from "./check.ts";
import { elementGrid } from "./layout.ts";

/** What decides a mask. `salt` tells uses apart: step, layer, projection. Both are taken modulo 2^32. */
export interface DropoutSizes {
  readonly count: number;
  /** Share that is dropped, 0 <= probability < 1. */
  readonly probability: number;
  readonly seed: number;
  readonly salt: number;
}

/** y = keep ? x / (1 − probability) : 0. x and y f32 or f16. Srivastava et al. 2014. */
export function dropout(stream: Stream, t: { x: Tensor; y: Tensor }, s: DropoutSizes): void {
  const op = "dropout";
  checkTensor(op, "x", t.x, operand, s.count);
  checkTensor(op, "y", t.y, operand, s.count);
  const params = dropoutParams(op, t, s);
  if (s.count === 0) return;
  const kernel = stream.device.kernels.get("dropout", { S: t.x.dtype, T: t.y.dtype });
  stream.dispatch(kernel, { ...t }, params, elementGrid(s.count));
}

/** y += keep ? x / (1 − probability) : 0, with the mask that {@link dropout} made from the same numbers. Both f32. */
export function dropoutAdd(stream: Stream, t: { x: Tensor; y: Tensor }, s: DropoutSizes): void {
  const op = "dropoutAdd";
  checkTensor(op, "x", t.x, ["f32"], s.count);
  checkTensor(op, "y", t.y, ["f32"], s.count);
  const params = dropoutParams(op, t, s);
  if (s.count === 0) return;
  stream.dispatch(stream.device.kernels.get("dropout_add"), { ...t }, params, elementGrid(s.count));
}

/** NEFTune: x[t][c] += u · magnitude[t] with u uniform in [−1, 1). x [tokens, columns] f32, magnitude [tokens] f32.
 *  Jain et al. 2023. */
export function uniformNoise(
  stream: Stream,
  t: { x: Tensor; magnitude: Tensor },
  s: { tokens: number; columns: number; seed: number; salt: number },
): void {
  const op = "uniformNoise";
  const { tokens, columns } = s;
  checkSizes(op, { tokens, columns });
  checkTensor(op, "x", t.x, ["f32"], tokens * columns);
  checkTensor(op, "magnitude", t.magnitude, ["f32"], tokens);
  if (tokens * columns === 0) return;
  const params = { tokens, columns, seed: s.seed, salt: s.salt };
  stream.dispatch(
    stream.device.kernels.get("uniform_noise"),
    { ...t },
    params,
    elementGrid(tokens * columns),
  );
}

function dropoutParams(op: string, t: { x: Tensor; y: Tensor }, s: DropoutSizes): Record<string, number> {
  checkSizes(op, { count: s.count });
  checkDistinct(op, { ...t });
  if (!(s.probability >= 0 && s.probability < 1))
    throw new Error(`${op}: probability must be in [0, 1), got ${s.probability}`);
  return {
    count: s.count,
    threshold: Math.floor(s.probability * 2 ** 32),
    scale: 1 / (1 - s.probability),
    seed: s.seed,
    salt: s.salt,
  };
}
