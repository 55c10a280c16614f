// The statistics of a data set on the terminal.

import { formatCount, formatShare, formatTable } from "../../base/format.ts";
import type { Counts, DataStatistics, Lengths } from "../statistics.ts";

const BAR = 40;
/** Defects and duplicates listed by name; the rest is a number. */
const LISTED = 20;

/** Lines of a report, sections parted by blank lines. */
export function statisticsLines(statistics: DataStatistics, columns: number): string[] {
  const { rows, kept, scenarios, duplicates, defects, warnings } = statistics;
  const lines = [
    `rows        ${formatCount(rows)}, kept ${formatCount(kept)}${scenarios > 0 ? `, of ${formatCount(scenarios)} scenarios` : ""}`,
  ];
  lines.push("", ...countTable("archetype", statistics.archetypes, rows, columns));
  lines.push("", ...countTable("outcome", statistics.outcomes, rows, columns));
  lines.push("", ...countTable("last word", statistics.terminals, kept, columns));
  for (const [what, lengths] of [
    ["commands a row", statistics.commands],
    ["characters a row", statistics.characters],
    ["tokens a row", statistics.tokens],
  ] as const)
    if (lengths !== undefined) lines.push("", ...lengthLines(what, lengths));
  for (const [code, n] of Object.entries(statistics.refused))
    lines.push("", `refused     ${code} ${formatCount(n)}`);
  lines.push("", `duplicates  ${duplicates.length === 0 ? "none" : formatCount(duplicates.length)}`);
  lines.push(...listed(duplicates, ({ id, first }) => `  ${id} repeats ${first}`));
  lines.push(`defects     ${defects.length === 0 ? "none" : formatCount(defects.length)}`);
  lines.push(
    ...listed(
      defects,
      ({ id, complaint, refused }) => `  ${id}: ${complaint}${refused ? " (not trained on)" : ""}`,
    ),
  );
  for (const warning of warnings) lines.push(`warning     ${warning}`);
  return lines;
}

function listed<T>(items: readonly T[], line: (item: T) => string): string[] {
  const lines = items.slice(0, LISTED).map(line);
  if (items.length > LISTED)
    lines.push(`  and ${formatCount(items.length - LISTED)} more (--json lists all)`);
  return lines;
}

function countTable(title: string, counts: Counts, total: number, columns: number): string[] {
  const right = { align: "right" } as const;
  const rows = Object.entries(counts)
    .sort((a, b) => b[1] - a[1])
    .map(([name, n]) => [name, formatCount(n), formatShare(n, total)]);
  return formatTable([{ title }, { title: "rows", ...right }, { title: "share", ...right }], rows, columns);
}

/** Range, quartiles and a histogram of lengths. */
export function lengthLines(what: string, lengths: Lengths): string[] {
  const { total, min, median, p90, max, histogram } = lengths;
  const most = Math.max(...histogram.map(({ rows }) => rows));
  const head = `${what}: ${formatCount(min)} to ${formatCount(max)}, median ${formatCount(median)}, p90 ${formatCount(p90)}, ${formatCount(total)} in all`;
  const width = formatCount(histogram.at(-1)!.upTo).length;
  return [
    head,
    ...histogram.map(
      ({ upTo, rows }) =>
        `  up to ${formatCount(upTo).padStart(width)}  ${"#".repeat(Math.ceil((BAR * rows) / most))}${rows > 0 ? " " : ""}${formatCount(rows)}`,
    ),
  ];
}
