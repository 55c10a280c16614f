// Rows picked out of a tensor and put back: the labelled rows of the last layer.

import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkDistinct, checkSizes, checkTensor, operand } from "./check.ts";
import { elementGrid } from "./layout.ts";

interface RowSizes {
  readonly rows: number;
  readonly columns: number;
  /** First element of `index` that is used. */
  readonly indexOffset: number;
}

/** out[r] = x[index[indexOffset + r]]. x and out of one type, f32 or f16; index u32, every entry a row of x. */
export function gatherRows(stream: Stream, t: { x: Tensor; index: Tensor; out: Tensor }, s: RowSizes): void {
  checkTensor("gatherRows", "out", t.out, operand, s.rows * s.columns);
  move("gather_rows", "gatherRows", stream, t, s);
}

/** out[index[indexOffset + r]] = x[r]; the other rows of out stay. x and out of one type, f32 or f16; index u32, every entry a
 *  row of out, none twice. */
export function scatterRows(stream: Stream, t: { x: Tensor; index: Tensor; out: Tensor }, s: RowSizes): void {
  checkTensor("scatterRows", "x", t.x, operand, s.rows * s.columns);
  move("scatter_rows", "scatterRows", stream, t, s);
}

function move(
  kernel: string,
  op: string,
  stream: Stream,
  t: { x: Tensor; index: Tensor; out: Tensor },
  s: RowSizes,
): void {
  const { rows, columns, indexOffset } = s;
  checkSizes(op, { rows, columns, indexOffset });
  checkTensor(op, "index", t.index, ["u32"], indexOffset + rows);
  checkTensor(op, "out", t.out, [t.x.dtype], 0);
  checkDistinct(op, { x: t.x, out: t.out });
  if (rows * columns === 0) return;
  stream.dispatch(
    stream.device.kernels.get(kernel, { T: t.x.dtype }),
    { ...t },
    { rows, columns, index_offset: indexOffset },
    elementGrid(rows * columns),
  );
}
