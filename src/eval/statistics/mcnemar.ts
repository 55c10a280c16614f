// Two arms on the same scenarios: only pairs on which they differ tell which one is better.

import { binomialPmf } from "./distributions.ts";

/** Two-sided p values of McNemar's test on `b` and `c`, the pairs that only the first and only the second arm passed. */
export interface McNemar {
  /** Exact: binomial(b + c, 1/2), twice the smaller tail, at most 1. */
  readonly p: number;
  /** Lancaster's mid-p: the exact p less the probability of what was seen. Less conservative, nearly always valid
   *  (Fagerland, Lydersen, Laake, BMC Med Res Methodol 13:91, 2013). */
  readonly midP: number;
}

/** McNemar's exact test and its mid-p variant; both 1 without a pair that differs. */
export function mcnemar(b: number, c: number): McNemar {
  const n = b + c;
  if (n === 0) return { p: 1, midP: 1 };
  const smaller = Math.min(b, c);
  let tail = 0;
  for (let i = 0; i <= smaller; i++) tail += binomialPmf(i, n, 0.5);
  const p = Math.min(1, 2 * tail);
  // With b = c the two tails overlap in the point that was seen; half of it is still left out.
  return { p, midP: b === c ? 1 - 0.5 * binomialPmf(b, n, 0.5) : 2 * tail - binomialPmf(smaller, n, 0.5) };
}

/** Fewest pairs, all in one direction, that reach p <= alpha: 6 for 0.05, since 5 to 0 is 0.0625. */
export function fewestDiscordant(alpha = 0.05): number {
  let n = 1;
  while (mcnemar(0, n).p > alpha) n++;
  return n;
}
