// What became of the samples: counts for the progress line, the summary file and the last words of a run.

import { isClean } from "../../agent/outcome.ts";
import { formatShare } from "../../base/format.ts";
import type { Outcome } from "../../data/trajectory.ts";
import type { SampleRecord } from "./keep.ts";

/** Kept and finished samples of something. */
interface Yield {
  finished: number;
  kept: number;
}

/** summary.json. */
export interface RolloutSummary extends Yield {
  /** Samples that the scenarios give; null when scenarios are made as needed. */
  samples: number | null;
  /** Kept trajectories asked for. */
  goal: number | null;
  /** Share of the finished that were kept; null when there are none. */
  yield: number | null;
  outcomes: Record<string, number>;
  archetypes: Record<string, Yield>;
  models: Record<string, Yield>;
  /** Why samples were not kept, each reason by itself. */
  reasons: Record<string, number>;
  /** Samples that the machinery failed and that are missing. */
  failures: number;
  failure_kinds: Record<string, number>;
}

/** Counts as samples come in. */
export class Tally {
  finished = 0;
  kept = 0;
  readonly failures = new Map<string, string>();
  private readonly keptOf = new Map<string, number>();
  private readonly outcomes: Record<string, number> = {};
  private readonly archetypes: Record<string, Yield> = {};
  private readonly models: Record<string, Yield> = {};
  private readonly reasons: Record<string, number> = {};

  /** Kept samples of `scenarios`: a run that goes on counts what it counted before, whatever came later. */
  keptAmong(scenarios: readonly { readonly id: string }[]): number {
    return scenarios.reduce((sum, { id }) => sum + (this.keptOf.get(id) ?? 0), 0);
  }

  /** A finished sample. */
  add(record: SampleRecord): void {
    if (record.keep) this.keptOf.set(record.scenario_id, (this.keptOf.get(record.scenario_id) ?? 0) + 1);
    this.failures.delete(record.id);
    count(this.outcomes, record.outcome);
    for (const cell of [this, cellOf(this.archetypes, record.archetype), cellOf(this.models, record.model)]) {
      cell.finished++;
      if (record.keep) cell.kept++;
    }
    // Numbers and names in a reason would make each one its own.
    for (const reason of record.reason?.split("; ") ?? [])
      count(this.reasons, reason.replace(/^(prose|trace of the harness).*/, "$1"));
  }

  /** A sample that the machinery failed. */
  fail(id: string, kind: string): void {
    this.failures.set(id, kind);
  }

  /** `kept 12/15 (80 %)  success 11, correct_panic 1, premature_exit 3`. */
  status(): string {
    const clean = (name: string) => Number(isClean(name as Outcome));
    const outcomes = Object.entries(this.outcomes)
      .sort(([a, x], [b, y]) => clean(b) - clean(a) || y - x)
      .map(([name, n]) => `${name} ${n}`);
    const failed = this.failures.size === 0 ? [] : [`failed ${this.failures.size}`];
    const share = this.finished === 0 ? "" : ` (${formatShare(this.kept, this.finished)})`;
    return `kept ${this.kept}/${this.finished}${share}  ${[...outcomes, ...failed].join(", ")}`.trimEnd();
  }

  /** The file. */
  summary(samples: number | null, goal: number | null): RolloutSummary {
    const kinds: Record<string, number> = {};
    for (const kind of this.failures.values()) count(kinds, kind);
    return {
      samples,
      goal,
      finished: this.finished,
      kept: this.kept,
      yield: this.finished === 0 ? null : this.kept / this.finished,
      outcomes: this.outcomes,
      archetypes: sorted(this.archetypes),
      models: sorted(this.models),
      reasons: this.reasons,
      failures: this.failures.size,
      failure_kinds: kinds,
    };
  }
}

function count(record: Record<string, number>, name: string): void {
  record[name] = (record[name] ?? 0) + 1;
}

function cellOf(record: Record<string, Yield>, name: string): Yield {
  record[name] ??= { finished: 0, kept: 0 };
  return record[name];
}

function sorted<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
