import { describe, expect, test } from "bun:test";
import {
  bootstrapInterval,
  clusteredInterval,
  type Difference,
  signFlip,
} from "../../../src/eval/statistics/clusters.ts";
import { mcnemarPower, smallestDetectable } from "../../../src/eval/statistics/detectable.ts";
import { holm } from "../../../src/eval/statistics/holm.ts";
import { fewestDiscordant, mcnemar } from "../../../src/eval/statistics/mcnemar.ts";

describe("McNemar's exact test", () => {
  test("is the share of all ways to flip that are at least as lopsided", () => {
    for (let b = 0; b <= 8; b++)
      for (let c = 0; c <= 8; c++) {
        const n = b + c;
        let extreme = 0;
        let same = 0;
        for (let ways = 0; ways < 2 ** n; ways++) {
          const ones = ways.toString(2).replaceAll("0", "").length;
          if (Math.abs(2 * ones - n) >= Math.abs(b - c)) extreme++;
          if (Math.abs(2 * ones - n) === Math.abs(b - c)) same++;
        }
        const { p, midP } = mcnemar(b, c);
        expect(p).toBeCloseTo(extreme / 2 ** n, 12);
        if (n > 0) expect(midP).toBeCloseTo((extreme - same / 2) / 2 ** n, 12);
      }
  });
  test("gives the published p values", () => {
    // Fagerland, Lydersen, Laake (2013), BMC Med Res Methodol 13:91: b 1, c 7: exact 0.070, mid-p 0.039.
    expect(mcnemar(1, 7).p).toBeCloseTo(0.0703125, 10);
    expect(mcnemar(1, 7).midP).toBeCloseTo(0.0390625, 10);
    // The same paper, complete response before and after stem cell transplant: b 6, c 16.
    expect(mcnemar(6, 16).p).toBeCloseTo(0.052, 3);
    expect(mcnemar(6, 16).midP).toBeCloseTo(0.035, 3);
    // Agresti, Categorical Data Analysis, table 10.1: 86 against 150 is far beyond chance.
    expect(mcnemar(86, 150).p).toBeLessThan(5e-5);
  });
  test("needs six pairs that all go one way", () => {
    expect(mcnemar(0, 5).p).toBeGreaterThan(0.05);
    expect(mcnemar(0, 6).p).toBeLessThan(0.05);
    expect(fewestDiscordant()).toBe(6);
    expect(fewestDiscordant(0.01)).toBe(8);
  });
  test("says nothing without a pair that differs", () => expect(mcnemar(0, 0)).toEqual({ p: 1, midP: 1 }));
});

describe("the smallest detectable effect", () => {
  test("rests on the power that enumerating every outcome gives", () => {
    // Nine pairs, each against, toward or neither: 3^9 outcomes.
    const n = 9;
    for (const [against, toward] of [
      [0, 0.7],
      [0.1, 0.6],
      [0.05, 0.3],
    ] as const) {
      let power = 0;
      for (let outcome = 0; outcome < 3 ** n; outcome++) {
        let [b, c, weight] = [0, 0, 1];
        for (let i = 0, rest = outcome; i < n; i++, rest = Math.floor(rest / 3)) {
          if (rest % 3 === 0) b++;
          else if (rest % 3 === 1) c++;
          weight *= rest % 3 === 0 ? against : rest % 3 === 1 ? toward : 1 - against - toward;
        }
        if (mcnemar(b, c).p <= 0.05) power += weight;
      }
      expect(mcnemarPower(n, against, toward)).toBeCloseTo(power, 10);
    }
  });
  test("has a power of 0.8 where it is said to be, and shrinks with more scenarios", () => {
    const sizes = [8, 16, 24, 80].map((n) => smallestDetectable(n, 0)!);
    for (const [i, n] of [8, 16, 24, 80].entries()) expect(mcnemarPower(n, 0, sizes[i]!)).toBeCloseTo(0.8, 3);
    expect([...sizes].sort((a, b) => b - a)).toEqual(sizes);
    expect(smallestDetectable(80, 0.1)!).toBeGreaterThan(sizes[3]!);
  });
  test("does not exist below six scenarios", () => {
    expect(smallestDetectable(5, 0)).toBeNull();
    expect(smallestDetectable(0, 0)).toBeNull();
    expect(smallestDetectable(6, 0)).not.toBeNull();
  });
});

