// The table that a run prints, on the terminal and in Markdown.

import { formatTable } from "../../base/format.ts";
import type { Comparison } from "../compare.ts";
import type { Rates } from "../metrics.ts";
import { metricNames } from "../record.ts";
import type { EvalResult } from "../result.ts";
import { deltaWords, intervalWords, pWords, rateWords, shareWords } from "./words.ts";

/** Titles and cells; all but the first column are numbers. */
export interface Table {
  readonly titles: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Arms against metrics: the shape in which the experiment was published. */
export function ratesTable(arms: Readonly<Record<string, Rates>>): Table {
  return {
    titles: ["arm", ...metricNames],
    rows: Object.entries(arms).map(([name, rates]) => [
      name,
      ...metricNames.map((metric) => `${shareWords(rates[metric])} ${rateWords(rates[metric])}`),
    ]),
  };
}

/** The same by archetype, without intervals. */
export function archetypeTable({ arms }: EvalResult): Table {
  const names = [...new Set(Object.values(arms).flatMap((arm) => Object.keys(arm.by_archetype)))].sort();
  return {
    titles: ["archetype", "arm", ...metricNames],
    rows: names.flatMap((archetype) =>
      Object.entries(arms).flatMap(([arm, { by_archetype }]) => {
        const rates = by_archetype[archetype];
        return rates === undefined
          ? []
          : [[archetype, arm, ...metricNames.map((metric) => shareWords(rates[metric]))]];
      }),
    ),
  };
}

/** Outcomes against arms. */
export function outcomeTable({ arms }: EvalResult): Table {
  const outcomes = [...new Set(Object.values(arms).flatMap((arm) => Object.keys(arm.outcomes)))].sort();
  return {
    titles: ["outcome", ...Object.keys(arms)],
    rows: outcomes.map((outcome) => [
      outcome,
      ...Object.values(arms).map((arm) => String(arm.outcomes[outcome] ?? 0)),
    ]),
  };
}

/** Metrics of a pair of arms. */
export function comparisonTable({ arms, metrics }: Comparison): Table {
  return {
    titles: ["metric", ...arms, "lost", "gained", "diff", "95 %", "by archetype", "p", "mid-p", "Holm p"],
    rows: metricNames.map((name) => {
      const { first, second, b, c, delta, interval, clustered, mcnemar } = metrics[name];
      return [
        name,
        shareWords(first),
        shareWords(second),
        String(b),
        String(c),
        deltaWords(delta),
        intervalWords(interval),
        clustered?.se ? intervalWords(clustered) : "-",
        pWords(mcnemar.p),
        pWords(mcnemar.mid_p),
        pWords(mcnemar.holm_p),
      ];
    }),
  };
}

/** Lines for a terminal of `width` columns. */
export function tableLines({ titles, rows }: Table, width?: number): string[] {
  return formatTable(
    titles.map((title, i) => ({ title, align: i === 0 ? "left" : "right" })),
    rows,
    width,
  );
}
