// One decoder layer of the Llama family, forward and backward side by side.
//   x2 = x + o(attention(rope(q(n1 x)), rope(k(n1 x)), v(n1 x)))      Qwen3: q and k are normed per head before the rotation
//   y  = x2 + down(silu(gate(n2 x2)) * up(n2 x2))                     Mixtral: experts instead, in moe.ts
// Frozen weights get no gradient; what flows is dx, LoRA's dA and dB, and the gradients of weights that are trained.

import type { ModelConfig } from "../formats/config.ts";
import type { AttentionName, LinearName } from "../formats/tensor-names.ts";
import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { attentionBackward, attentionForward } from "../ops/attention.ts";
import { rmsNormWeightBackward } from "../ops/column-sums.ts";
import { rmsNormBackward, rmsNormForward } from "../ops/rms-norm.ts";
import { rope } from "../ops/rope.ts";
import { swigluBackward, swigluForward } from "../ops/swiglu.ts";
import type { Activations, BackwardWorking, Working } from "./activations.ts";
import { type DropoutState, type Linear, linearBackward, linearForward, loraInner } from "./linear.ts";
import { type MoeBlock, type MoeSizes, type MoeTensors, moeBackward, moeForward } from "./moe.ts";

/** A layer's weights on the device: seven linear layers, or those of the attention beside experts. */
export type DecoderLayer = LayerNorms &
  (
    | { readonly linear: Readonly<Record<LinearName, Linear>>; readonly moe: undefined }
    | { readonly linear: Readonly<Record<AttentionName, Linear>>; readonly moe: MoeBlock }
  );

interface LayerNorms {
  readonly index: number;
  readonly inputNorm: Tensor;
  readonly postAttentionNorm: Tensor;
  readonly qNorm: Tensor | undefined;
  readonly kNorm: Tensor | undefined;
  /** Gradients of the norms' weights; of those that are trained. */
  readonly normGradients: Readonly<
    Partial<Record<"input" | "postAttention" | "q" | "k", Tensor | undefined>>
  >;
}

/** What every layer of a micro-batch reads. */
export interface LayerContext {
  readonly config: ModelConfig;
  readonly tokens: number;
  readonly positions: Tensor;
  readonly cos: Tensor;
  readonly sin: Tensor;
  /** First key that each query sees, and last query that sees each key, under this layer's window. */
  readonly keys: Tensor;
  readonly queries: Tensor;
  readonly dropout: DropoutState | undefined;
  readonly working: Working;
}

/** y = layer(x). Fills `kept`. x and y [N, C] f32. Without y, stops where backward has all it needs. */
export function layerForward(
  stream: Stream,
  layer: DecoderLayer,
  tensors: { x: Tensor; y: Tensor | undefined },
  kept: Activations,
  context: LayerContext,
): void {
  const { config, tokens, working, dropout } = context;
  const { hiddenSize: columns, rmsNormEps: eps } = config;
  const { x, y } = tensors;
  const run = (linear: Linear, input: Tensor, output: Tensor, accumulate = false) =>
    linearForward(stream, linear, { x: input, y: output, t: kept.t[linear.name] }, tokens, working.linear, {
      accumulate,
      dropout,
    });
  const project = (name: AttentionName, input: Tensor, output: Tensor, accumulate = false) =>
    run(layer.linear[name], input, output, accumulate);
  rmsNormForward(
    stream,
    { x, weight: layer.inputNorm, y: kept.xn1, rstd: kept.rstd1 },
    { rows: tokens, columns, eps },
  );
  queryOrKey(stream, "q", layer, kept, context, project);
  queryOrKey(stream, "k", layer, kept, context, project);
  project("v_proj", kept.xn1, kept.v);
  attentionForward(
    stream,
    { q: kept.q, k: kept.k, v: kept.v, keys: context.keys, out: kept.attention, lse: kept.lse },
    attentionSizes(context),
  );
  stream.copy(x, kept.x2, tokens * columns * 4);
  project("o_proj", kept.attention, kept.x2, true);
  rmsNormForward(
    stream,
    { x: kept.x2, weight: layer.postAttentionNorm, y: kept.xn2, rstd: kept.rstd2 },
    { rows: tokens, columns, eps },
  );
  if (layer.moe) {
    if (y) stream.copy(kept.x2, y, tokens * columns * 4);
    moeForward(stream, layer.moe, { x: kept.xn2, y }, moeTensors(kept, working), moeSizes(context));
    return;
  }
  const { gate_proj: gate, up_proj: up, down_proj: down } = layer.linear;
  run(gate, kept.xn2, kept.gate);
  run(up, kept.xn2, kept.up);
  swigluForward(stream, { gate: kept.gate, up: kept.up, h: working.h }, { count: tokens * config.ffn });
  if (!y) {
    const inner = { x: working.h, t: kept.t.down_proj };
    loraInner(stream, down, inner, tokens, working.linear, dropout);
    return;
  }
  stream.copy(kept.x2, y, tokens * columns * 4);
  run(down, working.h, y, true);
}

