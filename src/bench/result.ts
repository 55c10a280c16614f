// What stands in results/<benchmark>.json: counts, pass@k, intervals, figures, and one entry a problem.

import type { Interval } from "../eval/statistics/newcombe.ts";
import { passAtK } from "../eval/statistics/pass-at-k.ts";
import { type Rate, wilson } from "../eval/statistics/wilson.ts";
import type { ProblemSet } from "./problem.ts";
import type { Excluded, ScoredProblem, Scores } from "./score.ts";

/** One problem of a result. */
export interface Entry {
  readonly task_id: string;
  /** Of the first answer: `passed`, `timed out`, `failed: ...`, `no answer: ...`. */
  readonly result: string;
  readonly passed: boolean;
  readonly extracted: boolean;
  /** Figures of the first answer. */
  readonly checks: Readonly<Record<string, boolean | null>>;
  /** Answers, and how many of them passed. */
  readonly samples: number;
  readonly samples_passed: number;
  /** Of every answer, where there are several. */
  readonly results?: readonly string[];
  readonly reference_ms: number;
  readonly duration_ms: number;
}

/** A result against an earlier one. */
export interface BenchComparison {
  /** What the earlier one is called. */
  readonly against: string;
  /** Problems that both have. */
  readonly n: number;
  readonly lost: readonly string[];
  readonly gained: readonly string[];
  /** Share of this result less that of the earlier one; null without pairs. */
  readonly delta: number | null;
  readonly interval: Interval | null;
  /** McNemar's exact p and mid-p. */
  readonly p: number;
  readonly mid_p: number;
  /** Problems that must differ, all in one direction, for p <= 0.05. */
  readonly needs_discordant: number;
  /** What was not alike, in words; empty when only the model was another. */
  readonly differences: readonly string[];
}

/** One benchmark of one model. */
export interface BenchResult {
  readonly version: 1;
  readonly benchmark: string;
  readonly model: Readonly<Record<string, unknown>>;
  readonly started: string;
  readonly sekft: { readonly version: string; readonly commit: string };
  /** Answers that count, a missing one as a failure; and those that passed. */
  readonly n: number;
  readonly passed: number;
  /** Mean over the problems of the unbiased estimate; null without problems. */
  readonly pass_at_1: number | null;
  /** For 1, 10 and 100 where every problem has that many answers. */
  readonly pass_at: Readonly<Record<string, number>>;
  /** pass@1 over the problems (of a problem with several answers its share counts), with Wilson's 95 % interval. */
  readonly wilson: Rate;
  /** Shares of the first answers that have each figure. */
  readonly figures: Readonly<Record<string, Rate>>;
  /** Answers with nothing in them that could be judged. */
  readonly extraction_failures: number;
  /** Answers cut by the limit of tokens. */
  readonly cut: number;
  /** Problems without an answer. */
  readonly unanswered: number;
  readonly excluded: readonly Excluded[];
  readonly problems: { readonly file: string | null; readonly hash: string };
  readonly prompt_style: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly machinery: Readonly<Record<string, unknown>>;
  /** Against earlier results, problem by problem. */
  readonly comparisons: readonly BenchComparison[];
  readonly entries: readonly Entry[];
}

/** Counts the scores. */
export function benchResult(
  scores: Scores,
  about: {
    readonly benchmark: string;
    readonly set: ProblemSet;
    readonly model: Readonly<Record<string, unknown>>;
    readonly started: string;
    readonly sekft: BenchResult["sekft"];
    readonly settings: Readonly<Record<string, unknown>>;
    readonly machinery: Readonly<Record<string, unknown>>;
    readonly promptStyle: string;
  },
): BenchResult {
  const { scored, excluded } = scores;
  const entries = scored.map(toEntry);
  const answers = scored.flatMap((one) => one.answers);
  const unanswered = entries.filter(({ samples }) => samples === 0).length;
  const passAt = Object.fromEntries(
    [1, 10, 100].flatMap((k) => {
      const mean = meanPassAtK(entries, k);
      return mean === null ? [] : [[k, mean]];
    }),
  );
  return {
    version: 1,
    benchmark: about.benchmark,
    model: about.model,
    started: about.started,
    sekft: about.sekft,
    n: answers.length + unanswered,
    passed: answers.filter(({ judgement }) => judgement.passed).length,
    pass_at_1: passAt["1"] ?? null,
    pass_at: passAt,
    wilson: wilson(
      entries.reduce((sum, one) => sum + one.samples_passed / Math.max(1, one.samples), 0),
      entries.length,
    ),
    figures: figuresOf(entries),
    extraction_failures: answers.filter(({ judgement }) => !judgement.extracted).length,
    cut: answers.filter(({ answer }) => answer.cut).length,
    unanswered,
    excluded,
    problems: { file: about.set.file, hash: about.set.hash },
    prompt_style: about.promptStyle,
    settings: about.settings,
    machinery: about.machinery,
    comparisons: [],
    entries,
  };
}

function toEntry({ problem, referenceMs, answers }: ScoredProblem): Entry {
  const first = answers[0]?.judgement;
  return {
    task_id: problem.id,
    result: first?.result ?? "no answer: there is none",
    passed: first?.passed ?? false,
    extracted: first?.extracted ?? false,
    checks: first?.checks ?? {},
    samples: answers.length,
    samples_passed: answers.filter(({ judgement }) => judgement.passed).length,
    ...(answers.length > 1 && { results: answers.map(({ judgement }) => judgement.result) }),
    reference_ms: Math.round(referenceMs),
    duration_ms: Math.round(first?.durationMs ?? 0),
  };
}

/** A problem without an answer counts as one that failed once; null when some problem has fewer than k answers. */
function meanPassAtK(entries: readonly Entry[], k: number): number | null {
  if (entries.length === 0) return null;
  const each = entries.map(({ samples, samples_passed }) => passAtK(Math.max(1, samples), samples_passed, k));
  if (each.some((one) => one === null)) return null;
  return each.reduce<number>((sum, one) => sum + one!, 0) / entries.length;
}

function figuresOf(entries: readonly Entry[]): Record<string, Rate> {
  const names = [...new Set(entries.flatMap(({ checks }) => Object.keys(checks)))];
  return Object.fromEntries(
    names.map((name) => {
      const own = entries.flatMap(({ checks }) => {
        const value = checks[name];
        return value === undefined || value === null ? [] : [value];
      });
      return [name, wilson(own.filter(Boolean).length, own.length)];
    }),
  );
}

/** Warnings that a reader must not miss. */
export function resultWarnings(result: BenchResult): string[] {
  const { benchmark, n, extraction_failures: none, cut, unanswered, excluded, entries } = result;
  const answered = n - unanswered;
  return [
    ...excluded.map(({ task_id, reason }) => `bench ${benchmark}: ${task_id} is left out: ${reason}`),
    ...(unanswered > 0
      ? [
          `bench ${benchmark}: ${unanswered} of ${entries.length} problems have no answer; they count as failed`,
        ]
      : []),
    ...(2 * none > answered
      ? [
          `bench ${benchmark}: nothing to judge could be taken out of ${none} of ${answered} answers; the figure says more about the form of the answers than about what they solve`,
        ]
      : []),
    ...(10 * cut > n
      ? [
          `bench ${benchmark}: ${cut} of ${n} answers were cut by the limit of tokens; give more with --max-tokens`,
        ]
      : []),
  ];
}
