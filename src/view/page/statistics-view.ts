// What a data set is made of, as `sekft inspect data --json` counts it.

import { formatCount, formatShare } from "../../base/format.ts";
import type { DataStatistics } from "../../data/statistics.ts";
import { h } from "./dom.ts";

/** JSON has no undefined: a length that is not known is absent. */
export type Statistics = DataStatistics;

const LISTED = 50;

export function statisticsElement(statistics: Statistics): HTMLElement {
  const { rows, kept, scenarios, duplicates, defects, warnings } = statistics;
  const fact = (name: string, value: number) =>
    h("div", { class: "fact" }, h("span", {}, name), h("b", {}, formatCount(value)));
  return h(
    "div",
    {},
    h(
      "div",
      { class: "facts" },
      fact("rows", rows),
      fact("kept", kept),
      fact("scenarios", scenarios),
      fact("duplicates", duplicates.length),
      fact("defects", defects.length),
    ),
    ...warnings.map((warning) => h("div", { class: "notice" }, warning)),
    h(
      "div",
      { class: "grid" },
      counts("Archetypes", statistics.archetypes, rows),
      counts("Outcomes", statistics.outcomes, rows),
      counts("Last word", statistics.terminals, kept),
      ...(["commands", "characters", "tokens"] as const).map((name) =>
        lengths(`${name} a row`, statistics[name]),
      ),
      counts("Refused by the encoder", statistics.refused, rows),
    ),
    listed(
      "Duplicates",
      duplicates.map(({ id, first }) => `${id} repeats ${first}`),
    ),
    listed(
      "Defects",
      defects.map(({ id, complaint, refused }) => `${id}: ${complaint}${refused ? " (not trained on)" : ""}`),
    ),
  );
}

function counts(title: string, values: Readonly<Record<string, number>>, total: number): HTMLElement | null {
  const sorted = Object.entries(values).sort((a, b) => b[1] - a[1]);
  return bars(
    title,
    sorted.map(([name, n]) => ({ name, n, words: `${formatCount(n)} · ${formatShare(n, total)}` })),
  );
}

function lengths(title: string, found: DataStatistics["tokens"]): HTMLElement | null {
  if (!found) return null;
  const { min, median, p90, max, total, histogram } = found;
  const words = `${formatCount(min)} to ${formatCount(max)}, median ${formatCount(median)}, p90 ${formatCount(p90)}, ${formatCount(total)} in all`;
  return bars(
    title,
    histogram.map(({ upTo, rows }) => ({
      name: `≤ ${formatCount(upTo)}`,
      n: rows,
      words: formatCount(rows),
    })),
    words,
  );
}

function bars(
  title: string,
  rows: readonly { readonly name: string; readonly n: number; readonly words: string }[],
  under = "",
): HTMLElement | null {
  if (rows.length === 0) return null;
  const most = Math.max(...rows.map(({ n }) => n), 1);
  const cells = rows.flatMap(({ name, n, words }) => {
    const bar = h("i", {});
    bar.style.width = `${(100 * n) / most}%`;
    bar.hidden = n === 0;
    return [h("span", {}, name), h("div", {}, bar), h("span", { class: "dim" }, words)];
  });
  return h(
    "section",
    { class: "panel" },
    h("h3", {}, title),
    h("div", { class: "counts" }, ...cells),
    under !== "" && h("p", { class: "dim" }, under),
  );
}

function listed(title: string, lines: readonly string[]): HTMLElement | null {
  if (lines.length === 0) return null;
  const more = lines.length > LISTED ? ` (first ${LISTED})` : "";
  return h(
    "details",
    {},
    h("summary", {}, `${title}: ${formatCount(lines.length)}${more}`),
    h("div", { class: "inside mono" }, ...lines.slice(0, LISTED).map((line) => h("div", {}, line))),
  );
}
