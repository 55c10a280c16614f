// How many candidates each label lets through, and what most often stands in the way.

import { formatCount, formatShare, formatTable } from "../base/format.ts";
import { LABELS, type Label } from "./candidate.ts";
import type { Judgement } from "./judge.ts";

/** Counts of one label. */
export interface LabelYield {
  readonly true: number;
  readonly false: number;
  readonly null: number;
}

/** What `--json` prints. */
export interface YieldReport {
  readonly rows: number;
  readonly labels: Readonly<Record<Label, LabelYield>>;
  /** Accepted and all rows of each language. */
  readonly languages: Readonly<Record<string, { readonly rows: number; readonly accepted: number }>>;
  /** Labels that rows fail alone or together -> rows. */
  readonly failures: Readonly<Record<string, number>>;
  /** Ids whose reference fails its own tests. */
  readonly excluded: readonly string[];
  readonly repaired: number;
}

/** Counts judgements. */
export class YieldTally {
  #rows = 0;
  #repaired = 0;
  readonly #labels = Object.fromEntries(
    LABELS.map((label) => [label, { true: 0, false: 0, null: 0 }]),
  ) as Record<Label, { true: number; false: number; null: number }>;
  readonly #languages = new Map<string, { rows: number; accepted: number }>();
  readonly #failures = new Map<string, number>();
  readonly #excluded: string[] = [];

  /** Adds one row. */
  add(id: string, { labels, evidence, language }: Judgement, repaired: boolean): void {
    this.#rows++;
    if (repaired) this.#repaired++;
    for (const label of LABELS) this.#labels[label][`${labels[label]}` as "true" | "false" | "null"]++;
    const own = this.#languages.get(language) ?? { rows: 0, accepted: 0 };
    this.#languages.set(language, {
      rows: own.rows + 1,
      accepted: own.accepted + (labels.accepted === true ? 1 : 0),
    });
    if (labels.accepted === false)
      this.#failures.set(evidence.accepted, (this.#failures.get(evidence.accepted) ?? 0) + 1);
    if (/^the reference fails/.test(evidence.tests_pass)) this.#excluded.push(id);
  }

  report(): YieldReport {
    return {
      rows: this.#rows,
      labels: this.#labels,
      languages: Object.fromEntries([...this.#languages].toSorted((a, b) => b[1].rows - a[1].rows)),
      failures: Object.fromEntries([...this.#failures].toSorted((a, b) => b[1] - a[1])),
      excluded: this.#excluded,
      repaired: this.#repaired,
    };
  }
}

/** The report for people. */
export function yieldLines(report: YieldReport): string[] {
  const rows = LABELS.map((label) => {
    const counts = report.labels[label];
    const judged = counts.true + counts.false;
    return [
      label,
      ...[counts.true, counts.false, counts.null].map(formatCount),
      formatShare(counts.true, judged),
    ];
  });
  const columns = [
    { title: "label" },
    ...["true", "false", "null", "yield"].map((title) => ({ title, align: "right" as const })),
  ];
  const failures = Object.entries(report.failures).slice(0, 8);
  return [
    ...formatTable(columns, rows),
    ...Object.entries(report.languages).map(
      ([language, one]) => `  ${language.padEnd(12)} ${one.accepted}/${one.rows} accepted`,
    ),
    ...failures.map(([labels, count]) => `  not accepted: ${labels} (${count})`),
    ...report.excluded.slice(0, 20).map((id) => `  excluded, its reference fails its own tests: ${id}`),
    ...(report.repaired > 0 ? [`  repaired: ${report.repaired}`] : []),
  ];
}