/** Projects, norms where the family does, and rotates queries or keys. */
function queryOrKey(
  stream: Stream,
  which: "q" | "k",
  layer: DecoderLayer,
  kept: Activations,
  { config, tokens, positions, cos, sin, working }: LayerContext,
  project: (name: AttentionName, input: Tensor, output: Tensor) => void,
): void {
  const { headDim, rmsNormEps: eps } = config;
  const [heads, out, scratch, pre, rstd, weight] =
    which === "q"
      ? ([config.heads, kept.q, working.qF32, kept.qPre, kept.rstdQ, layer.qNorm] as const)
      : ([config.kvHeads, kept.k, working.kF32, kept.kPre, kept.rstdK, layer.kNorm] as const);
  const flat = scratch ?? out;
  project(`${which}_proj`, kept.xn1, pre ?? flat);
  if (pre && rstd && weight)
    rmsNormForward(
      stream,
      { x: pre, weight, y: flat, rstd },
      { rows: tokens * heads, columns: headDim, eps },
    );
  rope(stream, { x: flat, y: out, positions, cos, sin }, { tokens, heads, headDim, inverse: false });
}

/** Turns the gradient of y in `working.backward.dx` into that of x, in place, and adds to the gradients of what is trained.
 *  @param needInput false below which nothing trains: then the gradient of x is not computed. */
export function layerBackward(
  stream: Stream,
  layer: DecoderLayer,
  x: Tensor,
  kept: Activations,
  context: LayerContext,
  grads: BackwardWorking,
  needInput: boolean,
): void {
  const { config, tokens, working, dropout } = context;
  const { hiddenSize: columns, ffn } = config;
  const run = (linear: Linear, dy: Tensor, input: Tensor, dx: Tensor | undefined, accumulate = false) =>
    linearBackward(stream, linear, { dy, x: input, t: kept.t[linear.name], dx }, tokens, working.linear, {
      accumulate,
      dropout,
    });
  const back = (name: AttentionName, dy: Tensor, input: Tensor, dx: Tensor | undefined, accumulate = false) =>
    run(layer.linear[name], dy, input, dx, accumulate);
  if (layer.moe) {
    const tensors = { dy: grads.dx, x: kept.xn2, dx: grads.dxn };
    const { dweights } = grads;
    if (!dweights) throw new Error("layer: experts planned without gradients of their weights");
    const inner = moeTensors(kept, working);
    moeBackward(stream, layer.moe, tensors, inner, { ...grads, dweights }, moeSizes(context));
  } else {
    const { gate_proj: gate, up_proj: up, down_proj: down } = layer.linear;
    // down's dA needs h, which is cheaper to compute again than to keep.
    swigluForward(stream, { gate: kept.gate, up: kept.up, h: working.h }, { count: tokens * ffn });
    run(down, grads.dx, working.h, grads.dh);
    swigluBackward(
      stream,
      { gate: kept.gate, up: kept.up, dh: grads.dh, dgate: grads.dgate, dup: grads.dup },
      { count: tokens * ffn },
    );
    run(gate, grads.dgate, kept.xn2, grads.dxn);
    run(up, grads.dup, kept.xn2, grads.dxn, true);
  }
  normWeightBackward(
    stream,
    { dy: grads.dxn, x: kept.x2, rstd: kept.rstd2, dweight: layer.normGradients.postAttention },
    { rows: tokens, columns },
  );
  rmsNormBackward(
    stream,
    { dy: grads.dxn, x: kept.x2, weight: layer.postAttentionNorm, rstd: kept.rstd2, dx: grads.dx },
    { rows: tokens, columns, accumulate: true },
  );
  back("o_proj", grads.dx, kept.attention, grads.dattention);
  attentionBackward(
    stream,
    {
      q: kept.q,
      k: kept.k,
      v: kept.v,
      out: kept.attention,
      dout: grads.dattention,
      lse: kept.lse,
      delta: grads.delta,
      keys: context.keys,
      queries: context.queries,
      dq: grads.dq,
      dk: grads.dk,
      dv: grads.dv,
    },
    attentionSizes(context),
  );
  queryOrKeyBackward(stream, "q", layer, kept, context, grads.dq);
  queryOrKeyBackward(stream, "k", layer, kept, context, grads.dk);
  const dxn = needInput || layer.normGradients.input ? grads.dxn : undefined;
  back("q_proj", grads.dq, kept.xn1, dxn);
  back("k_proj", grads.dk, kept.xn1, dxn, true);
  back("v_proj", grads.dv, kept.xn1, dxn, true);
  normWeightBackward(
    stream,
    { dy: grads.dxn, x, rstd: kept.rstd1, dweight: layer.normGradients.input },
    { rows: tokens, columns },
  );
  if (needInput)
    rmsNormBackward(
      stream,
      { dy: grads.dxn, x, weight: layer.inputNorm, rstd: kept.rstd1, dx: grads.dx },
      { rows: tokens, columns, accumulate: true },
    );
}

