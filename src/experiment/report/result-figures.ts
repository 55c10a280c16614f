// Figures of what was measured.

import type { ArmResult } from "../../eval/metrics.ts";
import { metricNames } from "../../eval/record.ts";
import { armColours, outcomeClass } from "../../eval/report/page.ts";
import { deltaWords, intervalWords, rateWords, shareWords } from "../../eval/report/words.ts";
import type { Interval } from "../../eval/statistics/newcombe.ts";
import type { Rate } from "../../eval/statistics/wilson.ts";
import type { Figure } from "./drawing.ts";
import { byArm, type SetFindings, type UnitFindings } from "./findings.ts";
import { type Mark, type Row, rowChart } from "./row-chart.ts";

/** Every metric of every unit, with its interval. */
export function rateFigure(
  name: string,
  title: string,
  findings: Pick<SetFindings, "units" | "pooled">,
): Figure | undefined {
  const rows = byArm(findings).map((row) =>
    "part" in row ? { label: row.part.label, arm: row.part.arm, rates: row.result } : row,
  );
  const arms = [...new Set(rows.map(({ arm }) => arm))];
  return rowChart({
    name,
    title,
    from: 0,
    groups: metricNames
      .map((metric) => ({
        head: metric as string,
        rows: rows.flatMap(({ label, arm, rates }) => rateRow(label, rates[metric], arms.indexOf(arm))),
      }))
      .filter((group) => group.rows.length > 0),
  });
}

/** Every metric of every pair, around zero. */
export function liftFigure(
  name: string,
  title: string,
  { lifts, pooled }: Pick<SetFindings, "lifts" | "pooled">,
): Figure | undefined {
  const arms = [...new Set(lifts.map(({ second }) => second.part.arm))];
  const groups = metricNames.map((metric) => ({
    head: metric as string,
    rows: [
      ...lifts.flatMap(({ comparison, second }) => {
        const { delta, interval } = comparison.metrics[metric];
        return differenceRow(comparison.arms, delta, interval, arms.indexOf(second.part.arm));
      }),
      ...pooled.flatMap(({ arm, label, lift }) => {
        if (lift === null) return [];
        const { delta, interval } = lift.metrics[metric];
        return differenceRow([lift.against, label], delta, interval, arms.indexOf(arm));
      }),
    ],
  }));
  return rowChart({ name, title, from: -1, groups: groups.filter(({ rows }) => rows.length > 0) });
}

/** Clean by archetype. */
export function archetypeFigure(title: string, sets: readonly SetFindings[]): Figure | undefined {
  const arms = [...new Set(sets.flatMap(({ units }) => units.map(({ part }) => part.arm)))];
  return rowChart({
    name: "archetypes",
    title,
    from: 0,
    groups: sets
      .flatMap(({ archetypes, units }) =>
        archetypes.map((archetype) => ({
          head: archetype,
          rows: units.flatMap(({ part, result }) => {
            const rate = result.by_archetype[archetype]?.clean;
            return rate === undefined ? [] : rateRow(part.label, rate, arms.indexOf(part.arm));
          }),
        })),
      )
      .filter(({ rows }) => rows.length > 0),
  });
}

/** How the scored sessions of each unit ended, stacked. */
export function outcomeFigure(
  name: string,
  title: string,
  units: readonly UnitFindings[],
  keys: readonly { readonly label: string; readonly key: string }[],
): Figure | undefined {
  const rows = units.flatMap(({ part, result }) =>
    result.n === 0 ? [] : [{ name: part.label, value: `n ${result.n}`, marks: stack(result, keys) }],
  );
  return rowChart({ name, title, from: 0, keys, groups: [{ head: null, rows }] });
}

function stack(
  { n, outcomes }: Pick<ArmResult, "n" | "outcomes">,
  keys: readonly { readonly label: string }[],
): Mark[] {
  let at = 0;
  return keys.flatMap(({ label }): Mark[] => {
    const count = outcomes[label] ?? 0;
    if (count === 0) return [];
    const from = at;
    at += count / n;
    return [{ kind: "bar", from, to: at, look: outcomeClass(label), label: `${label}: ${count} of ${n}` }];
  });
}

function rateRow(name: string, rate: Rate, arm: number): Row[] {
  if (rate.rate === null) return [];
  const { low, high } = rate;
  return [
    {
      name,
      value: `${shareWords(rate)}  ${rateWords(rate)}`,
      marks: [{ kind: "dot", at: rate.rate, low: low!, high: high!, colour: arm % armColours }],
    },
  ];
}

function differenceRow(
  [first, second]: readonly [string, string],
  delta: number | null,
  interval: Interval | null,
  arm: number,
): Row[] {
  if (delta === null || interval === null) return [];
  return [
    {
      name: `${second} less ${first}`,
      value: `${deltaWords(delta)} ${intervalWords(interval)}`,
      marks: [{ kind: "dot", at: delta, ...interval, colour: (arm + 1) % armColours }],
    },
  ];
}
