// The end of the model, for labelled rows only: final norm, logits in chunks, loss, and the gradient back to the rows.
// No buffer of tokens x vocabulary exists.

import type { ModelConfig } from "../formats/config.ts";
import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { argmax } from "../ops/argmax.ts";
import { rmsNormWeightBackward } from "../ops/column-sums.ts";
import { crossEntropy } from "../ops/cross-entropy.ts";
import { matmul } from "../ops/matmul.ts";
import { rmsNormBackward, rmsNormForward } from "../ops/rms-norm.ts";
import { rowMean, scaleRows } from "../ops/row-factors.ts";
import { gatherRows, scatterRows } from "../ops/rows.ts";
import type { Arena } from "./arena.ts";
import type { DenseShard } from "./weights.ts";

/** The head's weights and buffers on the device. */
export interface Head {
  readonly norm: Tensor;
  /** Rows of the output embedding [V, C]. */
  readonly vocabulary: readonly DenseShard[];
  /** Gradients of both; undefined where they are frozen. */
  readonly normGradient?: Tensor | undefined;
  readonly vocabularyGradients?: readonly Tensor[] | undefined;
  /** Labelled rows of the residual stream [R, C]. */
  readonly x: Tensor;
  readonly xn: Tensor;
  readonly rstd: Tensor;
  /** [chunk, V] f32; becomes its own gradient. */
  readonly logits: Tensor;
  readonly dxn: Tensor | undefined;
  readonly dx: Tensor | undefined;
  /** Labelled rows of the micro-batch [R]. */
  readonly rows: Tensor;
  /** What they must predict, the factor of each one's gradient, and each one's loss, over an accumulation window. */
  readonly targets: Tensor;
  readonly weights: Tensor;
  readonly loss: Tensor;
  /** Each row's mean logit, over the window too, and the factor of its gradient [R]; only for a loss over sequences. */
  readonly meanLogits: Tensor | undefined;
  readonly factors: Tensor | undefined;
  /** Likeliest token of each row and its log-probability's bits [R, 2]; only where the base is kept. */
  readonly likeliest: Tensor | undefined;
}

/** Makes the head's buffers of a plan. */
export function takeHead(arena: Arena, norm: Tensor, vocabulary: readonly DenseShard[]): Head {
  const maybe = (label: string) => (arena.has(label) ? arena.take(label) : undefined);
  return {
    norm,
    vocabulary,
    x: arena.take("head_x"),
    xn: arena.take("head_xn"),
    rstd: arena.take("head_rstd"),
    logits: arena.take("logits"),
    dxn: maybe("head_dxn"),
    dx: maybe("head_dx"),
    rows: arena.take("rows"),
    targets: arena.take("targets"),
    weights: arena.take("weights"),
    loss: arena.take("loss"),
    meanLogits: maybe("mean_logits"),
    factors: maybe("row_factors"),
    likeliest: maybe("likeliest"),
  };
}

/** Gathers rows of the residual stream and norms them into `head.xn`. */
export function headNorm(stream: Stream, head: Head, config: ModelConfig, x: Tensor, rows: number): void {
  const { hiddenSize: columns, rmsNormEps: eps } = config;
  gatherRows(stream, { x, index: head.rows, out: head.x }, { rows, columns, indexOffset: 0 });
  rmsNormForward(
    stream,
    { x: head.x, weight: head.norm, y: head.xn, rstd: head.rstd },
    { rows, columns, eps },
  );
}

/** Logits of rows [from, from + rows) of `head.xn`. */
export function headLogits(
  stream: Stream,
  head: Head,
  config: ModelConfig,
  from: number,
  rows: number,
): void {
  for (const shard of head.vocabulary)
    matmul(
      stream,
      { a: head.xn, b: shard.dense, out: head.logits },
      {
        mode: "nt",
        m: rows,
        n: shard.rows,
        k: config.hiddenSize,
        aOffset: from * config.hiddenSize,
        outOffset: shard.from,
        outStride: config.vocab,
      },
    );
}

/** Rows of logits that exist at once. */
export function chunkRows(head: Head): number {
  return head.logits.shape[0]!;
}

/** Likeliest next token after each of the first `rows` of `head.rows`, of what the last layer left in `x`: pairs (id, bits of its
 *  log-probability) [rows, 2]. */
