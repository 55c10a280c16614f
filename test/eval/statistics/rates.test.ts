import { describe, expect, test } from "bun:test";
import {
  binomialPmf,
  logGamma,
  studentQuantile,
  studentTail,
} from "../../../src/eval/statistics/distributions.ts";
import { newcombePaired } from "../../../src/eval/statistics/newcombe.ts";
import { passAtK, passToTheK } from "../../../src/eval/statistics/pass-at-k.ts";
import { wilson } from "../../../src/eval/statistics/wilson.ts";

describe("Wilson's interval", () => {
  // Newcombe, Stat Med 17:857 (1998), table I, method 3.
  const published = [
    { x: 81, n: 263, low: 0.2553, high: 0.3662 },
    { x: 15, n: 148, low: 0.0624, high: 0.1605 },
    { x: 0, n: 20, low: 0, high: 0.1611 },
    { x: 1, n: 29, low: 0.0061, high: 0.1718 },
  ];
  for (const { x, n, low, high } of published)
    test(`${x} of ${n} is ${low} to ${high}`, () => {
      const rate = wilson(x, n);
      expect(rate.rate).toBe(x / n);
      expect(rate.low).toBeCloseTo(low, 4);
      expect(rate.high).toBeCloseTo(high, 4);
    });

  test("holds exactly the shares whose score test does not refuse what was seen", () => {
    const z = 1.959963984540054;
    for (const n of [1, 2, 7, 30])
      for (let x = 0; x <= n; x++) {
        const { low, high } = wilson(x, n);
        for (let p = 0.0005; p < 1; p += 0.001) {
          const score = Math.abs(x / n - p) / Math.sqrt((p * (1 - p)) / n);
          const edge = Math.min(Math.abs(p - low!), Math.abs(p - high!));
          if (edge > 1e-9) expect(p > low! && p < high!).toBe(score < z);
        }
      }
  });

  test("reaches 0 and 1 at the ends and keeps its width there", () => {
    expect(wilson(0, 30)).toMatchObject({ low: 0, rate: 0 });
    expect(wilson(30, 30)).toMatchObject({ high: 1, rate: 1 });
    expect(wilson(30, 30).low).toBeCloseTo(0.8865, 4);
  });

  test("over nothing is null", () =>
    expect(wilson(0, 0)).toEqual({ x: 0, n: 0, rate: null, low: null, high: null }));
});

describe("Newcombe's interval for paired rates", () => {
  // Newcombe, Stat Med 17:2635 (1998), table II, method 10: 36, 12, 2, 0.
  test("of 36, 12, 2, 0 is 0.0569 to 0.3404", () => {
    const { low, high } = newcombePaired({ both: 36, first: 2, second: 12, neither: 0 })!;
    expect(low).toBeCloseTo(0.0569, 4);
    expect(high).toBeCloseTo(0.3404, 4);
  });
  // Fagerland, Lydersen, Laake, Stat Med 33:2850 (2014), airway hyper-responsiveness: 1, 1, 7, 12.
  test("of 1, 1, 7, 12 is -0.507 to -0.026", () => {
    const { low, high } = newcombePaired({ both: 1, first: 7, second: 1, neither: 12 })!;
    expect(low).toBeCloseTo(-0.507, 3);
    expect(high).toBeCloseTo(-0.026, 3);
  });
  test("covers the true difference about as often as it says", () => {
    // Every table of 12 pairs, weighted by its probability: no drawing of random numbers.
    const n = 12;
    for (const truth of [
      [0.4, 0.1, 0.3, 0.2],
      [0.1, 0.05, 0.5, 0.35],
    ]) {
      const [p11, p10, p01, p00] = truth as [number, number, number, number];
      let covered = 0;
      for (let a = 0; a <= n; a++)
        for (let b = 0; a + b <= n; b++)
          for (let c = 0; a + b + c <= n; c++) {
            const d = n - a - b - c;
            const ways = Math.exp(
              logGamma(n + 1) - logGamma(a + 1) - logGamma(b + 1) - logGamma(c + 1) - logGamma(d + 1),
            );
            const weight = ways * p11 ** a * p10 ** b * p01 ** c * p00 ** d;
            const { low, high } = newcombePaired({ both: a, first: b, second: c, neither: d })!;
            if (low <= p01 - p10 && p01 - p10 <= high) covered += weight;
          }
      expect(covered).toBeGreaterThan(0.93);
      expect(covered).toBeLessThan(0.995);
    }
  });
  test("turns round with the arms, and is null without pairs", () => {
    const one = newcombePaired({ both: 5, first: 2, second: 6, neither: 4 })!;
    const other = newcombePaired({ both: 5, first: 6, second: 2, neither: 4 })!;
    expect(one.low).toBeCloseTo(-other.high, 12);
    expect(one.high).toBeCloseTo(-other.low, 12);
    expect(newcombePaired({ both: 0, first: 0, second: 0, neither: 0 })).toBeNull();
  });
});

