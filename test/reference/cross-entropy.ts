// Plain f64 token loss of one row of logits, and its gradient.

/** −log softmax(logits)[target] */
export function crossEntropy(logits: ArrayLike<number>, target: number): number {
  const { top, sum } = totals(logits);
  return Math.log(sum) + top - logits[target]!;
}

/** weight · (softmax − onehot(target)) */
export function crossEntropyBackward(
  logits: ArrayLike<number>,
  target: number,
  weight: number,
): Float64Array {
  const { top, sum } = totals(logits);
  return Float64Array.from(
    logits,
    (value, i) => weight * (Math.exp(value - top) / sum - (i === target ? 1 : 0)),
  );
}

function totals(logits: ArrayLike<number>): { top: number; sum: number } {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) top = Math.max(top, logits[i]!);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - top);
  return { top, sum };
}
