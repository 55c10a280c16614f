// Token embedding from a table that may lie in several shards, and the gradient of such a table.

import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkDistinct, checkSizes, checkTensor, operand } from "./check.ts";
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

/** Tokens grouped by id, as {@link embedBackward} takes them. */
export interface TokensById {
  /** Tokens sorted by id, equal ones in their order [tokens]. */
  readonly order: Uint32Array<ArrayBuffer>;
  /** Where each distinct id's tokens begin in `order`, and their number at the end [distinct + 1]. */
  readonly starts: Uint32Array<ArrayBuffer>;
}

/** Groups tokens by id. */
export function tokensById(ids: Uint32Array): TokensById {
  const order = Uint32Array.from(ids, (_, t) => t).sort((a, b) => ids[a]! - ids[b]! || a - b);
  const starts: number[] = [];
  order.forEach((t, i) => {
    if (i === 0 || ids[t] !== ids[order[i - 1]!]) starts.push(i);
  });
  return { order, starts: Uint32Array.from([...starts, order.length]) };
}

/** dtable[id − rowFrom] += sum of dx[t] over the tokens of each id in rowFrom .. rowFrom + rows − 1. ids, order [tokens] and starts
 *  [distinct + 1] u32 (see {@link tokensById}), dx [tokens, columns] f32, dtable [rows, columns] f32. */
export function embedBackward(
  stream: Stream,
  t: { ids: Tensor; order: Tensor; starts: Tensor; dx: Tensor; dtable: Tensor },
  s: { tokens: number; distinct: number; columns: number; rowFrom: number; rows: number },
): void {
  const op = "embedBackward";
  const { tokens, distinct, columns, rowFrom, rows } = s;
  checkSizes(op, { ...s });
  checkTensor(op, "ids", t.ids, ["u32"], tokens);
  checkTensor(op, "order", t.order, ["u32"], tokens);
  checkTensor(op, "starts", t.starts, ["u32"], distinct + 1);
  checkTensor(op, "dx", t.dx, ["f32"], tokens * columns);
  checkTensor(op, "dtable", t.dtable, ["f32"], rows * columns);
  checkDistinct(op, { ...t });
  if (distinct * columns === 0) return;
  const params = { distinct, columns, row_from: rowFrom, rows };
  stream.dispatch(
    stream.device.kernels.get("embed_backward"),
    { ...t },
    params,
    elementGrid(distinct * columns),
  );
}
