// One run of one benchmark as the history keeps it, and the last run of each checkpoint.

import { type Passes, passesOf } from "./compare.ts";
import type { BenchResult } from "./result.ts";

/** One run in the history. */
export interface HistoryRow {
  readonly benchmark: string;
  /** The checkpoint. */
  readonly label: string;
  readonly started: string;
  readonly n: number;
  readonly passed: number;
  readonly pass_at_1: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly problems_hash: string;
  readonly prompt_style: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly passes: Passes;
}

/** The row of a result. */
export function historyRow(label: string, result: BenchResult): HistoryRow {
  return {
    benchmark: result.benchmark,
    label,
    started: result.started,
    n: result.n,
    passed: result.passed,
    pass_at_1: result.pass_at_1,
    low: result.wilson.low,
    high: result.wilson.high,
    problems_hash: result.problems.hash,
    prompt_style: result.prompt_style,
    settings: result.settings,
    passes: passesOf(result),
  };
}

/** Checkpoints in the order in which they first came, the last run of each. */
export function latestRuns(rows: readonly HistoryRow[]): {
  readonly labels: readonly string[];
  readonly benchmarks: readonly string[];
  readonly at: (label: string, benchmark: string) => HistoryRow | undefined;
} {
  return {
    labels: [...new Set(rows.map(({ label }) => label))],
    benchmarks: [...new Set(rows.map(({ benchmark }) => benchmark))],
    at: (label, benchmark) => rows.findLast((row) => row.label === label && row.benchmark === benchmark),
  };
}
