// Causal attention with masks of intervals and grouped queries, forward and backward, without any S x S memory.

import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkDistinct, checkSizes, checkTensor, operand } from "./check.ts";
import { rowGrid, rowLayout } from "./layout.ts";

/** Largest head width that the kernels hold. */
const maxHeadDim = 256;

/** N tokens, H = heads, K = kvHeads (divides heads), D = headDim. */
export interface AttentionSizes {
  readonly tokens: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Factor of q·k before the softmax, usually 1 / sqrt(headDim). */
  readonly scale: number;
}

/** out[i] = softmax(scale · q[i] k[j]) v[j] over the keys j that query i sees. q, out [N, H, D] and k, v [N, K, D] of one type, f32
 *  or f16; lse [H, N] f32: log of the softmax's denominator, for {@link attentionBackward}.
 *  keys [N, 3] u32: (lo, from, to), query i sees j iff lo <= j <= i and not from <= j < to; lo never decreases, and what the gaps of
 *  two queries have in common is in those of the queries between them. Packed sequences, sliding windows and shared prefixes come in
 *  through it. Dao 2023, "FlashAttention-2", algorithm 1. */
export function attentionForward(
  stream: Stream,
  t: { q: Tensor; k: Tensor; v: Tensor; keys: Tensor; out: Tensor; lse: Tensor },
  s: AttentionSizes,
): void {
  const op = "attentionForward";
  checkAttention(op, t, s);
  checkDistinct(op, { ...t });
  if (s.tokens === 0) return;
  run(stream, "attention_forward", t, s, s.tokens * (s.heads / s.kvHeads), t.q.dtype);
}

/** Gradients dq [N, H, D], dk, dv [N, K, D], f32, overwritten. dout [N, H, D] f32; delta [H, N] f32 is workspace; queries [N, 3] u32
 *  says of keys what keys says of queries: (hi, from, to), key j is seen by i iff j <= i <= hi and not from <= i < to; hi never
 *  decreases; the rest as in {@link attentionForward}. Dao 2023, algorithm 2, as two kernels that compute the weights again, without
 *  atomics. */
export function attentionBackward(
  stream: Stream,
  t: {
    q: Tensor;
    k: Tensor;
    v: Tensor;
    out: Tensor;
    dout: Tensor;
    lse: Tensor;
    delta: Tensor;
    keys: Tensor;
    queries: Tensor;
    dq: Tensor;
    dk: Tensor;
    dv: Tensor;
  },
  s: AttentionSizes,
): void {
  const op = "attentionBackward";
  checkAttention(op, t, s);
  const { tokens, heads, kvHeads, headDim } = s;
  checkTensor(op, "dout", t.dout, ["f32"], tokens * heads * headDim);
  checkTensor(op, "delta", t.delta, ["f32"], heads * tokens);
  checkTensor(op, "queries", t.queries, ["u32"], tokens * 3);
  checkTensor(op, "dq", t.dq, ["f32"], tokens * heads * headDim);
  checkTensor(op, "dk", t.dk, ["f32"], tokens * kvHeads * headDim);
  checkTensor(op, "dv", t.dv, ["f32"], tokens * kvHeads * headDim);
  checkDistinct(op, { ...t });
  if (tokens === 0) return;
  const dtype = t.q.dtype;
  const layout = rowLayout(stream.device, headDim);
  stream.dispatch(
    stream.device.kernels.get("attention_delta", { T: dtype, ...layout }),
    { out: t.out, dout: t.dout, delta: t.delta },
    { tokens, heads, head_dim: headDim },
    rowGrid(tokens * heads, layout),
  );
  const { q, k, v, dout, lse, delta, keys, queries, dq, dk, dv } = t;
  run(
    stream,
    "attention_backward_q",
    { q, k, v, dout, lse, delta, keys, dq },
    s,
    tokens * (heads / kvHeads),
    dtype,
  );
  run(stream, "attention_backward_kv", { q, k, v, dout, lse, delta, queries, dk, dv }, s, tokens, dtype);
}

/** Dispatches one of the three big kernels over `rows` rows of each kv head, in the form for this tier. Rows of queries are
 *  (token, head of the group) pairs, so that all queries of a group share the keys that are loaded. */
function run(
  stream: Stream,
  name: string,
  tensors: Readonly<Record<string, Tensor>>,
  s: AttentionSizes,
  rows: number,
  dtype: string,
): void {
  const { device } = stream;
  const software = device.tier === "software";
  const kernel = software
    ? device.kernels.get(`${name}_software`, { LANES: device.facts.subgroupMin })
    : device.kernels.get(name, { T: dtype, DC: columnsPerThread(s.headDim) });
  const rowsPerGroup = software ? device.facts.subgroupMin * rowsPerLane : tileRows;
  stream.dispatch(
    kernel,
    tensors,
    {
      tokens: s.tokens,
      heads: s.heads,
      kv_heads: s.kvHeads,
      head_dim: s.headDim,
      scale: s.scale,
      one: 1,
    },
    [Math.ceil(rows / rowsPerGroup), s.kvHeads],
  );
}

/** Rows of a tile of the workgroup kernels, and of a lane of the software kernels: constants of the WGSL files. */
const tileRows = 32;
const rowsPerLane = 2;

/** Columns of the head that a thread of the workgroup kernels keeps: the `DC` values listed in the WGSL files. */
function columnsPerThread(headDim: number): number {
  return [1, 2, 3, 4, 5, 6, 8, 16].find((columns) => columns * 16 >= headDim)!;
}

function checkAttention(
  op: string,
  t: { q: Tensor; k: Tensor; v: Tensor; out: Tensor; lse: Tensor; keys: Tensor },
  s: AttentionSizes,
): void {
  const { tokens, heads, kvHeads, headDim } = s;
  checkSizes(op, { tokens });
  checkSizes(op, { heads, kvHeads, headDim }, 1);
  if (heads % kvHeads !== 0)
    throw new Error(`${op}: heads must be a multiple of kvHeads, got ${heads} and ${kvHeads}`);
  if (headDim > maxHeadDim) throw new Error(`${op}: headDim must be at most ${maxHeadDim}, got ${headDim}`);
  checkTensor(op, "q", t.q, operand, tokens * heads * headDim);
  checkTensor(op, "out", t.out, [t.q.dtype], tokens * heads * headDim);
  checkTensor(op, "k", t.k, [t.q.dtype], tokens * kvHeads * headDim);
  checkTensor(op, "v", t.v, [t.q.dtype], tokens * kvHeads * headDim);
  checkTensor(op, "lse", t.lse, ["f32"], heads * tokens);
  checkTensor(op, "keys", t.keys, ["u32"], tokens * 3);
}
