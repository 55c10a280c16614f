// One linear layer, its LoRA, and both their gradients, over however many row shards its weight has.
//   y = x W^T + b + (drop(x) A^T) s B^T          Hu et al. 2021, eq. 3; dropout as in PEFT, on the LoRA branch alone
// x [N, in] T   W [out, in]   A [R, in] f32   B [out, R] f32   t = s drop(x) A^T [N, R] f32, kept for the backward pass

import type { LinearName } from "../formats/tensor-names.ts";
import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { addBias } from "../ops/add.ts";
import { columnSum } from "../ops/column-sums.ts";
import { dropout, dropoutAdd } from "../ops/dropout.ts";
import { matmul } from "../ops/matmul.ts";
import { dequantise4bit } from "../ops/quant.ts";
import type { LoraPair } from "./adapter-parameters.ts";
import type { LinearShape } from "./shapes.ts";
import type { WeightShard } from "./weights.ts";

/** One linear layer on the device. */
export interface Linear extends LinearShape {
  readonly shards: readonly WeightShard[];
  readonly biasVector: Tensor | undefined;
  readonly lora: LoraPair | undefined;
  /** B's rows of each shard, made once. */
  readonly loraB: readonly Tensor[];
  /** Gradient of each shard, and of the bias; undefined where they are frozen. */
  readonly weightGradients: readonly Tensor[] | undefined;
  readonly biasGradient: Tensor | undefined;
}

/** LoRA dropout of one micro-batch; the same numbers give the same mask in forward, recomputation and backward. */
export interface DropoutState {
  readonly probability: number;
  readonly seed: number;
  readonly salt: number;
}

/** Scratch that every linear layer shares; `dt` only when training, the others only with dropout. */
export interface LinearScratch {
  readonly dt: Tensor | undefined;
  readonly dropped: Tensor | undefined;
  readonly dDropped: Tensor | undefined;
}

const linearIndex: Record<LinearName, number> = {
  q_proj: 0,
  k_proj: 1,
  v_proj: 2,
  o_proj: 3,
  gate_proj: 4,
  up_proj: 5,
  down_proj: 6,
};

/** A layer's share of a micro-batch's random numbers. */
function saltOf(linear: Linear, state: DropoutState): number {
  return (Math.imul(state.salt, 0x9e3779b1) + linear.layer * 7 + linearIndex[linear.name]) >>> 0;
}

/** The weight of a shard as a matrix: itself, or dequantised into the shared scratch; not even that where the rows that it is
 *  `needed` for are a segment without any. */
export function denseWeight(
  stream: Stream,
  shard: WeightShard,
  needed: { segments?: Tensor; segment?: number } = {},
): Tensor {
  if ("dense" in shard) return shard.dense;
  const { packed, absmax, table, scratch, block, roundTo } = shard;
  const { segments, segment = 0 } = needed;
  const sizes = { count: scratch.length, block, roundTo, segment };
  dequantise4bit(stream, { packed, absmax, table, out: scratch, segments }, sizes);
  return scratch;
}

/** drop(x), or x itself where there is nothing to drop. */
function dropInput(
  stream: Stream,
  linear: Linear,
  x: Tensor,
  tokens: number,
  scratch: LinearScratch,
  state: DropoutState | undefined,
): Tensor {
  if (!state?.probability || !scratch.dropped) return x;
  const { probability, seed } = state;
  const count = tokens * linear.inFeatures;
  dropout(stream, { x, y: scratch.dropped }, { count, probability, seed, salt: saltOf(linear, state) });
  return scratch.dropped;
}

/** t = s drop(x) A^T, all that the backward pass needs of a LoRA branch. Nothing where there is none. */
export function loraInner(
  stream: Stream,
  linear: Linear,
  { x, t }: { x: Tensor; t: Tensor | undefined },
  tokens: number,
  scratch: LinearScratch,
  state: DropoutState | undefined,
): void {
  if (!linear.lora || !t) return;
  const { r, scale } = linear.lora.target;
  const input = dropInput(stream, linear, x, tokens, scratch, state);
  matmul(
    stream,
    { a: input, b: linear.lora.a, out: t },
    { mode: "nt", m: tokens, n: r, k: linear.inFeatures, alpha: scale },
  );
}

