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

/** Asks every problem `samples` times, `jobs` at once.
 *  @throws InfrastructureError of the model; Interrupted when `signal` is given up */
export async function drawAnswers(
  problems: readonly Problem[],
  model: Model,
  drawing: Drawing,
  run: { readonly jobs: number; readonly signal: AbortSignal; readonly onAnswer?: () => void },
): Promise<Answer[]> {
  const { samples, seed, temperature, topP, maxTokens } = drawing;
  const tasks = problems.flatMap((problem) =>
    Array.from({ length: samples }, (_, sample) => ({ problem, sample })),
  );
  const answers: Answer[] = [];
  await inParallel(tasks, run.jobs, run.signal, async ({ problem, sample }) => {
    const settings = { temperature, topP, seed: seed + sample, maxTokens };
    const reply = await model.generate([{ role: "user", content: problem.prompt }], settings, run.signal);
    answers.push({
      taskId: problem.id,
      sample,
      text: reply.content,
      form: "chat",
      cut: reply.finish === "length",
    });
    run.onAnswer?.();
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
