// Several metrics are tested at once: Holm's step-down keeps the chance of any false alarm below alpha.

/** Adjusted p values in the order given: the i-th smallest times (m - i), never below the one before, at most 1
 *  (Holm, Scand J Stat 6:65, 1979). */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((p, index) => ({ p, index })).sort((a, b) => a.p - b.p);
  const adjusted = new Array<number>(pValues.length);
  let floor = 0;
  for (const [rank, { p, index }] of order.entries()) {
    floor = Math.max(floor, Math.min(1, p * (pValues.length - rank)));
    adjusted[index] = floor;
  }
  return adjusted;
}
