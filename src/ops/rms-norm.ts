// RMSNorm over rows, forward and backward. The weight is frozen: it gets no gradient.

import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkDistinct, checkSizes, checkTensor, operand } from "./check.ts";
import { rowGrid, rowLayout } from "./layout.ts";

/** y = x / sqrt(mean(x²) + eps) · weight, row by row. x [rows, columns] f32, weight [columns] f32, y [rows, columns]
 *  f32 or f16, rstd [rows] f32 (kept for {@link rmsNormBackward}). Zhang & Sennrich 2019, eq. 4. */
export function rmsNormForward(
  stream: Stream,
  t: { x: Tensor; weight: Tensor; y: Tensor; rstd: Tensor },
  s: { rows: number; columns: number; eps: number },
): void {
  const op = "rmsNormForward";
  const { rows, columns, eps } = s;
  checkSizes(op, { rows });
  checkSizes(op, { columns }, 1);
  checkTensor(op, "x", t.x, ["f32"], rows * columns);
  checkTensor(op, "weight", t.weight, ["f32"], columns);
  checkTensor(op, "y", t.y, operand, rows * columns);
  checkTensor(op, "rstd", t.rstd, ["f32"], rows);
  checkDistinct(op, { ...t });
  if (rows === 0) return;
  const layout = rowLayout(stream.device, columns);
  const kernel = stream.device.kernels.get("rms_norm_forward", { T: t.y.dtype, ...layout });
  stream.dispatch(kernel, { ...t }, { rows, columns, eps }, rowGrid(rows, layout));
}

/** Gradient of the input: dx = rstd · (w dy) − x · rstd³ / columns · Σ(w dy x), or dx += that. x f32 or f16, the rest f32.
 *  dx may be the very tensor dy, which it then replaces (without `accumulate`); nothing else shares memory. */
export function rmsNormBackward(
  stream: Stream,
  t: { dy: Tensor; x: Tensor; weight: Tensor; rstd: Tensor; dx: Tensor },
  s: { rows: number; columns: number; accumulate: boolean },
): void {
  const op = "rmsNormBackward";
  const { rows, columns } = s;
  checkSizes(op, { rows });
  checkSizes(op, { columns }, 1);
  checkTensor(op, "dy", t.dy, ["f32"], rows * columns);
  checkTensor(op, "x", t.x, operand, rows * columns);
  checkTensor(op, "weight", t.weight, ["f32"], columns);
  checkTensor(op, "rstd", t.rstd, ["f32"], rows);
  checkTensor(op, "dx", t.dx, ["f32"], rows * columns);
  const { dx, ...others } = t;
  const inPlace = dx === t.dy;
  if (inPlace && s.accumulate) throw new Error(`${op}: dx cannot be dy and be added to`);
  checkDistinct(op, inPlace ? others : { ...t });
  if (rows === 0) return;
  const { kernels } = stream.device;
  const layout = rowLayout(stream.device, columns);
  const grid = rowGrid(rows, layout);
  const spec = { S: t.x.dtype, ...layout };
  if (inPlace)
    stream.dispatch(
      kernels.get("rms_norm_backward_in_place", spec),
      { d: dx, x: t.x, weight: t.weight, rstd: t.rstd },
      { rows, columns },
      grid,
    );
  else {
    const params = { rows, columns, accumulate: s.accumulate ? 1 : 0 };
    stream.dispatch(kernels.get("rms_norm_backward", spec), { ...t }, params, grid);
  }
}
