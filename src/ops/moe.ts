// A mixture of experts around its products: who gets which token, rows laid out by expert, and the way back.
// N tokens, E experts, K of them a token; entry i is choice i % K of token i / K.

import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkDistinct, checkSizes, checkTensor, operand } from "./check.ts";
import { elementGrid, rowGrid, rowLayout } from "./layout.ts";

/** Where every choice of a batch lies when rows are sorted by expert. */
export interface Routing {
  /** Experts of each token, the likeliest first [N, K] u32. */
  readonly chosen: Tensor;
  /** How much each counts [N, K] f32; a token's sum to one. */
  readonly weights: Tensor;
  /** Token of each sorted row [N K] u32. */
  readonly rows: Tensor;
  /** Sorted row of each entry [N K] u32. */
  readonly places: Tensor;
  /** First sorted row and number of rows of each expert [E, 2] u32: the `segments` of a product. */
  readonly segments: Tensor;
}

/** N, E and K. */
export interface RoutingSizes {
  readonly tokens: number;
  readonly experts: number;
  readonly topk: number;
}

/** Chooses each token's experts by its logits [N, E] f32 and lays the choices out by expert. */
export function moeRoute(stream: Stream, t: Routing & { readonly logits: Tensor }, s: RoutingSizes): void {
  const op = "moeRoute";
  const { tokens, experts, topk } = s;
  const { logits, chosen, weights, rows, places, segments } = t;
  checkRouting(op, t, s);
  checkTensor(op, "logits", logits, ["f32"], tokens * experts);
  checkDistinct(op, { logits, chosen, weights, rows, places, segments });
  const { kernels } = stream.device;
  if (tokens > 0)
    stream.dispatch(kernels.get("moe_route"), { logits, chosen, weights }, { ...s }, elementGrid(tokens));
  const order = { entries: tokens * topk, topk };
  stream.dispatch(kernels.get("moe_sort"), { chosen, rows, places, segments }, order, [experts]);
}

/** out[t] = Σ_j w y[places[t, j]], or out[t] += with `accumulate`; w is the routing's weight, or 1 unless `weighted`.
 *  y [N K, columns] and out [N, columns] f32. */
export function moeCombine(
  stream: Stream,
  t: Pick<Routing, "places" | "weights"> & { readonly y: Tensor; readonly out: Tensor },
  s: { tokens: number; columns: number; topk: number; weighted: boolean; accumulate: boolean },
): void {
  const op = "moeCombine";
  const { tokens, columns, topk } = s;
  const { y, places, weights, out } = t;
  checkSizes(op, { tokens, columns });
  checkSizes(op, { topk }, 1);
  checkTensor(op, "y", y, ["f32"], tokens * topk * columns);
  checkTensor(op, "places", places, ["u32"], tokens * topk);
  checkTensor(op, "weights", weights, ["f32"], tokens * topk);
  checkTensor(op, "out", out, ["f32"], tokens * columns);
  checkDistinct(op, { y, places, weights, out });
  if (tokens * columns === 0) return;
  const kernel = stream.device.kernels.get("moe_combine", { WEIGHTED: s.weighted ? 1 : 0 });
  const params = { tokens, columns, topk, accumulate: s.accumulate ? 1 : 0 };
  stream.dispatch(kernel, { y, places, weights, out }, params, elementGrid(tokens * columns));
}

/** From dh = dy W [N K, columns], not yet weighted, to dweights = Σ dh h [N, K], and dh times its weight, in place.
 *  h f32 or f16, the rest f32. */
export function moeWeightBackward(
  stream: Stream,
  t: Pick<Routing, "places" | "weights"> & {
    readonly h: Tensor;
    readonly dh: Tensor;
    readonly dweights: Tensor;
  },
  s: { entries: number; columns: number },
): void {
  const op = "moeWeightBackward";
  const { entries, columns } = s;
  const { h, places, weights, dh, dweights } = t;
  checkSizes(op, { entries });
  checkSizes(op, { columns }, 1);
  checkTensor(op, "h", h, operand, entries * columns);
  checkTensor(op, "dh", dh, ["f32"], entries * columns);
  checkTensor(op, "places", places, ["u32"], entries);
  checkTensor(op, "weights", weights, ["f32"], entries);
  checkTensor(op, "dweights", dweights, ["f32"], entries);
  checkDistinct(op, { h, places, weights, dh, dweights });
  if (entries === 0) return;
  const layout = rowLayout(stream.device, columns);
  const kernel = stream.device.kernels.get("moe_weight_backward", { T: h.dtype, ...layout });
  stream.dispatch(
    kernel,
    { h, places, weights, dh, dweights },
    { entries, columns },
    rowGrid(entries, layout),
  );
}

/** Multiplies each row by its entry's weight, in place. x [N K, columns] f32. */
export function moeWeighRows(
  stream: Stream,
  t: Pick<Routing, "places" | "weights"> & { readonly x: Tensor },
  s: { entries: number; columns: number },
): void {
  const op = "moeWeighRows";
  const { entries, columns } = s;
  const { places, weights, x } = t;
  checkSizes(op, { entries, columns });
  checkTensor(op, "places", places, ["u32"], entries);
  checkTensor(op, "weights", weights, ["f32"], entries);
  checkTensor(op, "x", x, ["f32"], entries * columns);
  checkDistinct(op, { places, weights, x });
  if (entries * columns === 0) return;
  const kernel = stream.device.kernels.get("moe_weigh_rows");
  stream.dispatch(kernel, { places, weights, x }, { entries, columns }, elementGrid(entries * columns));
}

/** Gradient of the logits [N, E] from that of the weights [N, K]; experts that were not chosen get 0. All f32. */
export function moeRouteBackward(
  stream: Stream,
  t: Pick<Routing, "chosen" | "weights"> & { readonly dweights: Tensor; readonly dlogits: Tensor },
  s: RoutingSizes,
): void {
  const op = "moeRouteBackward";
  const { tokens, experts, topk } = s;
  const { chosen, weights, dweights, dlogits } = t;
  checkSizes(op, { tokens });
  checkTensor(op, "chosen", chosen, ["u32"], tokens * topk);
  checkTensor(op, "weights", weights, ["f32"], tokens * topk);
  checkTensor(op, "dweights", dweights, ["f32"], tokens * topk);
  checkTensor(op, "dlogits", dlogits, ["f32"], tokens * experts);
  checkDistinct(op, { chosen, weights, dweights, dlogits });
  if (tokens === 0) return;
  const kernel = stream.device.kernels.get("moe_route_backward");
  stream.dispatch(kernel, { chosen, weights, dweights, dlogits }, { ...s }, elementGrid(tokens));
}

function checkRouting(op: string, r: Routing, { tokens, experts, topk }: RoutingSizes): void {
  checkSizes(op, { tokens });
  checkSizes(op, { experts, topk }, 1);
  if (topk > experts) throw new Error(`${op}: topk must be at most ${experts} experts, got ${topk}`);
  for (const name of ["chosen", "rows", "places"] as const)
    checkTensor(op, name, r[name], ["u32"], tokens * topk);
  checkTensor(op, "weights", r.weights, ["f32"], tokens * topk);
  checkTensor(op, "segments", r.segments, ["u32"], 2 * experts);
}
