// The parts of the page that need no browser.

import { describe, expect, test } from "bun:test";
import { extent, roundTicks, smoothed, thinned } from "../../src/view/page/chart-scale.ts";

describe("a chart", () => {
  test("has ticks at multiples of 1, 2 or 5, inside of its range", () => {
    expect(roundTicks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(roundTicks(0.31, 2.6, 4)).toEqual([1, 2]);
    expect(roundTicks(3, 98, 5)).toEqual([20, 40, 60, 80]);
    expect(roundTicks(-0.00021, 0.0002, 4)).toEqual([-0.0002, 0, 0.0002]);
    expect(roundTicks(7, 7, 4)).toEqual([7]);
  });

  test("smooths without a pull: a constant stays what it is, and the middle of a slope where it is", () => {
    const flat = Array.from({ length: 20 }, (_, x): [number, number] => [x, 3]);
    for (const [, y] of smoothed(flat, 0.9)) expect(y).toBeCloseTo(3, 12);
    const slope = Array.from({ length: 101 }, (_, x): [number, number] => [x, 2 * x]);
    expect(smoothed(slope, 0.9)[50]![1]).toBeCloseTo(100, 9);
    // By hand, keep 0.5: forward 1 and (0.25 * 1 + 0.5 * 4) / 0.75 = 3, backward 2 and 4.
    const two = smoothed(
      [
        [0, 1],
        [1, 4],
      ],
      0.5,
    );
    expect(two.map(([, y]) => y)).toEqual([1.5, 3.5]);
  });

  test("keeps every spike when there are more points than pixels", () => {
    const points = Array.from({ length: 10_000 }, (_, x): [number, number] => [
      x,
      x === 7777 ? 99 : x === 4321 ? -99 : 1,
    ]);
    const kept = thinned(points, 200);
    expect(kept.length).toBe(400);
    expect(extent(kept.map(([, y]) => y))).toEqual([-99, 99]);
    const xs = kept.map(([x]) => x);
    expect(xs).toEqual([...xs].sort((a, b) => a - b));
    expect(thinned(points.slice(0, 300), 200)).toHaveLength(300);
  });
});
