// Figures as lines for a terminal.

import { formatTable } from "../base/format.ts";
import type { BenchComparison, BenchResult } from "./result.ts";

/** `12.5 %`; `-` for nothing. */
export function percent(share: number | null): string {
  return share === null ? "-" : `${(100 * share).toFixed(1)} %`;
}

/** A table of results and what is worth saying about each. */
export function resultLines(results: readonly BenchResult[], width: number): string[] {
  const rows = results.map(({ benchmark, n, passed, pass_at_1, wilson, extraction_failures, excluded }) => [
    benchmark,
    `${passed}/${n}`,
    percent(pass_at_1),
    wilson.low === null ? "-" : `${percent(wilson.low)} to ${percent(wilson.high)}`,
    String(extraction_failures),
    String(excluded.length),
  ]);
  return [
    ...formatTable(
      [
        { title: "benchmark" },
        { title: "passed", align: "right" },
        { title: "pass@1", align: "right" },
        { title: "95 %", align: "right" },
        { title: "no answer", align: "right" },
        { title: "left out", align: "right" },
      ],
      rows,
      width,
    ),
    ...results.flatMap((result) => [
      ...figureLines(result),
      ...result.comparisons.map(comparisonLine(result)),
    ]),
  ];
}

function figureLines({ benchmark, figures, pass_at }: BenchResult): string[] {
  const more = Object.entries(pass_at).filter(([k]) => k !== "1");
  const parts = [
    ...more.map(([k, share]) => `pass@${k} ${percent(share)}`),
    ...Object.entries(figures).map(([name, { x, n }]) => `${name} ${x}/${n}`),
  ];
  return parts.length === 0 ? [] : [`${benchmark}: ${parts.join(", ")}`];
}

const comparisonLine =
  ({ benchmark }: BenchResult) =>
  ({ against, n, gained, lost, delta, p, needs_discordant, differences }: BenchComparison): string => {
    const change = delta === null ? "-" : `${delta >= 0 ? "+" : ""}${percent(delta)}`;
    const few =
      gained.length + lost.length < needs_discordant
        ? `; needs at least ${needs_discordant} that differ`
        : "";
    const unlike = differences.length === 0 ? "" : ` (${differences.join(", ")})`;
    return `${benchmark} against ${against}: ${change} over ${n} problems, ${gained.length} gained, ${lost.length} lost, p ${p.toFixed(3)}${few}${unlike}`;
  };
