// Token embedding from a table that may lie in several shards.

import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkSizes, checkTensor, operand } from "./check.ts";
import { elementGrid } from "./layout.ts";

/** x[t] = table[ids[t] − rowFrom] for the ids in rowFrom .. rowFrom + rows − 1; others leave x[t] alone, so that one call a
 *  shard fills x. ids [tokens] u32, table [rows, columns] f32 or f16, x [tokens, columns] f32. */
export function embed(
  stream: Stream,
  t: { ids: Tensor; table: Tensor; x: Tensor },
  s: { tokens: number; columns: number; rowFrom: number; rows: number },
): void {
  const op = "embed";
  checkSizes(op, { ...s });
  checkTensor(op, "ids", t.ids, ["u32"], s.tokens);
  checkTensor(op, "table", t.table, operand, s.rows * s.columns);
  checkTensor(op, "x", t.x, ["f32"], s.tokens * s.columns);
  if (s.tokens === 0) return;
  const kernel = stream.device.kernels.get("embed", { T: t.table.dtype });
  const params = { tokens: s.tokens, columns: s.columns, row_from: s.rowFrom, rows: s.rows };
  stream.dispatch(kernel, { ...t }, params, elementGrid(s.tokens * s.columns));
}
