// Several training seeds taken together. Their episodes share scenarios, so scenarios are what is drawn: errors are clustered by them.

import { type EpisodeRecord, isBroken, type MetricName, metricNames, metricOf } from "../../eval/record.ts";
import { clusteredInterval, type Difference, signFlip } from "../../eval/statistics/clusters.ts";
import { type Interval, newcombePaired } from "../../eval/statistics/newcombe.ts";
import { type Rate, wilson } from "../../eval/statistics/wilson.ts";

/** Two episodes of one scenario and sample. */
export interface Pair {
  readonly first: EpisodeRecord;
  readonly second: EpisodeRecord;
}

/** A difference of pooled rates. */
export interface PooledDifference {
  readonly delta: number | null;
  readonly interval: Interval | null;
  /** Scenarios flipped as a whole. */
  readonly p: number;
}

/** A share over several episodes a scenario: Wilson's interval at the effective sample size p(1-p)/se^2, se clustered by scenario (Franco et
 *  al., J Surv Stat Methodol 7:334, 2019), which lies between the number of scenarios and the number of episodes; at 0 and 1, where no
 *  spread is seen, it is the number of scenarios. */
export function pooledRate(episodes: readonly EpisodeRecord[], metric: MetricName): Rate {
  const scored = episodes.filter((episode) => !isBroken(episode));
  const x = scored.filter(metricOf[metric]).length;
  const n = scored.length;
  if (n === 0) return wilson(0, 0);
  const clusters = new Set(scored.map(scenarioOf)).size;
  const spread = clusteredInterval(
    scored.map((episode) => ({ cluster: scenarioOf(episode), value: Number(metricOf[metric](episode)) })),
  );
  const rate = x / n;
  const variance = (spread?.se ?? 0) ** 2;
  const effective =
    variance === 0 ? clusters : Math.min(n, Math.max(clusters, (rate * (1 - rate)) / variance));
  const { low, high } = wilson(rate * effective, effective);
  return { x, n, rate, low: x === 0 ? 0 : low, high: x === n ? 1 : high };
}

/** The mean difference over pairs, its interval clustered by scenario, and p by flipping whole scenarios. Where every scenario differs by the
 *  same, no spread is seen: then Newcombe's interval over scenarios, one pair of each. */
export function pooledDifference(pairs: readonly Pair[], metric: MetricName, seed: number): PooledDifference {
  const has = metricOf[metric];
  const differences: Difference[] = pairs.map(({ first, second }) => ({
    cluster: scenarioOf(first),
    value: Number(has(second)) - Number(has(first)),
  }));
  const n = differences.length;
  if (n === 0) return { delta: null, interval: null, p: 1 };
  const clustered = clusteredInterval(differences);
  const interval = clustered?.se
    ? { low: Math.max(-1, clustered.low), high: Math.min(1, clustered.high) }
    : newcombePaired(countsOf(firstOfEach(pairs), metric));
  return {
    delta: differences.reduce((sum, { value }) => sum + value, 0) / n,
    interval,
    p: signFlip(differences, seed),
  };
}

/** Pairs of scored episodes with the same scenario, content and sample. */
export function pairsOf(first: readonly EpisodeRecord[], second: readonly EpisodeRecord[]): Pair[] {
  const key = (episode: EpisodeRecord) => JSON.stringify([scenarioOf(episode), episode.sample]);
  const partners = new Map(second.map((episode) => [key(episode), episode]));
  return first.flatMap((episode) => {
    const partner = partners.get(key(episode));
    return partner === undefined || isBroken(episode) || isBroken(partner)
      ? []
      : [{ first: episode, second: partner }];
  });
}

/** A figure for each metric. */
export function eachMetric<T>(of: (metric: MetricName) => T): Readonly<Record<MetricName, T>> {
  return Object.fromEntries(metricNames.map((metric) => [metric, of(metric)])) as Record<MetricName, T>;
}

function scenarioOf({ scenario_id, scenario_hash }: EpisodeRecord): string {
  return JSON.stringify([scenario_id, scenario_hash]);
}

function firstOfEach(pairs: readonly Pair[]): Pair[] {
  const seen = new Set<string>();
  return pairs.filter(({ first }) => {
    const scenario = scenarioOf(first);
    if (seen.has(scenario)) return false;
    seen.add(scenario);
    return true;
  });
}

function countsOf(pairs: readonly Pair[], metric: MetricName) {
  const has = metricOf[metric];
  const count = (first: boolean, second: boolean) =>
    pairs.filter((pair) => has(pair.first) === first && has(pair.second) === second).length;
  return {
    both: count(true, true),
    first: count(true, false),
    second: count(false, true),
    neither: count(false, false),
  };
}
