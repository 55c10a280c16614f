// Reproducible random choices.

import { expect, test } from "bun:test";
import { Rng } from "../../src/base/rng.ts";

test("a name gives the numbers of sfc32 seeded by its SHA-256", () => {
  // Worked out in Python, with whole numbers cut to 32 bits at every step.
  const rng = new Rng("7/file_create/0");
  expect(Array.from({ length: 6 }, () => rng.next())).toEqual([
    1251074628, 154529888, 559975715, 353382879, 3793534706, 1204019925,
  ]);
});

test("a fork does not hang on what was drawn before", () => {
  const [early, late] = [new Rng("a"), new Rng("a")];
  for (let i = 0; i < 100; i++) late.next();
  expect(late.fork("x").next()).toBe(early.fork("x").next());
  expect(early.fork("x").next()).not.toBe(early.fork("y").next());
});

test("whole numbers cover their range evenly, ends included", () => {
  const rng = new Rng("even");
  const counts = new Map<number, number>();
  for (let i = 0; i < 60_000; i++) {
    const value = rng.int(3, 8);
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  expect([...counts.keys()].sort()).toEqual([3, 4, 5, 6, 7, 8]);
  // Five standard deviations of a binomial count.
  for (const count of counts.values()) expect(Math.abs(count - 10_000)).toBeLessThan(5 * 91.3);
});

test("a shuffle is a permutation, and every place is as likely", () => {
  const rng = new Rng("shuffle");
  const firsts = [0, 0, 0, 0];
  for (let i = 0; i < 8000; i++) {
    const order = rng.shuffle([0, 1, 2, 3]);
    expect([...order].sort()).toEqual([0, 1, 2, 3]);
    firsts[order[0]!]!++;
  }
  for (const count of firsts) expect(Math.abs(count - 2000)).toBeLessThan(5 * 38.7);
});
