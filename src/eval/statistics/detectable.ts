// What an eval of this size could have seen: the smallest true difference that McNemar's exact test finds in four of five runs.

import { binomialPmf } from "./distributions.ts";
import { mcnemar } from "./mcnemar.ts";

/** Power of the exact test at `alpha` for n pairs, of which a share `against` flips to the first arm and `toward` to the second.
 *  Exact: the sum over how many pairs differ, and how they fall. */
export function mcnemarPower(n: number, against: number, toward: number, alpha = 0.05): number {
  const differ = against + toward;
  if (differ === 0) return 0;
  let power = 0;
  let most = -1;
  for (let pairs = 1; pairs <= n; pairs++) {
    // Largest smaller count with p <= alpha; it never falls as pairs are added.
    while (most + 1 < pairs - (most + 1) && mcnemar(most + 1, pairs - most - 1).p <= alpha) most++;
    const weight = binomialPmf(pairs, n, differ);
    if (most < 0 || weight < 1e-15) continue;
    let rejected = 0;
    for (let few = 0; few <= most; few++)
      rejected += binomialPmf(few, pairs, against / differ) + binomialPmf(few, pairs, toward / differ);
    power += weight * rejected;
  }
  return power;
}

/** Smallest difference of rates that `n` pairs detect with a power of 0.8 at 0.05, when a share `against` of them flips the
 *  other way; null when even the largest possible one is not detected. */
export function smallestDetectable(n: number, against: number): number | null {
  const strongest = 1 - against;
  if (n === 0 || mcnemarPower(n, against, strongest) < 0.8) return null;
  let low = against;
  let high = strongest;
  for (let i = 0; i < 20; i++) {
    const middle = (low + high) / 2;
    if (mcnemarPower(n, against, middle) < 0.8) low = middle;
    else high = middle;
  }
  return high - against;
}
