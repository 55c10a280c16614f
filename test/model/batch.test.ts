import { expect, test } from "bun:test";
import { intervals, makeBatch } from "../../src/model/batch.ts";

/** Brute force: every pair, by the definition. */
function seen(starts: readonly number[], window: number | undefined, i: number, j: number): boolean {
  const start = Math.max(...starts.filter((s) => s <= i));
  return j >= start && j <= i && (window === undefined || i - window < j);
}

test("intervals say exactly which query sees which key, packed and windowed", () => {
  for (const lengths of [[1], [5], [3, 1, 7], [1, 1, 1], [9, 4]])
    for (const window of [undefined, 1, 2, 4, 100]) {
      const batch = makeBatch(
        lengths.map((length) => ({ inputIds: new Array(length).fill(0) })),
        1,
      );
      const starts = [...batch.starts.slice(0, -1)];
      const { lo, hi } = intervals(batch, window);
      for (let i = 0; i < batch.tokens; i++)
        for (let j = 0; j < batch.tokens; j++) {
          const expected = seen(starts, window, i, j);
          expect(lo[i]! <= j && j <= i).toBe(expected);
          expect(j <= i && i <= hi[j]!).toBe(expected);
        }
    }
});

test("a row is trained to predict the next token's label, and no first token is ever predicted", () => {
  const batch = makeBatch(
    [
      { inputIds: [5, 6, 7], labels: [5, -100, 7], weights: [1, 1, 0.5] },
      { inputIds: [8, 9], labels: [8, 9] },
    ],
    10,
  );
  expect([...batch.rows]).toEqual([1, 3]);
  expect([...batch.targets]).toEqual([7, 9]);
  expect([...batch.weights]).toEqual([0.5, 1]);
  expect([...batch.positions]).toEqual([0, 1, 2, 0, 1]);
  expect([...batch.starts]).toEqual([0, 3, 5]);
});

test("refuses ids and labels that the base does not have", () => {
  expect(() => makeBatch([{ inputIds: [10] }], 10)).toThrow("expected a token id from 0 to 9, got 10");
  expect(() => makeBatch([{ inputIds: [1, 2], labels: [-100, -5] }], 10)).toThrow(
    /token label from 0 to 9, got -5/,
  );
});
