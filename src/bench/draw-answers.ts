// Answers of a model: one turn a problem, as many samples as asked for.

import type { Model } from "../agent/contract.ts";
import type { Answer } from "./answer.ts";
import type { Problem } from "./problem.ts";
import { inParallel } from "./score.ts";

/** How answers are drawn. */
export interface Drawing {
  readonly samples: number;
  readonly temperature: number;
  readonly topP: number;
  readonly seed: number;
  readonly maxTokens: number;
}

/** Asks every problem `samples` times, `jobs` at once; of what is `known` nothing is asked again.
 *  @param run.onAnswer called with every answer that is drawn, as soon as it is there
 *  @returns all of them, in the order of the problems
 *  @throws InfrastructureError of the model; Interrupted when `signal` is given up */
export async function drawAnswers(
  problems: readonly Problem[],
  model: Model,
  drawing: Drawing,
  run: {
    readonly jobs: number;
    readonly signal: AbortSignal;
    readonly known: readonly Answer[];
    readonly onAnswer: (answer: Answer) => void;
  },
): Promise<Answer[]> {
  const { samples, seed, temperature, topP, maxTokens } = drawing;
  const key = (taskId: string, sample: number) => `${sample} ${taskId}`;
  const known = new Set(run.known.map(({ taskId, sample }) => key(taskId, sample)));
  const tasks = problems.flatMap((problem) =>
    Array.from({ length: samples }, (_, sample) => ({ problem, sample })).filter(
      ({ sample }) => !known.has(key(problem.id, sample)),
    ),
  );
  const answers = [...run.known];
  await inParallel(tasks, run.jobs, run.signal, async ({ problem, sample }) => {
    const settings = { temperature, topP, seed: seed + sample, maxTokens };
    const reply = await model.generate([{ role: "user", content: problem.prompt }], settings, run.signal);
    const answer: Answer = {
      taskId: problem.id,
      sample,
      text: reply.content,
      form: "chat",
      cut: reply.finish === "length",
    };
    answers.push(answer);
    run.onAnswer(answer);
  });
  const order = new Map(problems.map(({ id }, i) => [id, i]));
  return answers.sort((a, b) => order.get(a.taskId)! - order.get(b.taskId)! || a.sample - b.sample);
}

/** Tokens of the longest prompt; undefined where the model does not count. */
export async function longestPrompt(problems: readonly Problem[], model: Model): Promise<number | undefined> {
  if (model.countTokens === undefined) return undefined;
  let longest = 0;
  for (const { prompt } of problems)
    longest = Math.max(longest, await model.countTokens([{ role: "user", content: prompt }]));
  return longest;
}
