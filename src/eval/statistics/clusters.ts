// Scenarios of one archetype are variants of one task, not independent draws: intervals and tests that resample archetypes.

import { Mt19937 } from "../../data/mt19937.ts";
import { studentQuantile } from "./distributions.ts";
import type { Interval } from "./newcombe.ts";

/** A paired difference, second arm less first (-1, 0 or 1), and the archetype it was measured on. */
export interface Difference {
  readonly cluster: string;
  readonly value: number;
}

/** Mean difference's standard error over clusters and its interval. */
export interface ClusteredInterval extends Interval {
  readonly se: number;
  /** Clusters less one. */
  readonly df: number;
}

interface ClusterSum {
  sum: number;
  count: number;
}

/** Cluster-robust standard error sqrt(C/(C-1) sum_c (sum_{i in c} (d_i - mean))^2) / N with Student's t of C - 1 (Miller,
 *  arXiv:2411.00640, with the finite-cluster factor). Null with fewer than two clusters. */
export function clusteredInterval(differences: readonly Difference[]): ClusteredInterval | null {
  const clusters = byCluster(differences);
  if (clusters.length < 2) return null;
  const n = differences.length;
  const mean = clusters.reduce((all, { sum }) => all + sum, 0) / n;
  const squares = clusters.reduce((all, { sum, count }) => all + (sum - count * mean) ** 2, 0);
  const se = Math.sqrt((clusters.length / (clusters.length - 1)) * squares) / n;
  const df = clusters.length - 1;
  const half = studentQuantile(0.95, df) * se;
  return { se, df, low: mean - half, high: mean + half };
}

/** Percentile bootstrap of the mean difference: whole archetypes are drawn with replacement. Null with fewer than two. */
export function bootstrapInterval(
  differences: readonly Difference[],
  seed: number,
  draws = 10_000,
): Interval | null {
  const clusters = byCluster(differences);
  if (clusters.length < 2) return null;
  const random = new Mt19937(seed);
  const means = new Float64Array(draws);
  for (let draw = 0; draw < draws; draw++) {
    let sum = 0;
    let count = 0;
    for (let i = 0; i < clusters.length; i++) {
      const drawn = clusters[Math.floor((random.next() / 2 ** 32) * clusters.length)]!;
      sum += drawn.sum;
      count += drawn.count;
    }
    means[draw] = sum / count;
  }
  means.sort();
  return { low: quantile(means, 0.025), high: quantile(means, 0.975) };
}

/** Two-sided p value of "the arms are exchangeable": the sign of each archetype's sum is flipped, in every way up to 16
 *  archetypes, in `draws` random ways beyond. With C archetypes it cannot be below 2 / 2^C. */
export function signFlip(differences: readonly Difference[], seed: number, draws = 20_000): number {
  const sums = byCluster(differences).map(({ sum }) => sum);
  const seen = Math.abs(sums.reduce((all, sum) => all + sum, 0));
  if (sums.length <= 16) {
    const ways = 2 ** sums.length;
    let extreme = 0;
    for (let signs = 0; signs < ways; signs++)
      if (Math.abs(sums.reduce((all, sum, i) => all + ((signs >> i) & 1 ? -sum : sum), 0)) >= seen) extreme++;
    return extreme / ways;
  }
  const random = new Mt19937(seed);
  let extreme = 1;
  for (let draw = 0; draw < draws; draw++) {
    const flipped = sums.reduce((all, sum) => all + (random.next() & 1 ? -sum : sum), 0);
    if (Math.abs(flipped) >= seen) extreme++;
  }
  // What was seen counts as one of the draws, lest p be 0.
  return extreme / (draws + 1);
}

function byCluster(differences: readonly Difference[]): ClusterSum[] {
  const clusters = new Map<string, ClusterSum>();
  for (const { cluster, value } of differences) {
    const entry = clusters.get(cluster) ?? { sum: 0, count: 0 };
    entry.sum += value;
    entry.count++;
    clusters.set(cluster, entry);
  }
  return [...clusters.values()];
}

// Linear between neighbours, as numpy and R (type 7) do.
function quantile(sorted: Float64Array, share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!);
}
