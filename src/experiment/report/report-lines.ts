// The table of an experiment on a terminal.

import { type Table, tableLines } from "../../eval/report/table.ts";
import type { SetFindings } from "./findings.ts";
import { liftsOf, ratesOf } from "./results.ts";
import type { WrittenReport } from "./write-report.ts";

/** Rates and lifts of every set, in at most `columns` columns where that is possible: intervals take a line of their own then. */
export function reportTable(sets: readonly SetFindings[], columns: number): string[] {
  return sets.flatMap((set, i) => [
    ...(i === 0 ? [] : [""]),
    ...(sets.length > 1 ? [`${set.set}: ${set.archetypes.join(", ")}`] : []),
    ...fitting(ratesOf(set), columns),
    ...(set.lifts.length === 0 ? [] : ["", ...fitting(liftsOf(set), columns)]),
  ]);
}

function fitting(table: Table, columns: number): string[] {
  const wide = tableLines(table);
  if (Math.max(...wide.map((line) => line.length)) <= columns) return wide;
  const rows = table.rows.flatMap(([name, n, ...cells]) => {
    const parts = cells.map((cell) => /^(\S+) (.*)$/.exec(cell) ?? ["", cell, ""]);
    const intervals = parts.map(([, , rest]) => /\[.*\]/.exec(rest!)?.[0] ?? "");
    const chances = parts.map(([, , rest]) => /p .*$/.exec(rest!)?.[0] ?? "");
    return [
      [name!, n!, ...parts.map(([, first]) => first!)],
      ["", "", ...intervals],
      ...(chances.some(Boolean) ? [["", "", ...chances]] : []),
    ];
  });
  return tableLines({ titles: table.titles, rows }, columns);
}

/** The report for machines: files, warnings, and what every unit and every pair came to. */
export function reportFacts({ files, warnings, sets }: WrittenReport): Record<string, unknown> {
  return {
    files,
    warnings,
    sets: sets.map(({ set, archetypes, scenarios, units, lifts, pooled }) => ({
      set,
      archetypes,
      scenarios,
      arms: units.map(({ part, lacking, result }) => ({
        arm: part.arm,
        seed: part.seed,
        lacking,
        ...result,
      })),
      pooled,
      compare: lifts.map(({ comparison }) => comparison),
    })),
  };
}
