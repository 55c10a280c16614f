// Mixture of experts in f64: who gets which token, and the softmax over the chosen. Jiang et al. 2024 (Mixtral), 2.1.

/** The `topk` largest logits of each token, the lower index first among equals, and the softmax over them. */
export function route(
  logits: ArrayLike<number>,
  { tokens, experts, topk }: { tokens: number; experts: number; topk: number },
): { chosen: number[]; weights: number[] } {
  const chosen: number[] = [];
  const weights: number[] = [];
  for (let t = 0; t < tokens; t++) {
    const row = Array.from({ length: experts }, (_, e) => ({ e, value: logits[t * experts + e]! }));
    const top = row.sort((a, b) => b.value - a.value || a.e - b.e).slice(0, topk);
    const powers = top.map(({ value }) => Math.exp(value - top[0]!.value));
    const sum = powers.reduce((all, one) => all + one, 0);
    chosen.push(...top.map(({ e }) => e));
    weights.push(...powers.map((power) => power / sum));
  }
  return { chosen, weights };
}

/** Entries by expert and, within one, by token. */
export function sorted(
  chosen: readonly number[],
  { experts, topk }: { experts: number; topk: number },
): { rows: number[]; places: number[]; segments: number[] } {
  const order = chosen.map((expert, entry) => ({ expert, entry }));
  order.sort((a, b) => a.expert - b.expert || a.entry - b.entry);
  const places: number[] = [];
  order.forEach(({ entry }, place) => {
    places[entry] = place;
  });
  const segments = Array.from({ length: experts }, (_, e) => [
    order.filter(({ expert }) => expert < e).length,
    order.filter(({ expert }) => expert === e).length,
  ]);
  return { rows: order.map(({ entry }) => Math.floor(entry / topk)), places, segments: segments.flat() };
}

/** Gradient of the logits from that of the weights. */
export function routeBackward(
  routed: { chosen: readonly number[]; weights: readonly number[] },
  dweights: ArrayLike<number>,
  { tokens, experts, topk }: { tokens: number; experts: number; topk: number },
): Float64Array {
  const dlogits = new Float64Array(tokens * experts);
  for (let t = 0; t < tokens; t++)
    for (let i = 0; i < topk; i++)
      for (let j = 0; j < topk; j++) {
        const [a, b] = [t * topk + i, t * topk + j];
        const slope = routed.weights[a]! * ((i === j ? 1 : 0) - routed.weights[b]!);
        dlogits[t * experts + routed.chosen[b]!]! += dweights[a]! * slope;
      }
  return dlogits;
}
