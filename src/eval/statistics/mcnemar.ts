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
  const chance = halves(n, smaller);
  const tail = chance.reduce((sum, one) => sum + one, 0);
  const seen = chance.at(-1)!;
  const p = Math.min(1, 2 * tail);
  // With b = c the two tails overlap in the point that was seen; half of it is still left out.
  return { p, midP: b === c ? 1 - 0.5 * seen : 2 * tail - seen };
}

/** P(X = 0), ..., P(X = last) for X ~ Binomial(n, 1/2): exact in doubles as long as the coefficients are (n up to 56). */
function halves(n: number, last: number): number[] {
  // Beyond that 2^-n is no number any more.
  if (n > 1000) return Array.from({ length: last + 1 }, (_, i) => binomialPmf(i, n, 0.5));
  const chances = [0.5 ** n];
  for (let i = 0; i < last; i++) chances.push((chances[i]! * (n - i)) / (i + 1));
  return chances;
}

/** Fewest pairs, all in one direction, that reach p <= alpha: 6 for 0.05, since 5 to 0 is 0.0625. */
export function fewestDiscordant(alpha = 0.05): number {
  let n = 1;
  while (mcnemar(0, n).p > alpha) n++;
  return n;
}
