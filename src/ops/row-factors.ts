// What a loss over whole sequences needs of single rows: their mean, and a factor on each that is known only afterwards.

import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkDistinct, checkSizes, checkTensor } from "./check.ts";
import { elementGrid, rowGrid, rowLayout } from "./layout.ts";

/** mean[rowOffset + r] = mean of x[r]. x [rows, columns] f32, mean f32 at least rowOffset + rows long. */
export function rowMean(
  stream: Stream,
  t: { x: Tensor; mean: Tensor },
  s: { rows: number; columns: number; rowOffset: number },
): void {
  const op = "rowMean";
  const { rows, columns, rowOffset } = s;
  checkSizes(op, { rows, rowOffset });
  checkSizes(op, { columns }, 1);
  checkTensor(op, "x", t.x, ["f32"], rows * columns);
  checkTensor(op, "mean", t.mean, ["f32"], rowOffset + rows);
  checkDistinct(op, { ...t });
  if (rows === 0) return;
  const layout = rowLayout(stream.device, columns);
  const kernel = stream.device.kernels.get("row_mean", layout);
  stream.dispatch(kernel, { ...t }, { rows, columns, row_offset: rowOffset }, rowGrid(rows, layout));
}

/** x[r] *= factors[r]. x [rows, columns] f32, factors [rows] f32. */
export function scaleRows(
  stream: Stream,
  t: { x: Tensor; factors: Tensor },
  s: { rows: number; columns: number },
): void {
  const op = "scaleRows";
  const { rows, columns } = s;
  checkSizes(op, { rows, columns });
  checkTensor(op, "x", t.x, ["f32"], rows * columns);
  checkTensor(op, "factors", t.factors, ["f32"], rows);
  checkDistinct(op, { ...t });
  if (rows * columns === 0) return;
  const kernel = stream.device.kernels.get("scale_rows", {});
  stream.dispatch(kernel, { ...t }, { rows, columns }, elementGrid(rows * columns));
}
