// Gradients that are sums over rows: of a bias, and of a norm's weight.

import type { Device } from "../gpu/device.ts";
import { foldedGrid, type Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkDistinct, checkSizes, checkTensor, operand } from "./check.ts";

/** y[c] += sum of x[r][c]: the gradient of a bias. x [rows, columns] f32, y [columns] f32. */
export function columnSum(
  stream: Stream,
  t: { x: Tensor; y: Tensor },
  s: { rows: number; columns: number },
): void {
  const op = "columnSum";
  checkSizes(op, { ...s });
  checkTensor(op, "x", t.x, ["f32"], s.rows * s.columns);
  checkTensor(op, "y", t.y, ["f32"], s.columns);
  checkDistinct(op, { ...t });
  if (s.rows * s.columns === 0) return;
  const layout = columnLayout(stream.device);
  const kernel = stream.device.kernels.get("column_sum", layout);
  stream.dispatch(kernel, { ...t }, s, foldedGrid(Math.ceil(s.columns / layout.COLUMNS)));
}

/** dweight[c] += sum of dy[r][c] x[r][c] rstd[r]: the gradient of the weight of `rmsNormForward`. dy [rows, columns] f32, x the
 *  same in f32 or f16, rstd [rows] f32, dweight [columns] f32. */
export function rmsNormWeightBackward(
  stream: Stream,
  t: { dy: Tensor; x: Tensor; rstd: Tensor; dweight: Tensor },
  s: { rows: number; columns: number },
): void {
  const op = "rmsNormWeightBackward";
  checkSizes(op, { ...s });
  checkTensor(op, "dy", t.dy, ["f32"], s.rows * s.columns);
  checkTensor(op, "x", t.x, operand, s.rows * s.columns);
  checkTensor(op, "rstd", t.rstd, ["f32"], s.rows);
  checkTensor(op, "dweight", t.dweight, ["f32"], s.columns);
  checkDistinct(op, { ...t });
  if (s.rows * s.columns === 0) return;
  const layout = columnLayout(stream.device);
  const kernel = stream.device.kernels.get("rms_norm_weight_backward", { S: t.x.dtype, ...layout });
  stream.dispatch(kernel, { ...t }, s, foldedGrid(Math.ceil(s.columns / layout.COLUMNS)));
}

/** How many columns share a workgroup, and how many threads a column: COLUMNS and SLOTS of kernels/lib/column.wgsl. */
function columnLayout({ tier, facts }: Device): { COLUMNS: number; SLOTS: number } {
  return tier === "software" ? { COLUMNS: facts.subgroupMin, SLOTS: 1 } : { COLUMNS: 32, SLOTS: 8 };
}
