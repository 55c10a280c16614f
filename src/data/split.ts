// A validation split that keeps neighbours together: rows of one scenario share a world, so a split by row would leak.

import { UserError } from "../base/errors.ts";
import { randperm } from "./order.ts";

/** Rows to train on and rows to validate with. */
export interface Split<R> {
  readonly train: readonly R[];
  readonly validation: readonly R[];
}

/** Moves whole scenarios, in a random order from `seed`, to validation until it holds at least `share` of the rows.
 *  Both sides keep the order of the file. Rows without a scenario stand for themselves.
 *  @throws UserError when one side would be empty. */
export function splitByScenario<R extends { readonly scenarioId?: string }>(
  sequences: readonly R[],
  share: number,
  seed: number,
): Split<R> {
  const groups = new Map<string, number[]>();
  for (const [i, sequence] of sequences.entries()) {
    const key = sequence.scenarioId === undefined ? `row ${i}` : `scenario ${sequence.scenarioId}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [i]);
    else group.push(i);
  }
  const wanted = Math.max(1, Math.round(sequences.length * share));
  const lists = [...groups.values()];
  const chosen = new Set<number>();
  for (const index of randperm(lists.length, seed)) {
    if (chosen.size >= wanted) break;
    for (const row of lists[index]!) chosen.add(row);
  }
  const validation = sequences.filter((_, i) => chosen.has(i));
  const train = sequences.filter((_, i) => !chosen.has(i));
  if (train.length === 0)
    throw new UserError(
      `--validation-split: expected at least two scenarios, got ${lists.length} (rows of one scenario stay together)`,
      {
        hint: "give a file with --validation-data instead",
      },
    );
  return { train, validation };
}
