// What was measured, scenario set by scenario set: every unit's rates, what seeds come to together, and every pair that is compared.

import { type Comparison, compareArms } from "../../eval/compare.ts";
import { type ArmResult, armResult } from "../../eval/metrics.ts";
import type { EpisodeRecord, MetricName } from "../../eval/record.ts";
import type { Rate } from "../../eval/statistics/wilson.ts";
import { eachMetric, type PooledDifference, pairsOf, pooledDifference, pooledRate } from "./pooling.ts";
import type { EvalPart, Recorded } from "./recorded.ts";

/** One unit on one set. */
export interface UnitFindings {
  readonly part: EvalPart;
  readonly episodes: readonly EpisodeRecord[];
  readonly result: ArmResult;
  /** Episodes that the unit has here when it is done. */
  readonly expected: number | null;
  /** Why there is nothing to count, or not all of it; null when all is there. */
  readonly lacking: string | null;
}

/** A unit against the one that it is compared with. */
export interface Lift {
  readonly first: UnitFindings;
  readonly second: UnitFindings;
  readonly comparison: Comparison;
}

/** Seeds of one arm together. */
export interface Pooled {
  readonly arm: string;
  readonly label: string;
  readonly rates: Readonly<Record<MetricName, Rate>>;
  readonly lift: {
    readonly against: string;
    readonly metrics: Readonly<Record<MetricName, PooledDifference>>;
  } | null;
}

/** One set of scenarios. */
export interface SetFindings {
  readonly set: string;
  readonly archetypes: readonly string[];
  /** Scenarios by what was planned; null when no eval has begun. */
  readonly scenarios: number | null;
  readonly units: readonly UnitFindings[];
  readonly lifts: readonly Lift[];
  readonly pooled: readonly Pooled[];
}

/** Counts and compares everything. */
export function findingsOf(recorded: Recorded): SetFindings[] {
  const { arms } = recorded.record.spec;
  const sets = [...new Set(Object.values(arms).flatMap(({ scenarios }) => scenarios))];
  return sets.map((set) => setFindings(recorded, set));
}

function setFindings(recorded: Recorded, set: string): SetFindings {
  const { arms } = recorded.record.spec;
  const parts = recorded.evals.filter(({ arm }) => arms[arm]!.scenarios.includes(set));
  const units = parts.map((part) => unitFindings(recorded, set, part));
  const known = units.find(({ expected }) => expected !== null);
  const planned = known?.part.manifest?.scenarios.filter(
    ({ id }) => recorded.setOf(known.part.arm, id) === set,
  );
  const archetypes = [
    ...new Set(
      units
        .flatMap(({ episodes }) => episodes.map(({ archetype }) => archetype))
        .concat(planned?.map(({ archetype }) => archetype) ?? []),
    ),
  ].sort();
  const lifts = units.flatMap((second): Lift[] => {
    const first = partnerOf(second, units, arms[second.part.arm]!.compareWith);
    if (first === undefined || first.episodes.length === 0 || second.episodes.length === 0) return [];
    return [{ first, second, comparison: comparisonOf(first, second) }];
  });
  return {
    set,
    archetypes,
    scenarios: planned?.length ?? null,
    units,
    lifts,
    pooled: Object.keys(arms).flatMap((arm) =>
      pooledOf(
        arm,
        units.filter(({ part }) => part.arm === arm),
        lifts,
      ),
    ),
  };
}

function unitFindings(recorded: Recorded, set: string, part: EvalPart): UnitFindings {
  const episodes = part.episodes.filter(({ scenario_id }) => recorded.setOf(part.arm, scenario_id) === set);
  const { manifest } = part;
  const expected =
    manifest === undefined
      ? null
      : manifest.scenarios.filter(({ id }) => recorded.setOf(part.arm, id) === set).length *
        (manifest.sampling.samples ?? 1);
  return {
    part,
    episodes,
    result: armResult(episodes),
    expected,
    lacking: lackingWords(part, episodes.length, expected),
  };
}

function lackingWords(
  { stage, manifest }: EvalPart,
  episodes: number,
  expected: number | null,
): string | null {
  if (stage === undefined && manifest === undefined && episodes === 0) return "eval not begun";
  if (expected === null) return episodes === 0 ? "eval not begun" : "no manifest of its eval";
  if (episodes < expected)
    return `${stage?.state === "failed" ? "eval failed" : "eval unfinished"}: ${episodes} of ${expected} episodes`;
  return null;
}

function partnerOf(
  { part }: UnitFindings,
  units: readonly UnitFindings[],
  arm: string | null,
): UnitFindings | undefined {
  const own = units.filter((unit) => unit.part.arm === arm);
  return own.find((unit) => unit.part.seed === part.seed) ?? own.find((unit) => unit.part.seed === null);
}

function comparisonOf(first: UnitFindings, second: UnitFindings): Comparison {
  const named = ({ part, episodes }: UnitFindings) => ({ name: part.label, records: episodes });
  return compareArms(named(first), named(second), seedOf(first));
}

function seedOf({ part }: UnitFindings): number {
  return part.manifest?.sampling.seed ?? 0;
}

function pooledOf(arm: string, units: readonly UnitFindings[], lifts: readonly Lift[]): Pooled[] {
  const measured = units.filter(({ episodes }) => episodes.length > 0);
  const [one] = measured;
  if (one === undefined || measured.length < 2) return [];
  const episodes = measured.flatMap((unit) => unit.episodes);
  const own = lifts.filter(({ second }) => second.part.arm === arm);
  const pairs = own.flatMap(({ first, second }) => pairsOf(first.episodes, second.episodes));
  const seeds = measured.map(({ part }) => part.seed).join(", ");
  return [
    {
      arm,
      label: `${arm} seeds ${seeds}`,
      rates: eachMetric((metric) => pooledRate(episodes, metric)),
      lift:
        own.length === 0
          ? null
          : {
              against: own[0]!.first.part.arm,
              metrics: eachMetric((metric) => pooledDifference(pairs, metric, seedOf(one))),
            },
    },
  ];
}

/** Units in the experiment's order, each arm's seeds together behind them. */
export function byArm({ units, pooled }: Pick<SetFindings, "units" | "pooled">): (UnitFindings | Pooled)[] {
  const arms = [...new Set(units.map(({ part }) => part.arm))];
  return arms.flatMap((arm) => [
    ...units.filter(({ part }) => part.arm === arm),
    ...pooled.filter((one) => one.arm === arm),
  ]);
}
