// Near-duplicates against similarities that scikit-learn and scipy measured.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bandsFor, MinHash } from "../../src/mix/minhash.ts";
import { findDuplicates } from "../../src/mix/near-duplicates.ts";
import { sortByKey } from "../../src/mix/sort-by-key.ts";
import { golden, lines, rowsFile, runMix, talk } from "./run-mix.ts";

const pairs = JSON.parse(readFileSync(join(golden, "jaccard.json"), "utf8")) as [number, number, number][];
const rows = lines(join(golden, "rows.jsonl"));

describe("near-duplicates", () => {
  for (const threshold of [0.6, 0.8, 0.95])
    test(`at ${threshold}, each row like an earlier kept one goes, and no other`, async () => {
      const gone = new Set<number>();
      for (let row = 0; row < rows.length; row++)
        if (pairs.some(([i, j, alike]) => j === row && alike >= threshold && !gone.has(i))) gone.add(row);
      const { report, removed } = await runMix(
        `dedup: { threshold: ${threshold} }\nsources: { one: { path: ${join(golden, "rows.jsonl")}, share: 100 } }`,
      );
      expect(removed.map(({ row }) => row - 1)).toEqual([...gone].sort((a, b) => a - b));
      expect(gone.size).toBeGreaterThan(30);
      expect(report.removed.near_duplicates).toBe(gone.size);
      // Each names a kept row, and how like it is.
      for (const { row, duplicate_of, similarity } of removed) {
        const of = duplicate_of!.row - 1;
        expect(gone.has(of)).toBe(false);
        const alike = pairs.find(([i, j]) => i === of && j === row - 1)![2];
        expect(similarity).toBeCloseTo(alike, 3);
      }
    });

  test("an orientation that all rows share makes none of them alike", async () => {
    const system = { role: "system", content: talk("orientation", 400).messages[0]!.content };
    const framed = Array.from({ length: 20 }, (_, i) => ({
      messages: [system, ...talk(`w${i}`, 10).messages],
    }));
    const path = rowsFile("framed.jsonl", framed);
    const { report } = await runMix(`sources: { one: { path: ${path}, share: 1 } }`);
    expect(report.removed.near_duplicates).toBe(0);
  });

  test("rows of different sources are compared, the earlier source keeps its own", async () => {
    const same = Array.from({ length: 10 }, (_, i) => talk(`s${i}`));
    const first = rowsFile("first.jsonl", same);
    const second = rowsFile("second.jsonl", [
      ...same,
      ...Array.from({ length: 10 }, (_, i) => talk(`t${i}`)),
    ]);
    const yaml = (dedup: string) =>
      `sources: { a: { path: ${first}, share: 50 }, b: { path: ${second}, share: 50${dedup} } }`;
    const left = (report: { sources: readonly { left: { rows: number } }[] }) =>
      report.sources.map(({ left: { rows: count } }) => count);
    expect(left((await runMix(yaml(""))).report)).toEqual([10, 10]);
    expect(left((await runMix(yaml(", dedup: false"))).report)).toEqual([10, 20]);
    expect(left((await runMix(`dedup: false\n${yaml("")}`)).report)).toEqual([10, 20]);
  });
});

test("among more rows than are sorted at once, those that meet are found all the same", async () => {
  const rows = 2_300_000;
  // Rows 0 to 49 are said again twice, more than a million rows on each time.
  const said = (row: number) => (row % 1_100_000 < 50 ? row % 1_100_000 : row);
  const found = findDuplicates(
    {
      rows,
      bands: 1,
      sketchSize: 1,
      blockRows: 4096,
      takesPart: (row) => row !== 1_100_007,
      readKeys(band, first, into) {
        for (let i = 0; i < into.length; i++) into[i] = Bun.hash.xxHash32(`${band} ${said(first + i)}`);
      },
      readSketch(row, into, offset) {
        into[offset] = said(row) & 255;
      },
      shingles: (row) => Uint32Array.of(said(row)),
    },
    0.8,
    async () => undefined,
  );
  const pairs: number[][] = [];
  for await (const { row, of } of found) pairs.push([row, of]);
  const again = Array.from({ length: 50 }, (_, i) => i);
  expect(pairs).toEqual([
    ...again.filter((i) => i !== 7).map((i) => [1_100_000 + i, i]),
    ...again.map((i) => [2_200_000 + i, i]),
  ]);
}, 60_000);

test("bands miss a pair at the threshold less than once in a thousand, and are as long as that allows", () => {
  // (1 - t^r)^b by hand: 0.8^5 = 0.32768, 0.67232^25 = 4.9e-5; 0.8^6 = 0.262144, 0.737856^21 = 1.69e-3.
  expect(bandsFor(0.8)).toEqual({ bands: 25, rows: 5 });
  for (const threshold of [0.5, 0.6, 0.7, 0.9, 0.95]) {
    const { bands, rows: values } = bandsFor(threshold);
    expect((1 - threshold ** values) ** bands).toBeLessThan(1e-3);
    expect(bands * values).toBeLessThanOrEqual(128);
  }
});

test("sketches agree in as many values as two sets are similar", () => {
  const hash = new MinHash({ bands: 25, rows: 5 });
  const set = (from: number, to: number) => {
    const numbers = Uint32Array.from({ length: to - from }, (_, i) => Bun.hash.xxHash32(String(from + i)));
    hash.read(numbers, numbers.length);
    return hash.sketch.slice();
  };
  // Broder 1997: the chance of agreement is the Jaccard similarity, here 1/3, 1/2, 0.8; the low byte adds (1 - J) / 256.
  for (const [shared, similarity] of [
    [500, 1 / 3],
    [667, 1 / 2],
    [889, 0.8],
  ] as const) {
    let same = 0;
    for (let trial = 0; trial < 40; trial++) {
      const a = set(10_000 * trial, 10_000 * trial + 1000);
      const b = set(10_000 * trial + 1000 - shared, 10_000 * trial + 2000 - shared);
      same += a.reduce((sum, value, i) => sum + (value === b[i] ? 1 : 0), 0);
    }
    // 5000 values: four standard deviations are under 0.03.
    expect(Math.abs(same / (40 * 125) - similarity)).toBeLessThan(0.03);
  }
});

test("rows are sorted by key as JavaScript sorts them, equal keys in their order", () => {
  const keys = Uint32Array.from({ length: 5000 }, (_, i) => Bun.hash.xxHash32(String(i % 700)));
  const order = Uint32Array.from(keys, (_, i) => i);
  const wanted = [...order].sort((a, b) => keys[a]! - keys[b]! || a - b);
  const sorted = keys.toSorted();
  sortByKey(keys, order, 5000, { keys: new Uint32Array(5000), order: new Uint32Array(5000) });
  expect([...order]).toEqual(wanted);
  expect(keys).toEqual(sorted);
});
