// Validation loss, by transformers' definition and, where it is one of tokens, by token.

import { type Batch, makeBatch } from "../model/batch.ts";
import { type Metrics, type Objective, sumOf } from "./objective.ts";
import { labelCount, type Row } from "./rows.ts";
import { alone, type Share } from "./run-host.ts";

/** The validation set, and how much of it fits the device at once. */
export interface EvaluationInput {
  readonly rows: readonly Row[];
  readonly batchSize: number;
  readonly vocab: number;
  /** Labelled rows whose losses fit between two looks. */
  readonly lossCapacity: number;
}

/** Losses over the whole validation set. */
export interface Evaluation {
  /** Mean over rows of their batch's loss: transformers' `eval_loss` (trainer.py `evaluation_loop`). */
  readonly loss: number;
  /** Mean over all tokens; undefined where the loss is not one of tokens. */
  readonly tokenLoss: number | undefined;
  /** Mean over batches of what the objective logs, as TRL's trainers take it. */
  readonly metrics: Metrics;
  readonly rows: number;
  readonly batches: number;
  readonly seconds: number;
}

/** Runs the validation set in file order; undefined when `stop` says so on the way. */
export async function evaluateRows(
  objective: Objective,
  input: EvaluationInput,
  stop: () => boolean,
  share: Share = alone,
): Promise<Evaluation | undefined> {
  const { rows, batchSize, vocab, lossCapacity } = input;
  const began = performance.now();
  const done: { rows: number; loss: number; sum: number; labels: number; metrics: Metrics }[] = [];
  let waiting: { batch: Batch; rows: number }[] = [];
  let held = 0;
  const take = async () => {
    const results = await share(() => objective.take(waiting.map(({ batch }) => batch)));
    for (const [i, result] of results.entries()) {
      const { losses } = result;
      done.push({
        rows: waiting[i]!.rows,
        loss: objective.batchLoss(result),
        sum: sumOf(losses),
        labels: losses.length,
        metrics: objective.metrics(result),
      });
    }
    waiting = [];
    held = 0;
  };
  for (let from = 0; from < rows.length; from += batchSize) {
    const part = rows.slice(from, from + batchSize);
    const labels = part.reduce((sum, row) => sum + labelCount(row), 0);
    if (held + labels > lossCapacity) await take();
    // Signals are heard only while the program waits.
    await Bun.sleep(0);
    if (stop()) {
      await take();
      return undefined;
    }
    const batch = makeBatch(part.flat(), vocab);
    await share(() => objective.evaluate(batch));
    waiting.push({ batch, rows: part.length });
    held += labels;
  }
  await take();
  // A batch without labels has no mean; transformers would report NaN for the whole set.
  const counted = done.filter(({ labels }) => labels > 0);
  const total = (of: (batch: (typeof done)[number]) => number) =>
    counted.reduce((sum, batch) => sum + of(batch), 0);
  return {
    loss: total((batch) => batch.loss * batch.rows) / total((batch) => batch.rows),
    tokenLoss: objective.perToken ? total((batch) => batch.sum) / total((batch) => batch.labels) : undefined,
    metrics: meanMetrics(counted.map(({ metrics }) => metrics)),
    rows: rows.length,
    batches: done.length,
    seconds: (performance.now() - began) / 1000,
  };
}

/** Mean of each number over several micro-batches. */
export function meanMetrics(list: readonly Metrics[]): Metrics {
  const names = Object.keys(list[0] ?? {});
  return Object.fromEntries(
    names.map((name) => [name, list.reduce((sum, metrics) => sum + metrics[name]!, 0) / list.length]),
  );
}
