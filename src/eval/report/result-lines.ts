// What a terminal shows at the end of an eval, and of a comparison.

import type { Comparison } from "../compare.ts";
import { metricNames } from "../record.ts";
import type { EvalResult } from "../result.ts";
import { flipName } from "./markdown.ts";
import { comparisonNotes, resultNotes } from "./notes.ts";
import {
  archetypeTable,
  comparisonTable,
  outcomeTable,
  ratesTable,
  type Table,
  tableLines,
} from "./table.ts";
import { intervalWords, shareWords } from "./words.ts";

/** Flips that a terminal lists; the files have all of them. */
const listed = 20;

/** The table, arms by archetype, and what to keep in mind. */
export function resultLines(result: EvalResult, columns: number): string[] {
  const wide = tableLines(ratesTable(result.arms));
  const widest = Math.max(...wide.map((line) => line.length));
  return [
    // Intervals take a line of their own where the table would not fit.
    ...(widest <= columns ? wide : narrowTable(result)),
    "",
    ...tableLines(archetypeTable(result), columns),
    "",
    ...tableLines(outcomeTable(result), columns),
    "",
    ...resultNotes(result),
    ...result.compare.flatMap((comparison) => ["", comparison.arms.join(" -> "), ...flipLines(comparison)]),
  ];
}

/** A comparison of two runs. */
export function comparisonLines(comparison: Comparison, columns: number): string[] {
  const table = comparisonTable(comparison);
  const widest = Math.max(...tableLines(table).map((line) => line.length));
  return [
    ...tableLines(widest <= columns ? table : withoutColumns(table, ["by archetype", "mid-p"]), columns),
    "",
    ...comparisonNotes(comparison),
    ...flipLines(comparison),
  ];
}

function narrowTable({ arms }: EvalResult): string[] {
  return tableLines({
    titles: ["arm", ...metricNames],
    rows: Object.entries(arms).flatMap(([name, arm]) => [
      [name, ...metricNames.map((metric) => shareWords(arm[metric]))],
      [
        "",
        ...metricNames.map((metric) => {
          const { low, high } = arm[metric];
          return intervalWords(low === null || high === null ? null : { low, high });
        }),
      ],
    ]),
  });
}

function withoutColumns({ titles, rows }: Table, left: readonly string[]): Table {
  const kept = (_: string, i: number) => !left.includes(titles[i]!);
  return { titles: titles.filter(kept), rows: rows.map((cells) => cells.filter(kept)) };
}

function flipLines({ flips }: Comparison): string[] {
  if (flips.length === 0) return ["  no scenario is clean in one of them only"];
  const lines = flips.map(
    (flip) => `  ${flip.direction} ${flipName(flip)} (${flip.archetype}): ${flip.first} -> ${flip.second}`,
  );
  if (lines.length <= listed) return lines;
  return [...lines.slice(0, listed), `  and ${lines.length - listed} more`];
}
