// Results across checkpoints: history.jsonl has one line a run, history.md a table and history.svg a chart of all of them.

import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.ts";
import { Journal } from "../base/journal.ts";
import { isFields } from "../data/turn-checks.ts";
import { historyChart } from "./chart.ts";
import { type HistoryRow, latestRuns } from "./history-row.ts";
import { percent } from "./words.ts";

/** The runs of one results folder. */
export class History implements Disposable {
  private readonly journal: Journal;
  readonly rows: HistoryRow[];

  /** Opens or begins `folder`/history.jsonl.
   *  @throws DataError for a damaged line */
  constructor(readonly folder: string) {
    this.journal = new Journal(join(folder, "history.jsonl"));
    this.rows = this.journal.records.filter(isRow);
  }

  /** The last run of another checkpoint over the same problems. */
  before(benchmark: string, label: string, problemsHash: string): HistoryRow | undefined {
    return this.rows.findLast(
      (row) => row.benchmark === benchmark && row.label !== label && row.problems_hash === problemsHash,
    );
  }

  /** Adds a run and writes table and chart anew. */
  add(row: HistoryRow): void {
    this.journal.append(row);
    this.rows.push(row);
    writeFileAtomic(join(this.folder, "history.md"), historyTable(this.rows));
    writeFileAtomic(join(this.folder, "history.svg"), historyChart(this.rows));
  }

  [Symbol.dispose](): void {
    this.journal[Symbol.dispose]();
  }
}

function isRow(value: unknown): value is HistoryRow {
  return isFields(value) && typeof value.benchmark === "string" && typeof value.label === "string";
}

function historyTable(rows: readonly HistoryRow[]): string {
  const { labels, benchmarks, at } = latestRuns(rows);
  const cell = (row: HistoryRow | undefined) =>
    row === undefined
      ? ""
      : `${row.passed}/${row.n} ${percent(row.pass_at_1)} [${percent(row.low)}, ${percent(row.high)}]`;
  const line = (cells: readonly string[]) =>
    `| ${cells.map((one) => one.replaceAll("|", "\\|")).join(" | ")} |`;
  const mixed = benchmarks.filter(
    (benchmark) => new Set(labels.flatMap((label) => at(label, benchmark)?.problems_hash ?? [])).size > 1,
  );
  return [
    "# Benchmarks across checkpoints",
    "",
    "pass@1 of the last run of each checkpoint, with Wilson's 95 % interval.",
    "",
    line(["checkpoint", ...benchmarks]),
    line(["---", ...benchmarks.map(() => "---:")]),
    ...labels.map((label) => line([label, ...benchmarks.map((benchmark) => cell(at(label, benchmark)))])),
    ...(mixed.length > 0
      ? [
          "",
          `Not all runs of ${mixed.join(", ")} had the same problems: their figures are not to be compared.`,
        ]
      : []),
    "",
    "![chart](history.svg)",
    "",
  ].join("\n");
}
