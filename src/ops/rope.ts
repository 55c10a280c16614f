// Rotary position embedding from tables that the host made in f64.

import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkDistinct, checkSizes, checkTensor, operand } from "./check.ts";
import { elementGrid } from "./layout.ts";

/** Rotates the pairs (d, d + headDim / 2) of every head, Hugging Face's half-split pairing, by the angle of the token's position;
 *  `inverse` rotates back, which is the backward pass. x [tokens, heads, headDim] f32, positions [tokens] u32, cos and sin
 *  [positions, headDim / 2] f32, y as x, f32 or f16; y may be x itself. Su et al. 2021, eq. 34. */
export function rope(
  stream: Stream,
  t: { x: Tensor; y: Tensor; positions: Tensor; cos: Tensor; sin: Tensor },
  s: { tokens: number; heads: number; headDim: number; inverse: boolean },
): void {
  const op = "rope";
  const { tokens, heads, headDim } = s;
  checkSizes(op, { tokens, heads, headDim });
  if (headDim % 2 !== 0) throw new Error(`${op}: headDim must be even, got ${headDim}`);
  const count = tokens * heads * headDim;
  checkTensor(op, "x", t.x, ["f32"], count);
  checkTensor(op, "y", t.y, operand, count);
  checkTensor(op, "positions", t.positions, ["u32"], tokens);
  checkTensor(op, "cos", t.cos, ["f32"], headDim / 2);
  checkTensor(op, "sin", t.sin, ["f32"], headDim / 2);
  if (count === 0) return;
  const params = { tokens, heads, half_dim: headDim / 2, direction: s.inverse ? -1 : 1 };
  const tables = { positions: t.positions, cosines: t.cos, sines: t.sin };
  const { kernels } = stream.device;
  const inPlace = t.x.buffer === t.y.buffer && t.x.offset === t.y.offset;
  if (!inPlace) checkDistinct(op, { x: t.x, y: t.y });
  if (inPlace)
    stream.dispatch(kernels.get("rope_in_place"), { x: t.x, ...tables }, params, elementGrid(count / 2));
  else
    stream.dispatch(
      kernels.get("rope", { T: t.y.dtype }),
      { x: t.x, y: t.y, ...tables },
      params,
      elementGrid(count / 2),
    );
}
