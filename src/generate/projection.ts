// A linear layer over the rows of a step: the base's weights once for all rows, then each adapter's delta on its own rows.
//   y = x W^T + b + s (x A^T) B^T          Hu et al. 2021, eq. 3

import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { AdapterParameters } from "../model/adapter-parameters.ts";
import { type Linear, linearForward } from "../model/linear.ts";
import type { DenseShard } from "../model/weights.ts";
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
  linearForward(stream, linear, { x, y, t: undefined }, rows.tokens, noScratch, { accumulate });
  for (const { adapter, from, count } of rows.adapters) {
    const pair = adapter.pair(linear.module);
    if (!pair) continue;
    if (!inner) throw new Error(`projection: no scratch for the adapter on ${linear.module}`);
    const { inFeatures, outFeatures } = linear;
    const { r, scale } = pair.target;
    matmul(
      stream,
      { a: x, b: pair.a, out: inner },
      { mode: "nt", m: count, n: r, k: inFeatures, alpha: scale, aOffset: from * inFeatures },
    );
    matmul(
      stream,
      { a: inner, b: pair.b, out: y },
      { mode: "nt", m: count, n: outFeatures, k: r, accumulate: true, outOffset: from * outFeatures },
    );
  }
}

/** Columns of y that a shard of a plain matrix makes: y[:, from ..] = x W^T. */
export function projectRows(
  stream: Stream,
  shard: DenseShard,
  t: { x: Tensor; y: Tensor },
  tokens: number,
  s: { inFeatures: number; stride: number },
): void {
  matmul(
    stream,
    { a: t.x, b: shard.dense, out: t.y },
    {
      mode: "nt",
      m: tokens,
      n: shard.rows,
      k: s.inFeatures,
      outOffset: shard.from,
      outStride: s.stride,
    },
  );
}