export function headLikeliest(
  stream: Stream,
  head: Head,
  config: ModelConfig,
  t: { x: Tensor; ids: Tensor; positions: Tensor },
  rows: number,
): Tensor {
  if (!head.likeliest) throw new Error("head: loaded without keepBase: true");
  const { vocab } = config;
  headNorm(stream, head, config, t.x, rows);
  for (let at = 0; at < rows; at += chunkRows(head)) {
    const count = Math.min(chunkRows(head), rows - at);
    headLogits(stream, head, config, at, count);
    const { ids, positions } = t;
    argmax(
      stream,
      { logits: head.logits, result: head.likeliest, ids, positions },
      { first: 0, rows: count, vocab, stride: vocab, at, advance: false },
    );
  }
  return head.likeliest.view(0, [rows, 2]);
}

/** Losses of all labelled rows into `head.loss` from `offset` on, and their mean logits beside them where there is a place;
 *  with `gradient`, also the gradient of the normed rows, for {@link headBackward}. */
export function headLoss(
  stream: Stream,
  head: Head,
  config: ModelConfig,
  x: Tensor,
  s: { rows: number; offset: number; gradient: boolean },
): void {
  const { hiddenSize: columns, vocab } = config;
  const { rows, offset } = s;
  headNorm(stream, head, config, x, rows);
  for (let from = 0; from < rows; from += chunkRows(head)) {
    const count = Math.min(chunkRows(head), rows - from);
    headLogits(stream, head, config, from, count);
    if (head.meanLogits)
      rowMean(
        stream,
        { x: head.logits, mean: head.meanLogits },
        { rows: count, columns: vocab, rowOffset: offset + from },
      );
    crossEntropy(
      stream,
      { logits: head.logits, targets: head.targets, weights: head.weights, loss: head.loss },
      { rows: count, vocab, rowOffset: offset + from, gradient: s.gradient },
    );
    if (!s.gradient || !head.dxn) continue;
    vocabularyBackward(stream, head, config, from, count);
    for (const shard of head.vocabulary)
      matmul(
        stream,
        { a: head.logits, b: shard.dense, out: head.dxn },
        {
          mode: "nn",
          m: count,
          n: columns,
          k: shard.rows,
          aOffset: shard.from,
          aStride: vocab,
          outOffset: from * columns,
          accumulate: shard.from > 0,
        },
      );
  }
}

/** Adds to the gradient of the output embedding, where it is trained: of rows [from, from + rows), whose logits became their own
 *  gradient. */
function vocabularyBackward(
  stream: Stream,
  head: Head,
  { hiddenSize: columns, vocab }: ModelConfig,
  from: number,
  rows: number,
): void {
  head.vocabularyGradients?.forEach((out, i) => {
    const shard = head.vocabulary[i]!;
    const sizes = { m: shard.rows, n: columns, k: rows, accumulate: true };
    matmul(
      stream,
      { a: head.logits, b: head.xn, out },
      { mode: "tn", ...sizes, aOffset: shard.from, aStride: vocab, bOffset: from * columns },
    );
  });
}

/** From what {@link headLoss} left to the gradient `dx` [N, C] of the residual stream, zero outside the labelled rows; with
 *  `scaled`, each row's times its entry of `head.factors`. */
export function headBackward(
  stream: Stream,
  head: Head,
  config: ModelConfig,
  dx: Tensor,
  s: { tokens: number; rows: number; scaled: boolean },
): void {
  const { hiddenSize: columns } = config;
  const { tokens, rows } = s;
  if (!head.dxn || !head.dx) throw new Error("head: loaded without train: true");
  if (s.scaled) {
    if (!head.factors) throw new Error("head: loaded without sequenceLoss: true");
    if (head.vocabularyGradients) throw new Error("head: its weights cannot be trained by a sequence loss");
    scaleRows(stream, { x: head.dxn, factors: head.factors }, { rows, columns });
  }
  if (head.normGradient) {
    const t = { dy: head.dxn, x: head.x, rstd: head.rstd, dweight: head.normGradient };
    rmsNormWeightBackward(stream, t, { rows, columns });
  }
  stream.clear(dx, tokens * columns * 4);
  rmsNormBackward(
    stream,
    { dy: head.dxn, x: head.x, weight: head.norm, rstd: head.rstd, dx: head.dx },
    { rows, columns, accumulate: false },
  );
  scatterRows(stream, { x: head.dx, index: head.rows, out: dx }, { rows, columns, indexOffset: 0 });
}