/** `spec` such as `a+++0 b-0`: one difference a sign. */
function differences(spec: string): Difference[] {
  return spec
    .split(" ")
    .flatMap((word) =>
      [...word.slice(1)].map((sign) => ({ cluster: word[0]!, value: { "+": 1, "-": -1, "0": 0 }[sign]! })),
    );
}

describe("clusters", () => {
  const mixed = differences("a+++0 b+0 c0-00 d++");
  test("have the standard error of statsmodels' cluster-robust OLS on a constant", () => {
    // statsmodels 0.15.0: OLS(d, ones).fit(cov_type="cluster", cov_kwds={"groups": g, "use_correction": False}).bse * sqrt(C/(C-1))
    const { se, df, low, high } = clusteredInterval(mixed)!;
    expect(df).toBe(3);
    expect(se).toBeCloseTo(0.3084876157214387, 10);
    expect(low).toBeCloseTo(5 / 12 - 3.182446305 * se, 8);
    expect(high).toBeCloseTo(5 / 12 + 3.182446305 * se, 8);
  });
  test("of one scenario each give the plain standard error", () => {
    const single = differences("a+ b+ c0 d- e+");
    const mean = 2 / 5;
    const variance = single.reduce((all, { value }) => all + (value - mean) ** 2, 0) / 4;
    expect(clusteredInterval(single)!.se).toBeCloseTo(Math.sqrt(variance / 5), 12);
  });
  test("are needed in the plural", () => {
    expect(clusteredInterval(differences("a+0-"))).toBeNull();
    expect(bootstrapInterval(differences("a+0-"), 1)).toBeNull();
  });
  test("bootstrap to the quantiles of all C^C ways to draw archetypes", () => {
    const groups = ["a", "b", "c", "d"].map((name) => mixed.filter(({ cluster }) => cluster === name));
    const means: number[] = [];
    for (let way = 0; way < 4 ** 4; way++) {
      const drawn = [0, 1, 2, 3].flatMap((i) => groups[Math.floor(way / 4 ** i) % 4]!);
      means.push(drawn.reduce((all, { value }) => all + value, 0) / drawn.length);
    }
    means.sort((a, b) => a - b);
    const { low, high } = bootstrapInterval(mixed, 7)!;
    // Between the neighbouring values of the exact distribution.
    expect(low).toBeGreaterThanOrEqual(means[Math.floor(0.015 * 256)]!);
    expect(low).toBeLessThanOrEqual(means[Math.ceil(0.035 * 256)]!);
    expect(high).toBeGreaterThanOrEqual(means[Math.floor(0.965 * 256)]!);
    expect(high).toBeLessThanOrEqual(means[Math.ceil(0.985 * 256)]!);
    expect(bootstrapInterval(mixed, 7)).toEqual(bootstrapInterval(mixed, 7));
  });
  test("are flipped in every way", () => {
    // Sums 3, 1, -1, 2 add up to 5; of the 16 patterns of signs one gives 7, two give 5, and their mirror images as much.
    expect(signFlip(mixed, 1)).toBe(6 / 16);
    expect(signFlip(differences("a++ b+++"), 1)).toBe(2 / 4);
    expect(signFlip(differences("a0 b+-"), 1)).toBe(1);
    expect(signFlip([], 1)).toBe(1);
  });
  test("beyond sixteen are flipped at random, near the binomial's tail", () => {
    const many = [..."abcdefghijklmnopqrst"].map((cluster, i) => ({ cluster, value: i < 15 ? 1 : -1 }));
    // 15 against 5: twice P(X <= 5), X ~ Binomial(20, 1/2).
    expect(signFlip(many, 3)).toBeCloseTo(0.04139, 2);
    expect(signFlip(many, 3)).toBe(signFlip(many, 3));
  });
});

test("Holm's adjusted p values are R's", () => {
  // p.adjust(c(0.01, 0.02, 0.03, 0.04, 0.05), "holm") and one out of order, R 4.
  expect(holm([0.01, 0.02, 0.03, 0.04, 0.05]).map((p) => +p.toFixed(10))).toEqual([
    0.05, 0.08, 0.09, 0.09, 0.09,
  ]);
  expect(holm([0.5, 0.001, 0.02]).map((p) => +p.toFixed(10))).toEqual([0.5, 0.003, 0.04]);
  expect(holm([0.9, 0.8])).toEqual([1, 1]);
  expect(holm([])).toEqual([]);
});
