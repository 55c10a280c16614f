// A mixture of experts in place of a layer's feed-forward block, forward and backward side by side: Jiang et al. 2024 (Mixtral), 2.1.
//   y += sum over a token's K experts of w_e down_e(silu(gate_e x) * up_e x),   w = softmax of the K largest of x R^T
// The device decides who gets which token, and the host never waits for it: rows are sorted by expert, and each expert's products
// run over the rows of its segment, with workgroups for the most that it could have.

import type { MixtureOfExperts } from "../formats/config.ts";
import type { MlpName } from "../formats/tensor-names.ts";
import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { gemv, gemv4bit, suitsGemv } from "../ops/gemv.ts";
import { matmul } from "../ops/matmul.ts";
import {
  moeCombine,
  moeRoute,
  moeRouteBackward,
  moeWeighRows,
  moeWeightBackward,
  type Routing,
} from "../ops/moe.ts";
import { gatherRows } from "../ops/rows.ts";
import { swigluBackward, swigluForward } from "../ops/swiglu.ts";
import { denseWeight, type Linear } from "./linear.ts";

/** A layer's experts on the device. */
export interface MoeBlock {
  /** R [E, C] f32 in every tier: a rounded weight could send a token elsewhere. */
  readonly router: Tensor;
  /** Where the gradient of `router` is added up [E, C] f32; absent when it is not trained. */
  readonly routerGradient: Tensor | undefined;
  readonly experts: readonly Readonly<Record<MlpName, Linear>>[];
}

/** Tensors of the forward pass; M = N K rows sorted by expert. */
export interface MoeTensors {
  readonly routing: Routing;
  /** [N, E] f32; the backward pass writes its gradient here. */
  readonly logits: Tensor;
  /** Each row's token [M, C]. */
  readonly rows: Tensor;
  /** [M, F]. */
  readonly gate: Tensor;
  readonly up: Tensor;
  readonly h: Tensor;
  /** Each row's output, and in the backward pass gradients of rows [M, C] f32. */
  readonly outputs: Tensor;
}

/** Gradients of the backward pass, f32; M rows of F but for `dweights` [N, K]. */
export interface MoeGradients {
  readonly dh: Tensor;
  readonly dgate: Tensor;
  readonly dup: Tensor;
  readonly dweights: Tensor;
}

/** What a block is and how many tokens it gets. */
export interface MoeSizes {
  readonly tokens: number;
  readonly hiddenSize: number;
  /** Of one expert. */
  readonly ffn: number;
  readonly moe: MixtureOfExperts;
}

/** y += experts(x). x [N, C] normed, y [N, C] f32. Without y, stops where backward has all it needs. */
export function moeForward(
  stream: Stream,
  block: MoeBlock,
  { x, y }: { x: Tensor; y: Tensor | undefined },
  t: MoeTensors,
  { tokens, hiddenSize, ffn, moe }: MoeSizes,
): void {
  const { experts, topk } = moe;
  const { routing } = t;
  const router = { m: tokens, n: experts, k: hiddenSize };
  if (suitsGemv(stream, router)) gemv(stream, { x, w: block.router, out: t.logits }, router);
  else matmul(stream, { a: x, b: block.router, out: t.logits }, { mode: "nt", ...router });
  moeRoute(stream, { ...routing, logits: t.logits }, { tokens, experts, topk });
  const rows = tokens * topk;
  gatherRows(stream, { x, index: routing.rows, out: t.rows }, { rows, columns: hiddenSize, indexOffset: 0 });
  const project = (name: MlpName, a: Tensor, out: Tensor) =>
    block.experts.forEach((expert, segment) => {
      expertForward(stream, expert[name], { a, out }, { tokens, segments: routing.segments, segment });
    });
  project("gate_proj", t.rows, t.gate);
  project("up_proj", t.rows, t.up);
  if (!y) return;
  swigluForward(stream, { gate: t.gate, up: t.up, h: t.h }, { count: rows * ffn });
  project("down_proj", t.h, t.outputs);
  moeCombine(
    stream,
    { ...routing, y: t.outputs, out: y },
    { tokens, columns: hiddenSize, topk, weighted: true, accumulate: true },
  );
}

/** From the gradient `dy` of what {@link moeForward} added to, to that of its input `dx`, both [N, C] f32; adds to those of the
 *  router and the experts that are trained. */
