// Sums: of two tensors, and of a bias and every row.

import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkDistinct, checkSizes, checkTensor, operand } from "./check.ts";
import { elementGrid } from "./layout.ts";

/** y += x, the first `count` elements, f32. */
export function add(stream: Stream, t: { x: Tensor; y: Tensor }, s: { count: number }): void {
  const op = "add";
  checkSizes(op, { ...s });
  checkTensor(op, "x", t.x, ["f32"], s.count);
  checkTensor(op, "y", t.y, ["f32"], s.count);
  checkDistinct(op, { ...t });
  if (s.count === 0) return;
  stream.dispatch(stream.device.kernels.get("add"), { ...t }, { count: s.count }, elementGrid(s.count));
}

/** x[r] += bias for every row. x [rows, columns] f32 or f16, bias [columns] f32. */
export function addBias(
  stream: Stream,
  t: { x: Tensor; bias: Tensor },
  s: { rows: number; columns: number },
): void {
  const op = "addBias";
  const { rows, columns } = s;
  checkSizes(op, { rows, columns });
  checkTensor(op, "x", t.x, operand, rows * columns);
  checkTensor(op, "bias", t.bias, ["f32"], columns);
  if (rows * columns === 0) return;
  const kernel = stream.device.kernels.get("add_bias", { T: t.x.dtype });
  stream.dispatch(kernel, { ...t }, { rows, columns }, elementGrid(rows * columns));
}