describe("pass@k and pass^k", () => {
  test("are what drawing every subset of k samples gives", () => {
    for (let n = 1; n <= 8; n++)
      for (let c = 0; c <= n; c++)
        for (let k = 1; k <= n; k++) {
          let any = 0;
          let all = 0;
          let subsets = 0;
          for (let mask = 0; mask < 2 ** n; mask++) {
            const drawn = [...Array(n).keys()].filter((i) => (mask >> i) & 1);
            if (drawn.length !== k) continue;
            subsets++;
            // The first c samples are those that passed.
            if (drawn.some((i) => i < c)) any++;
            if (drawn.every((i) => i < c)) all++;
          }
          expect(passAtK(n, c, k)).toBeCloseTo(any / subsets, 12);
          expect(passToTheK(n, c, k)).toBeCloseTo(all / subsets, 12);
        }
  });
  test("give human-eval's estimate for 200 samples", () => {
    // estimate_pass_at_k of openai/human-eval, commit 6d43fb9, run with numpy 2.
    expect(passAtK(200, 25, 1)).toBeCloseTo(0.125, 12);
    expect(passAtK(200, 25, 10)).toBeCloseTo(0.7455346708323187, 10);
    expect(passAtK(200, 25, 100)).toBeCloseTo(0.9999999946365623, 10);
  });
  test("are undefined with fewer samples than k", () => {
    expect(passAtK(3, 3, 4)).toBeNull();
    expect(passToTheK(3, 3, 4)).toBeNull();
  });
});

describe("distributions", () => {
  test("Student's quantiles are those of the tables", () => {
    const table: readonly [df: number, t: number][] = [
      [1, 12.706],
      [2, 4.303],
      [4, 2.776],
      [8, 2.306],
      [30, 2.042],
      [120, 1.98],
    ];
    for (const [df, t] of table) expect(studentQuantile(0.95, df)).toBeCloseTo(t, 3);
    expect(studentQuantile(0.99, 5)).toBeCloseTo(4.0321, 4);
    expect(studentTail(0, 3)).toBeCloseTo(0.5, 12);
  });
  test("a binomial sums to one and has its mean", () => {
    for (const p of [0, 0.03, 0.5, 1]) {
      const mass = Array.from({ length: 301 }, (_, k) => binomialPmf(k, 300, p));
      expect(mass.reduce((a, b) => a + b)).toBeCloseTo(1, 10);
      expect(mass.reduce((a, b, k) => a + b * k, 0)).toBeCloseTo(300 * p, 8);
    }
  });
  test("the gamma function is the factorial", () => {
    let factorial = 1;
    for (let n = 1; n <= 20; n++) {
      expect(logGamma(n)).toBeCloseTo(Math.log(factorial), 11);
      factorial *= n;
    }
    expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.sqrt(Math.PI)), 12);
  });
});
