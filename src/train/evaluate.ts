// Validation loss, by transformers' definition and by token.

import { type Batch, makeBatch } from "../model/batch.ts";
import { labelCount, type Row } from "./rows.ts";
import { alone, type Share } from "./run-host.ts";

/** The part of a model that evaluation needs. */
export interface EvaluatedModel {
  evaluate(batch: Batch): void;
  takeLosses(): Promise<Float32Array>;
}

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
  /** Mean over rows of their batch's token mean: transformers' `eval_loss` (trainer.py `evaluation_loop`). */
  readonly loss: number;
  /** Mean over all tokens. */
  readonly tokenLoss: number;
  readonly rows: number;
  readonly batches: number;
  readonly seconds: number;
}

/** Runs the validation set in file order; undefined when `stop` says so on the way. */
export async function evaluateRows(
  model: EvaluatedModel,
  input: EvaluationInput,
  stop: () => boolean,
  share: Share = alone,
): Promise<Evaluation | undefined> {
  const { rows, batchSize, vocab, lossCapacity } = input;
  const began = performance.now();
  const sums: { sum: number; labels: number; rows: number }[] = [];
  let waiting: number[] = [];
  let held = 0;
  const take = async () => {
    const losses = await share(() => model.takeLosses());
    let at = 0;
    for (const index of waiting) {
      const batch = sums[index]!;
      for (let i = 0; i < batch.labels; i++) batch.sum += losses[at++]!;
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
    await share(() => model.evaluate(makeBatch(part.flat(), vocab)));
    waiting.push(sums.length);
    held += labels;
    sums.push({ sum: 0, labels, rows: part.length });
  }
  await take();
  // A batch without labels has no mean; transformers would report NaN for the whole set.
  const counted = sums.filter(({ labels }) => labels > 0);
  const total = (of: (batch: (typeof sums)[number]) => number) =>
    counted.reduce((sum, batch) => sum + of(batch), 0);
  return {
    loss: total((batch) => (batch.sum / batch.labels) * batch.rows) / total((batch) => batch.rows),
    tokenLoss: total((batch) => batch.sum) / total((batch) => batch.labels),
    rows: rows.length,
    batches: sums.length,
    seconds: (performance.now() - began) / 1000,
  };
}
