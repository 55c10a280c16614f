// What a probe found, as lines for a terminal.

import { formatTable } from "../base/format.ts";
import { percent } from "../bench/words.ts";
import type { Rate } from "../eval/statistics/wilson.ts";

/** A table of figures with Wilson's intervals, and what fell short. */
export function probeLines(
  found: {
    readonly passed: boolean;
    readonly reasons: readonly string[];
    readonly figures: Readonly<Record<string, Rate>>;
  },
  title: string,
  width: number,
): string[] {
  const rows = Object.entries(found.figures)
    .filter(([, { n }]) => n > 0)
    .map(([name, { x, n, rate, low, high }]) => [
      name,
      `${x}/${n}`,
      percent(rate),
      low === null ? "-" : `${percent(low)} to ${percent(high)}`,
    ]);
  const columns = [
    { title },
    { title: "answers", align: "right" },
    { title: "share", align: "right" },
    { title: "95 %", align: "right" },
  ] as const;
  return [
    ...formatTable(columns, rows, width),
    found.passed ? "passed" : `failed: ${found.reasons.join("; ")}`,
  ];
}
