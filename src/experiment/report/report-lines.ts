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

function fitting({ titles, rows }: Table, columns: number): string[] {
  const wide = tableLines({ titles, rows });
  if (Math.max(...wide.map((line) => line.length)) <= columns) return wide;
  // Names on lines of their own, intervals and chances under the shares.
  const parts = rows.map(([name, n, ...cells]) => {
    const split = cells.map((cell) => /^([+-]?[\d/.]+) (.*)$/.exec(cell) ?? ["", cell, ""]);
    const under = [/\[.*\]/, /p .*$/].map((pattern) =>
      split.map((cell) => pattern.exec(cell[2]!)?.[0] ?? ""),
    );
    return {
      head: `${name}, ${titles[1]} ${n}`,
      lines: [split.map((cell) => cell[1]!), ...under.filter((line) => line.some(Boolean))],
    };
  });
  const [head, ...lines] = tableLines(
    {
      titles: ["", ...titles.slice(2)],
      rows: parts.flatMap((part) => part.lines.map((line) => ["", ...line])),
    },
    columns,
  );
  return [head!, ...parts.flatMap((part) => [part.head, ...lines.splice(0, part.lines.length)])];
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
