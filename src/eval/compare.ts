// Two arms on the same scenarios, pair by pair.

import { type EpisodeRecord, isBroken, type MetricName, metricNames, metricOf } from "./record.ts";
import {
  bootstrapInterval,
  type ClusteredInterval,
  clusteredInterval,
  signFlip,
} from "./statistics/clusters.ts";
import { smallestDetectable } from "./statistics/detectable.ts";
import { holm } from "./statistics/holm.ts";
import { fewestDiscordant, mcnemar } from "./statistics/mcnemar.ts";
import { type Interval, newcombePaired } from "./statistics/newcombe.ts";
import { type Rate, wilson } from "./statistics/wilson.ts";

/** One metric of a pair of arms, over the pairs that were scored on both sides. */
export interface MetricComparison {
  readonly first: Rate;
  readonly second: Rate;
  /** Pairs that both arms have. */
  readonly both: number;
  /** Pairs that only the first arm has. */
  readonly b: number;
  /** Pairs that only the second arm has. */
  readonly c: number;
  readonly neither: number;
  /** (c - b) / n: rate of the second less rate of the first. Null without pairs. */
  readonly delta: number | null;
  /** 95 % intervals of delta: Newcombe's, as if scenarios were independent; the other two by archetype. */
  readonly interval: Interval | null;
  readonly clustered: ClusteredInterval | null;
  readonly bootstrap: Interval | null;
  readonly mcnemar: { readonly p: number; readonly mid_p: number; readonly holm_p: number };
  /** Archetypes flipped as a whole. */
  readonly sign_flip_p: number;
  /** Smallest difference that this many pairs detect with a power of 0.8; null when none. */
  readonly mde: number | null;
  /** Pairs by name: those that the second arm gained, and those that it lost. */
  readonly gained: readonly string[];
  readonly lost: readonly string[];
}

/** A pair that is clean in one arm only. */
export interface Flip {
  readonly scenario_id: string;
  readonly sample: number;
  readonly archetype: string;
  readonly direction: "gained" | "lost";
  /** Outcomes in the first and in the second arm. */
  readonly first: string;
  readonly second: string;
}

/** A pair of arms in result.json. */
export interface Comparison {
  readonly arms: readonly [first: string, second: string];
  /** Pairs that were scored on both sides. */
  readonly n: number;
  readonly archetypes: number;
  /** Pairs left out because the machinery broke one side, and episodes that have no partner. */
  readonly excluded: { readonly infrastructure: number; readonly unpaired: number };
  readonly metrics: Readonly<Record<MetricName, MetricComparison>>;
  readonly flips: readonly Flip[];
  /** Pairs that must differ, all in one direction, for p <= 0.05. */
  readonly needs_discordant: number;
}

/** The episodes of one arm. */
export interface ArmRecords {
  readonly name: string;
  readonly records: readonly EpisodeRecord[];
}

interface Pair {
  readonly name: string;
  readonly first: EpisodeRecord;
  readonly second: EpisodeRecord;
}

/** Compares by scenario id, content hash and sample. `seed` is the bootstrap's and the sign flips'. */
export function compareArms(first: ArmRecords, second: ArmRecords, seed: number): Comparison {
  const partners = new Map(second.records.map((record) => [pairKey(record), record]));
  const all = first.records.flatMap((record) => {
    const partner = partners.get(pairKey(record));
    return partner === undefined ? [] : [{ name: pairName(record), first: record, second: partner }];
  });
  const pairs = all
    .filter((pair) => !isBroken(pair.first) && !isBroken(pair.second))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const bare = metricNames.map((name) => compareMetric(name, pairs, seed));
  const adjusted = holm(bare.map(({ mcnemar: { p } }) => p));
  const metrics = Object.fromEntries(
    metricNames.map((name, i) => [
      name,
      { ...bare[i]!, mcnemar: { ...bare[i]!.mcnemar, holm_p: adjusted[i]! } },
    ]),
  ) as unknown as Record<MetricName, MetricComparison>;
  return {
    arms: [first.name, second.name],
    n: pairs.length,
    archetypes: new Set(pairs.map((pair) => pair.first.archetype)).size,
    excluded: {
      infrastructure: all.length - pairs.length,
      unpaired: first.records.length + second.records.length - 2 * all.length,
    },
    metrics,
    flips: pairs.flatMap(flipOf),
    needs_discordant: fewestDiscordant(),
  };
}

function compareMetric(name: MetricName, pairs: readonly Pair[], seed: number) {
  const has = metricOf[name];
  const differences = pairs.map((pair) => ({
    cluster: pair.first.archetype,
    value: Number(has(pair.second)) - Number(has(pair.first)),
  }));
  const gained = pairs.filter((_, i) => differences[i]!.value > 0).map((pair) => pair.name);
  const lost = pairs.filter((_, i) => differences[i]!.value < 0).map((pair) => pair.name);
  const n = pairs.length;
  const [b, c] = [lost.length, gained.length];
  const both = pairs.filter((pair) => has(pair.first) && has(pair.second)).length;
  const neither = n - both - b - c;
  const { p, midP } = mcnemar(b, c);
  return {
    first: wilson(both + b, n),
    second: wilson(both + c, n),
    both,
    b,
    c,
    neither,
    delta: n === 0 ? null : (c - b) / n,
    interval: newcombePaired({ both, first: b, second: c, neither }),
    clustered: clusteredInterval(differences),
    bootstrap: bootstrapInterval(differences, seed),
    mcnemar: { p, mid_p: midP },
    sign_flip_p: signFlip(differences, seed),
    // Flips against the direction that prevails make every difference harder to see.
    mde: n === 0 ? null : smallestDetectable(n, Math.min(b, c) / n),
    gained,
    lost,
  };
}

function flipOf({ first, second }: Pair): Flip[] {
  const [before, after] = [metricOf.clean(first), metricOf.clean(second)];
  if (before === after) return [];
  return [
    {
      scenario_id: first.scenario_id,
      sample: first.sample,
      archetype: first.archetype,
      direction: after ? "gained" : "lost",
      first: first.outcome,
      second: second.outcome,
    },
  ];
}

// A scenario that was made anew under an old name is another one: the hash is part of the key.
function pairKey({ scenario_id, scenario_hash, sample }: EpisodeRecord): string {
  return JSON.stringify([scenario_id, scenario_hash, sample]);
}

function pairName({ scenario_id, sample }: EpisodeRecord): string {
  return sample === 0 ? scenario_id : `${scenario_id}#${sample}`;
}
