// What the episodes of one arm add up to.

import { type EpisodeRecord, isBroken, type MetricName, metricNames, metricOf } from "./record.ts";
import { passAtK, passToTheK } from "./statistics/pass-at-k.ts";
import { type Rate, wilson } from "./statistics/wilson.ts";

/** The five rates of a set of episodes. */
export type Rates = Readonly<Record<MetricName, Rate>> & { readonly n: number };

/** How something is spread over episodes; null without any. */
export interface Spread {
  readonly total: number;
  readonly mean: number | null;
  readonly median: number | null;
  readonly max: number | null;
}

/** One arm in result.json. */
export interface ArmResult extends Rates {
  /** How many episodes ended how; those that the machinery broke are counted here and in `errors`, and nowhere else. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Episodes that the machinery broke. */
  readonly errors: number;
  /** The same by kind of failure. */
  readonly error_kinds: Readonly<Record<string, number>>;
  readonly steps: Spread;
  readonly tokens: { readonly prompt: Spread; readonly completion: Spread };
  readonly wall_ms: Spread;
  readonly limits_hit: Readonly<Record<string, number>>;
  readonly by_archetype: Readonly<Record<string, Rates>>;
  /** k -> mean over scenarios of the chance that one of k samples is clean; only k that every scenario has samples for. */
  readonly pass_at_k: Readonly<Record<string, number>>;
  /** k -> mean over scenarios of the chance that all of k samples are clean. */
  readonly pass_hat_k: Readonly<Record<string, number>>;
}

/** The five rates over episodes that were scored. */
function ratesOf(scored: readonly EpisodeRecord[]): Rates {
  const rates = Object.fromEntries(
    metricNames.map((name) => [name, wilson(scored.filter(metricOf[name]).length, scored.length)]),
  ) as Record<MetricName, Rate>;
  return { n: scored.length, ...rates };
}

/** Everything of one arm. */
export function armResult(records: readonly EpisodeRecord[]): ArmResult {
  const scored = records.filter((record) => !isBroken(record));
  const broken = records.filter(isBroken);
  const archetypes = [...new Set(records.map(({ archetype }) => archetype))].sort();
  const numbers = (values: readonly (number | null)[]) =>
    spread(values.filter((value): value is number => typeof value === "number"));
  return {
    ...ratesOf(scored),
    outcomes: counts(records.map(({ outcome }) => outcome)),
    errors: broken.length,
    error_kinds: counts(broken.map(({ error }) => error?.kind ?? "unknown")),
    steps: numbers(scored.map(({ steps }) => steps)),
    tokens: {
      prompt: numbers(scored.map(({ tokens }) => tokens?.prompt ?? null)),
      completion: numbers(scored.map(({ tokens }) => tokens?.completion ?? null)),
    },
    wall_ms: numbers(scored.map(({ wall_ms }) => wall_ms ?? null)),
    limits_hit: counts(scored.flatMap(({ limits_hit }) => limits_hit ?? [])),
    by_archetype: Object.fromEntries(
      archetypes.map((name) => [name, ratesOf(scored.filter(({ archetype }) => archetype === name))]),
    ),
    ...passes(scored),
  };
}

function passes(scored: readonly EpisodeRecord[]): Pick<ArmResult, "pass_at_k" | "pass_hat_k"> {
  const scenarios = new Map<string, { n: number; clean: number }>();
  for (const record of scored) {
    const entry = scenarios.get(record.scenario_id) ?? { n: 0, clean: 0 };
    entry.n++;
    if (metricOf.clean(record)) entry.clean++;
    scenarios.set(record.scenario_id, entry);
  }
  const samples = [...scenarios.values()];
  const fewest = samples.length === 0 ? 0 : Math.min(...samples.map(({ n }) => n));
  const mean = (of: typeof passAtK, k: number) =>
    samples.reduce((sum, { n, clean }) => sum + of(n, clean, k)!, 0) / samples.length;
  const ks = [...new Set([1, 2, 4, 8, 16, 32, 64, fewest])].filter((k) => k >= 1 && k <= fewest);
  const table = (of: typeof passAtK) => Object.fromEntries(ks.map((k) => [String(k), mean(of, k)]));
  return { pass_at_k: table(passAtK), pass_hat_k: table(passToTheK) };
}

function counts(names: readonly string[]): Record<string, number> {
  const sorted = [...names].sort();
  return Object.fromEntries(
    [...new Set(sorted)].map((name) => [name, sorted.filter((other) => other === name).length]),
  );
}

function spread(values: readonly number[]): Spread {
  const total = values.reduce((sum, value) => sum + value, 0);
  if (values.length === 0) return { total: 0, mean: null, median: null, max: null };
  const sorted = [...values].sort((a, b) => a - b);
  const half = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(half)]! + sorted[Math.ceil(half)]!) / 2;
  return { total, mean: total / values.length, median, max: sorted.at(-1)! };
}