/** Undoes the rotation and the norm of {@link queryOrKey}: turns the gradient `d` into that of the projection's output, in place. */
function queryOrKeyBackward(
  stream: Stream,
  which: "q" | "k",
  layer: DecoderLayer,
  kept: Activations,
  { config, tokens, positions, cos, sin }: LayerContext,
  d: Tensor,
): void {
  const { headDim } = config;
  const [heads, pre, rstd, weight] =
    which === "q"
      ? ([config.heads, kept.qPre, kept.rstdQ, layer.qNorm] as const)
      : ([config.kvHeads, kept.kPre, kept.rstdK, layer.kNorm] as const);
  rope(stream, { x: d, y: d, positions, cos, sin }, { tokens, heads, headDim, inverse: true });
  if (!pre || !rstd || !weight) return;
  const rows = tokens * heads;
  const dweight = layer.normGradients[which];
  normWeightBackward(stream, { dy: d, x: pre, rstd, dweight }, { rows, columns: headDim });
  rmsNormBackward(
    stream,
    { dy: d, x: pre, weight, rstd, dx: d },
    { rows, columns: headDim, accumulate: false },
  );
}

/** The experts' part of what a layer keeps and works in. */
function moeTensors({ routing, gate, up }: Activations, { h, moe }: Working): MoeTensors {
  if (!routing || !moe) throw new Error("layer: planned without experts");
  return { routing, gate, up, h, ...moe };
}

function moeSizes({ config, tokens }: LayerContext): MoeSizes {
  const { hiddenSize, ffn, moe } = config;
  if (!moe) throw new Error("layer: experts without their numbers");
  return { tokens, hiddenSize, ffn, moe };
}

/** Adds to the gradient of a norm's weight, where it is trained. */
function normWeightBackward(
  stream: Stream,
  { dweight, ...t }: { dy: Tensor; x: Tensor; rstd: Tensor; dweight: Tensor | undefined },
  s: { rows: number; columns: number },
): void {
  if (dweight) rmsNormWeightBackward(stream, { ...t, dweight }, s);
}

function attentionSizes({ config, tokens }: LayerContext) {
  const { heads, kvHeads, headDim } = config;
  return { tokens, heads, kvHeads, headDim, scale: 1 / Math.sqrt(headDim) };
}
