// Answers that take their judge with them, by judges that fail as told.

import { expect, test } from "bun:test";
import { type FailureKind, InfrastructureError } from "../../src/base/errors.ts";
import type { Answer } from "../../src/bench/answer.ts";
import type { Judgement } from "../../src/bench/judge/judgement.ts";
import type { Problem } from "../../src/bench/problem.ts";
import { type Bench, scoreAnswers } from "../../src/bench/score.ts";
import { readProblems } from "../../src/bench/suites/index.ts";

const passed: Judgement = { passed: true, result: "passed", extracted: true, checks: {}, durationMs: 1 };

/** Scores one answer to each problem; the judge of the first fails with `kind` the first `times` times. */
async function score(kind: FailureKind, times: number) {
  const { problems } = await readProblems("json", undefined);
  let failures = 0;
  const judge = (problem: Problem) => async () => {
    if (problem === problems[0] && failures < times) {
      failures++;
      throw new InfrastructureError(kind, "the world is gone");
    }
    return passed;
  };
  const bench: Bench = {
    judges: new Map(problems.map((problem) => [problem.id, { referenceMs: 1, judge: judge(problem) }])),
    excluded: [],
  };
  const answers = problems.map(
    ({ id }): Answer => ({ taskId: id, sample: 0, text: "", form: "chat", cut: false }),
  );
  const { scored } = await scoreAnswers(problems, answers, bench, {
    jobs: 2,
    signal: new AbortController().signal,
  });
  return scored.map((one) => one.answers[0]!.judgement);
}

test("a judge that died is tried once more", async () => {
  expect((await score("sandbox_dead", 1)).every((one) => one.passed)).toBe(true);
});

test("an answer that kills its judge twice has failed, and the run goes on", async () => {
  for (const kind of ["sandbox_dead", "oom"] as const) {
    const [first, ...others] = await score(kind, 2);
    expect(first).toMatchObject({
      passed: false,
      result: "failed: its sandbox died with it, twice (the world is gone)",
    });
    expect(others.every((one) => one.passed)).toBe(true);
  }
});

test("a sandbox that is gone for all stops the run", async () => {
  await expect(score("provider_dead", 2)).rejects.toThrow("the world is gone");
});
