// Answers against judges: references first, then every answer, several at once; a problem whose reference fails is left out by name.

import { InfrastructureError } from "../base/errors.ts";
import type { Answer } from "./answer.ts";
import { openJudge } from "./judge/index.ts";
import type { Judge, Judgement, Machinery } from "./judge/judgement.ts";
import type { Problem } from "./problem.ts";

/** An answer and what is said of it. */
export interface Scored {
  readonly answer: Answer;
  readonly judgement: Judgement;
}

/** A problem that counts. */
export interface ScoredProblem {
  readonly problem: Problem;
  readonly referenceMs: number;
  /** In the order of their samples; empty: nobody answered. */
  readonly answers: readonly Scored[];
}

/** A problem that does not count, and why. */
export interface Excluded {
  readonly task_id: string;
  readonly reason: string;
}

export interface Scores {
  readonly scored: readonly ScoredProblem[];
  readonly excluded: readonly Excluded[];
}

/** A judge for each problem that can be judged. */
export interface Bench {
  readonly judges: ReadonlyMap<string, Extract<Judge, { readonly judge: unknown }>>;
  readonly excluded: readonly Excluded[];
}

/** Tries every reference.
 *  @throws InfrastructureError, UserError of the sandbox; Interrupted when `signal` is given up */
export async function openBench(
  problems: readonly Problem[],
  run: {
    readonly machinery: Machinery;
    readonly jobs: number;
    readonly signal: AbortSignal;
    readonly onReference?: () => void;
  },
): Promise<Bench> {
  const judges = new Map<string, Extract<Judge, { readonly judge: unknown }>>();
  const reasons = new Map<string, string>();
  await inParallel(problems, run.jobs, run.signal, async (problem) => {
    const judge = await openJudge(problem, run.machinery, run.signal);
    if ("unusable" in judge) reasons.set(problem.id, judge.unusable);
    else judges.set(problem.id, judge);
    run.onReference?.();
  });
  const excluded = problems.flatMap(({ id }) => {
    const reason = reasons.get(id);
    return reason === undefined ? [] : [{ task_id: id, reason }];
  });
  return { judges, excluded };
}

/** Judges `answers`; what the sandbox fails is tried once more. An answer whose world dies with it twice has failed.
 *  @throws InfrastructureError when the sandbox itself is gone; Interrupted when `signal` is given up */
export async function scoreAnswers(
  problems: readonly Problem[],
  answers: readonly Answer[],
  bench: Bench,
  run: {
    readonly jobs: number;
    readonly signal: AbortSignal;
    readonly onAnswer?: (judgement: Judgement) => void;
  },
): Promise<Scores> {
  const scored = new Map<string, Scored[]>();
  const usable = answers.filter(({ taskId }) => bench.judges.has(taskId));
  await inParallel(usable, run.jobs, run.signal, async (answer) => {
    const { judge } = bench.judges.get(answer.taskId)!;
    const judgement = await judge(answer).catch((error: unknown) => {
      if (!(error instanceof InfrastructureError) || run.signal.aborted) throw error;
      return judge(answer).catch((again: unknown) => {
        if (again instanceof InfrastructureError && !run.signal.aborted && diesAlone(again))
          return killedJudge(again);
        throw again;
      });
    });
    scored.set(answer.taskId, [...(scored.get(answer.taskId) ?? []), { answer, judgement }]);
    run.onAnswer?.(judgement);
  });
  return {
    excluded: bench.excluded,
    scored: problems.flatMap((problem) => {
      const judge = bench.judges.get(problem.id);
      if (judge === undefined) return [];
      const own = (scored.get(problem.id) ?? []).toSorted((a, b) => a.answer.sample - b.answer.sample);
      return [{ problem, referenceMs: judge.referenceMs, answers: own }];
    }),
  };
}

/** True where one world died and not what holds all of them. */
function diesAlone({ kind }: InfrastructureError): boolean {
  return kind === "sandbox_dead" || kind === "oom";
}

function killedJudge({ message }: InfrastructureError): Judgement {
  return {
    passed: false,
    result: `failed: its sandbox died with it, twice (${message})`,
    extracted: true,
    checks: {},
    durationMs: 0,
  };
}

/** Runs `work` on every item, `jobs` at once; the first failure stops the rest. */
export async function inParallel<T>(
  items: readonly T[],
  jobs: number,
  signal: AbortSignal,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  let failure: unknown;
  const worker = async () => {
    for (const item of queue) {
      if (failure !== undefined) return;
      try {
        signal.throwIfAborted();
        await work(item);
      } catch (error) {
        failure ??= error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, jobs) }, worker));
  if (failure !== undefined) throw failure;
}