/** y = x W^T + b + LoRA, or y += with `accumulate`. `t` takes the LoRA branch's inner values. */
export function linearForward(
  stream: Stream,
  linear: Linear,
  tensors: { x: Tensor; y: Tensor; t: Tensor | undefined },
  tokens: number,
  scratch: LinearScratch,
  options: { accumulate?: boolean; dropout?: DropoutState | undefined } = {},
): void {
  const { x, y, t } = tensors;
  const { inFeatures, outFeatures, lora } = linear;
  loraInner(stream, linear, { x, t }, tokens, scratch, options.dropout);
  linear.shards.forEach((shard, i) => {
    const extra = lora && t ? { extraA: t, extraB: linear.loraB[i]! } : {};
    matmul(
      stream,
      { a: x, b: denseWeight(stream, shard), out: y, ...extra },
      {
        mode: "nt",
        m: tokens,
        n: shard.rows,
        k: inFeatures,
        accumulate: options.accumulate ?? false,
        outOffset: shard.from,
        outStride: outFeatures,
        extraK: lora && t ? lora.target.r : 0,
      },
    );
  });
  if (linear.biasVector)
    addBias(stream, { x: y, bias: linear.biasVector }, { rows: tokens, columns: outFeatures });
}

/** dW += dy^T x and db += sum of dy, where they are trained. */
function weightBackward(stream: Stream, linear: Linear, dy: Tensor, x: Tensor, tokens: number): void {
  const { inFeatures, outFeatures, weightGradients, biasGradient } = linear;
  weightGradients?.forEach((out, i) => {
    const { from, rows } = linear.shards[i]!;
    const places = { aOffset: from, aStride: outFeatures, accumulate: true };
    matmul(stream, { a: dy, b: x, out }, { mode: "tn", m: rows, n: inFeatures, k: tokens, ...places });
  });
  if (biasGradient) columnSum(stream, { x: dy, y: biasGradient }, { rows: tokens, columns: outFeatures });
}

/** Adds to the gradients of what is trained, and writes (or adds to) dx unless it is left out.
 *  dt = s dy B,  dB += dy^T t,  dA += dt^T drop(x),  dW += dy^T x,  db += sum of dy,  dx = dy W + drop'(dt A). */
export function linearBackward(
  stream: Stream,
  linear: Linear,
  tensors: { dy: Tensor; x: Tensor; t: Tensor | undefined; dx: Tensor | undefined },
  tokens: number,
  scratch: LinearScratch,
  options: { accumulate?: boolean; dropout?: DropoutState | undefined } = {},
): void {
  const { dy, x, t, dx } = tensors;
  const { inFeatures, outFeatures, lora } = linear;
  const dt = scratch.dt;
  const dropped = (options.dropout?.probability ?? 0) > 0;
  weightBackward(stream, linear, dy, x, tokens);
  if (lora && dt && (lora.da || dx)) {
    const { r, scale } = lora.target;
    matmul(
      stream,
      { a: dy, b: lora.b, out: dt },
      { mode: "nn", m: tokens, n: r, k: outFeatures, alpha: scale },
    );
  }
  if (lora?.da && lora.db && t && dt) {
    const { r } = lora.target;
    matmul(
      stream,
      { a: dy, b: t, out: lora.db },
      { mode: "tn", m: outFeatures, n: r, k: tokens, accumulate: true },
    );
    const input = dropInput(stream, linear, x, tokens, scratch, options.dropout);
    matmul(
      stream,
      { a: dt, b: input, out: lora.da },
      { mode: "tn", m: r, n: inFeatures, k: tokens, accumulate: true },
    );
  }
  if (!dx) return;
  linear.shards.forEach((shard, i) => {
    const fused = i === 0 && lora && dt && !dropped;
    matmul(
      stream,
      { a: dy, b: denseWeight(stream, shard), out: dx, ...(fused ? { extraA: dt, extraB: lora.a } : {}) },
      {
        mode: "nn",
        m: tokens,
        n: inFeatures,
        k: shard.rows,
        aOffset: shard.from,
        aStride: outFeatures,
        accumulate: (options.accumulate ?? false) || i > 0,
        extraK: fused ? lora.target.r : 0,
      },
    );
  });
  if (lora && dt && dropped && scratch.dDropped && options.dropout) {
    const { probability, seed } = options.dropout;
    const branch = scratch.dDropped;
    matmul(
      stream,
      { a: dt, b: lora.a, out: branch },
      { mode: "nn", m: tokens, n: inFeatures, k: lora.target.r },
    );
    const count = tokens * inFeatures;
    dropoutAdd(
      stream,
      { x: branch, y: dx },
      { count, probability, seed, salt: saltOf(linear, options.dropout) },
    );
  }
}
