import { expect, test } from "bun:test";
import { type Batch, intervals, makeBatch } from "../../src/model/batch.ts";

/** Brute force: every pair, by the definition. */
function seen({ starts, shared }: Batch, window: number, i: number, j: number): boolean {
  const at = (token: number) => {
    const s = starts.findLastIndex((start) => start <= token);
    return { s, position: token - starts[s]! + (shared?.[s] ?? 0) };
  };
  const [query, key] = [at(i), at(j)];
  const visible = key.s === query.s || (key.s === query.s - 1 && key.position < (shared?.[query.s] ?? 0));
  return visible && key.position <= query.position && query.position - window < key.position;
}

function batchOf(lengths: readonly (readonly [length: number, shared: number])[]): Batch {
  return makeBatch(
    lengths.map(([length, sharedPrefix]) => ({ inputIds: new Array(length).fill(0), sharedPrefix })),
    1,
  );
}

const alone = (...lengths: number[]) => lengths.map((length) => [length, 0] as const);
const layouts = [
  alone(1),
  alone(5),
  alone(3, 1, 7),
  alone(1, 1, 1),
  alone(9, 4),
  ...[1, 3, 6].flatMap((prefix) => [
    [[6, 0] as const, [prefix + 1, prefix] as const],
    [[prefix, 0] as const, [8, prefix] as const],
    [
      [4, 0] as const,
      [9, 0] as const,
      [12, prefix] as const,
      [2, 0] as const,
      [5, 1] as const,
      [3, 0] as const,
    ],
  ]),
];

test("intervals say exactly which query sees which key: packed, windowed, and with a shared prefix", () => {
  for (const layout of layouts)
    for (const window of [undefined, 1, 2, 3, 4, 7, 100]) {
      const batch = batchOf(layout);
      const { tokens } = batch;
      const { keys, queries } = intervals(batch, window);
      const outside = (table: Uint32Array, row: number, at: number) =>
        at < table[3 * row + 1]! || at >= table[3 * row + 2]!;
      for (let i = 0; i < tokens; i++)
        for (let j = 0; j < tokens; j++) {
          const expected = seen(batch, window ?? tokens, i, j);
          expect(keys[3 * i]! <= j && j <= i && outside(keys, i, j)).toBe(expected);
          expect(j <= i && i <= queries[3 * j]! && outside(queries, j, i)).toBe(expected);
        }
      // What kernels rely on, which look at a tile's first and last row only.
      for (const table of [keys, queries])
        for (let first = 0; first < tokens; first++)
          for (let last = first; last < tokens; last++) {
            const from = Math.max(table[3 * first + 1]!, table[3 * last + 1]!);
            const to = Math.min(table[3 * first + 2]!, table[3 * last + 2]!);
            expect(table[3 * first]!).toBeLessThanOrEqual(table[3 * last]!);
            for (let row = first; row <= last && from < to; row++) {
              expect(table[3 * row + 1]!).toBeLessThanOrEqual(from);
              expect(table[3 * row + 2]!).toBeGreaterThanOrEqual(to);
            }
          }
    }
});

test("a shared prefix is laid once, and what follows it twice has the same positions", () => {
  const batch = makeBatch(
    [
      { inputIds: [5, 6, 7, 8], labels: [-100, -100, -100, 8] },
      { inputIds: [5, 6, 7, 9, 4], labels: [-100, -100, -100, 9, 4], sharedPrefix: 2 },
    ],
    10,
  );
  expect([...batch.ids]).toEqual([5, 6, 7, 8, 7, 9, 4]);
  expect([...batch.positions]).toEqual([0, 1, 2, 3, 2, 3, 4]);
  expect([...batch.rows]).toEqual([2, 4, 5]);
  expect([...batch.targets]).toEqual([8, 9, 4]);
  expect([...batch.starts]).toEqual([0, 4, 7]);
  expect([...batch.shared!]).toEqual([0, 2]);
});

test("a prefix that is another's, or labelled, is not shared", () => {
  const first = { inputIds: [5, 6, 7, 8] };
  for (const second of [
    { inputIds: [5, 7, 7], sharedPrefix: 2 },
    { inputIds: [5, 6, 7], labels: [-100, -100, 7], sharedPrefix: 2 },
    { inputIds: [5, 6], sharedPrefix: 2 },
  ])
    expect(() => makeBatch([first, second], 10)).toThrow("does not share 2 unlabelled tokens");
  expect(() => makeBatch([{ inputIds: [5, 6, 7], sharedPrefix: 2 }], 10)).toThrow("does not share");
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