export function moeBackward(
  stream: Stream,
  block: MoeBlock,
  { dy, x, dx }: { dy: Tensor; x: Tensor; dx: Tensor },
  t: MoeTensors,
  g: MoeGradients,
  { tokens, hiddenSize, ffn, moe }: MoeSizes,
): void {
  const { experts, topk } = moe;
  const { routing } = t;
  const rows = tokens * topk;
  const back = (name: MlpName, a: Tensor, out: Tensor, accumulate = false) =>
    block.experts.forEach((expert, segment) => {
      const place = { tokens, segments: routing.segments, segment };
      expertBackward(stream, expert[name], { a, out }, place, accumulate);
    });
  swigluForward(stream, { gate: t.gate, up: t.up, h: t.h }, { count: rows * ffn });
  gatherRows(
    stream,
    { x: dy, index: routing.rows, out: t.outputs },
    { rows, columns: hiddenSize, indexOffset: 0 },
  );
  back("down_proj", t.outputs, g.dh);
  const trained = block.experts.some((expert) => Object.values(expert).some((one) => one.weightGradients));
  const weights = (name: MlpName, dy: Tensor, input: Tensor) =>
    block.experts.forEach((expert, segment) => {
      const place = { tokens, segments: routing.segments, segment };
      expertWeightBackward(stream, expert[name], { dy, x: input }, place);
    });
  if (trained) {
    moeWeighRows(stream, { ...routing, x: t.outputs }, { entries: rows, columns: hiddenSize });
    weights("down_proj", t.outputs, t.h);
  }
  moeWeightBackward(
    stream,
    { ...routing, h: t.h, dh: g.dh, dweights: g.dweights },
    { entries: rows, columns: ffn },
  );
  swigluBackward(
    stream,
    { gate: t.gate, up: t.up, dh: g.dh, dgate: g.dgate, dup: g.dup },
    { count: rows * ffn },
  );
  if (trained) {
    gatherRows(
      stream,
      { x, index: routing.rows, out: t.rows },
      { rows, columns: hiddenSize, indexOffset: 0 },
    );
    weights("gate_proj", g.dgate, t.rows);
    weights("up_proj", g.dup, t.rows);
  }
  back("gate_proj", g.dgate, t.outputs);
  back("up_proj", g.dup, t.outputs, true);
  moeCombine(
    stream,
    { ...routing, y: t.outputs, out: dx },
    { tokens, columns: hiddenSize, topk, weighted: false, accumulate: false },
  );
  const dlogits = t.logits;
  moeRouteBackward(stream, { ...routing, dweights: g.dweights, dlogits }, { tokens, experts, topk });
  matmul(
    stream,
    { a: dlogits, b: block.router, out: dx },
    { mode: "nn", m: tokens, n: hiddenSize, k: experts, accumulate: true },
  );
  if (block.routerGradient)
    matmul(
      stream,
      { a: dlogits, b: x, out: block.routerGradient },
      { mode: "tn", m: experts, n: hiddenSize, k: tokens, accumulate: true },
    );
}

/** One expert's rows: at most one for each of `tokens`. */
interface ExpertPlace {
  readonly tokens: number;
  readonly segments: Tensor;
  readonly segment: number;
}

/** out = a W^T over an expert's rows. Few rows read each weight once as it lies, and none when no token came. */
function expertForward(
  stream: Stream,
  linear: Linear,
  { a, out }: { a: Tensor; out: Tensor },
  { tokens: m, segments, segment }: ExpertPlace,
): void {
  const { inFeatures: k, outFeatures: outStride } = linear;
  for (const shard of linear.shards) {
    const sizes = { m, n: shard.rows, k, outOffset: shard.from, outStride, segment };
    if (!suitsGemv(stream, sizes, !("dense" in shard))) {
      const b = denseWeight(stream, shard, { segments, segment });
      matmul(stream, { a, b, out, segments }, { mode: "nt", ...sizes });
    } else if ("dense" in shard) gemv(stream, { x: a, w: shard.dense, out, segments }, sizes);
    else gemv4bit(stream, { x: a, out, segments }, shard, sizes);
  }
}

/** out = a W over an expert's rows, or out += with `accumulate`. */
function expertBackward(
  stream: Stream,
  linear: Linear,
  { a, out }: { a: Tensor; out: Tensor },
  { tokens: m, segments, segment }: ExpertPlace,
  accumulate: boolean,
): void {
  const { inFeatures: n, outFeatures: aStride } = linear;
  linear.shards.forEach((shard, i) => {
    const b = denseWeight(stream, shard, { segments, segment });
    const sizes = { m, n, k: shard.rows, aOffset: shard.from, aStride, segment };
    matmul(stream, { a, b, out, segments }, { mode: "nn", ...sizes, accumulate: accumulate || i > 0 });
  });
}

/** dW += dy^T x over an expert's rows, where it is trained. */
function expertWeightBackward(
  stream: Stream,
  linear: Linear,
  { dy, x }: { dy: Tensor; x: Tensor },
  { tokens: k, segments, segment }: ExpertPlace,
): void {
  const { inFeatures: n, outFeatures: aStride } = linear;
  linear.weightGradients?.forEach((out, i) => {
    const { from, rows: m } = linear.shards[i]!;
    const sizes = { m, n, k, aOffset: from, aStride, accumulate: true, segment };
    matmul(stream, { a: dy, b: x, out, segments }, { mode: "tn", ...sizes });
  });
}
