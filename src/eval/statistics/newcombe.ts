// Interval for the difference of two rates that were measured on the same scenarios.

import { wilson, z95 } from "./wilson.ts";

/** An interval on both sides of an estimate. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** How many pairs both arms passed, only the first, only the second, none. */
export interface PairCounts {
  readonly both: number;
  readonly first: number;
  readonly second: number;
  readonly neither: number;
}

/** 95 % interval of rate(second) - rate(first): Newcombe's method 10 (Stat Med 17:2635, 1998), the square-and-add of Wilson's
 *  intervals with a correlation corrected for continuity. Null without pairs. */
export function newcombePaired({ both, first, second, neither }: PairCounts, z = z95): Interval | null {
  const n = both + first + second + neither;
  if (n === 0) return null;
  const one = wilson(both + second, n, z);
  const two = wilson(both + first, n, z);
  const margins = (both + first) * (second + neither) * (both + second) * (first + neither);
  const product = both * neither - first * second;
  const corrected = product > n / 2 ? product - n / 2 : Math.min(product, 0);
  const phi = margins === 0 ? 0 : corrected / Math.sqrt(margins);
  const delta = one.rate! - two.rate!;
  const spread = (p: number, q: number) => Math.sqrt(Math.max(0, p * p - 2 * phi * p * q + q * q));
  return {
    low: delta - spread(one.rate! - one.low!, two.high! - two.rate!),
    high: delta + spread(two.rate! - two.low!, one.high! - one.rate!),
  };
}
