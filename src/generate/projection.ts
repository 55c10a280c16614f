// A linear layer over the rows of a step: the base's weights once for all rows, then each adapter's delta on its own rows.
//   y = x W^T + b + s (x A^T) B^T          Hu et al. 2021, eq. 3
// A few rows read each weight once as it lies; many rows go the way that training goes.

import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { AdapterParameters } from "../model/adapter-parameters.ts";
import { type Linear, linearForward } from "../model/linear.ts";
import type { WeightShard } from "../model/weights.ts";
import { addBias } from "../ops/add.ts";
import { type GemvSizes, gemv, gemv4bit, suitsGemv } from "../ops/gemv.ts";
import { matmul } from "../ops/matmul.ts";

/** Rows of a step that one adapter answers. */
export interface AdapterRows {
  readonly adapter: AdapterParameters;
  readonly from: number;
  readonly count: number;
}

const noScratch = { dt: undefined, dropped: undefined, dDropped: undefined };

/** y = linear(x), or y += linear(x). x [N, in], y [N, out]; inner [N, R] f32 is scratch. */
export function project(
  stream: Stream,
  linear: Linear,
  t: { x: Tensor; y: Tensor; inner: Tensor | undefined },
  rows: { tokens: number; adapters: readonly AdapterRows[] },
  accumulate: boolean,
): void {
  const { x, y, inner } = t;
  const { inFeatures, outFeatures, biasVector } = linear;
  const sizes = { m: rows.tokens, n: outFeatures, k: inFeatures, accumulate };
  if (linear.shards.every((shard) => suitsGemv(stream, sizes, !("dense" in shard)))) {
    for (const shard of linear.shards) fewRows(stream, shard, { x, y }, { ...sizes, outStride: outFeatures });
    if (biasVector) addBias(stream, { x: y, bias: biasVector }, { rows: rows.tokens, columns: outFeatures });
  } else linearForward(stream, linear, { x, y, t: undefined }, rows.tokens, noScratch, { accumulate });
  for (const { adapter, from, count } of rows.adapters) {
    const pair = adapter.pair(linear.module);
    if (!pair) continue;
    if (!inner) throw new Error(`projection: no scratch for the adapter on ${linear.module}`);
    const { r, scale } = pair.target;
    const first = { m: count, n: r, k: inFeatures, alpha: scale, xOffset: from * inFeatures };
    product(stream, { x, w: pair.a, out: inner }, first);
    const second = { m: count, n: outFeatures, k: r, accumulate: true, outOffset: from * outFeatures };
    product(stream, { x: inner, w: pair.b, out: y }, second);
  }
}

/** Columns of y that a shard of a matrix makes, y[:, from ..] = x W^T; `n` of the sizes is not read. */
export function projectShard(
  stream: Stream,
  shard: WeightShard & { dense: Tensor },
  t: { x: Tensor; y: Tensor },
  s: Omit<GemvSizes, "n">,
): void {
  const sizes = { ...s, n: shard.rows, outOffset: shard.from };
  product(stream, { x: t.x, w: shard.dense, out: t.y }, sizes);
}

function fewRows(stream: Stream, shard: WeightShard, { x, y }: { x: Tensor; y: Tensor }, s: GemvSizes): void {
  const sizes = { ...s, n: shard.rows, outOffset: shard.from };
  if ("dense" in shard) gemv(stream, { x, w: shard.dense, out: y }, sizes);
  else gemv4bit(stream, { x, out: y }, shard, sizes);
}

function product(stream: Stream, t: { x: Tensor; w: Tensor; out: Tensor }, s: GemvSizes): void {
  if (suitsGemv(stream, s)) {
    gemv(stream, t, s);
    return;
  }
  const { xOffset: aOffset = 0, ...sizes } = s;
  matmul(stream, { a: t.x, b: t.w, out: t.out }, { mode: "nt", aOffset, ...sizes });
}
