// Orders, bins and splits: torch's permutations, packing that loses nothing, splits that keep worlds together.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Sequence } from "../../src/data/dataset.ts";
import { Mt19937 } from "../../src/data/mt19937.ts";
import { epochOrder, randperm } from "../../src/data/order.ts";
import { planBins } from "../../src/data/packing.ts";
import { splitByScenario } from "../../src/data/split.ts";

const sampler = JSON.parse(readFileSync(join(import.meta.dir, "../golden/numeric/sampler.json"), "utf8")) as {
  randperm: Record<string, number[]>;
  trainer_epoch_orders: Record<string, number[][]>;
  generator_42: { mt19937_raw_32bit: number[] };
};

describe("random orders", () => {
  test("are torch.randperm's", () => {
    for (const [key, order] of Object.entries(sampler.randperm)) {
      const [n, seed] = key.split("/").map(Number) as [number, number];
      expect({ key, order: [...randperm(n, seed)] }).toEqual({ key, order });
    }
  });
  test("of each epoch are those in which a Trainer asked for its rows", () => {
    for (const [key, epochs] of Object.entries(sampler.trainer_epoch_orders)) {
      const [n, seed] = key.split("/").map(Number) as [number, number];
      for (const [epoch, order] of epochs.entries())
        expect([...epochOrder(n, epoch, { order: "shuffle", seed })]).toEqual(order);
    }
  });
  test("come from the raw stream of mt19937, past its first refill", () => {
    const generator = new Mt19937(42);
    expect(sampler.generator_42.mt19937_raw_32bit.map(() => generator.next())).toEqual(
      sampler.generator_42.mt19937_raw_32bit,
    );
    expect([...randperm(996, 42)].sort((a, b) => a - b)).toEqual(Array.from({ length: 996 }, (_, i) => i));
  });
  test("can be as the file has them", () =>
    expect([...epochOrder(4, 7, { order: "sequential", seed: 1 })]).toEqual([0, 1, 2, 3]));
});

describe("packing", () => {
  const random = new Mt19937(7);
  const lengths = Array.from({ length: 300 }, () => 1 + (random.next() % 512));

  test("puts each sequence whole into one bin, and none is too full", () => {
    const bins = planBins(lengths, 512);
    expect(bins.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
    for (const bin of bins) expect(bin.reduce((sum, i) => sum + lengths[i]!, 0)).toBeLessThanOrEqual(512);
  });
  test("wastes little, and does the same each time", () => {
    const bins = planBins(lengths, 512);
    const least = Math.ceil(lengths.reduce((sum, n) => sum + n, 0) / 512);
    expect(bins.length).toBeLessThanOrEqual(Math.ceil(least * 1.03));
    expect(planBins(lengths, 512)).toEqual(bins);
  });
  test("takes the fullest bin that has room", () =>
    expect(planBins([6, 5, 4, 3, 2], 10)).toEqual([
      [0, 2],
      [1, 3, 4],
    ]));
  test("refuses a sequence that fits nowhere", () =>
    expect(() => planBins([11], 10)).toThrow("sequence 0 has 11 tokens"));
});

describe("a validation split", () => {
  const row = (id: number, scenarioId?: string): Sequence => ({
    id: `${id}`,
    place: { file: "t" },
    inputIds: new Int32Array(1),
    labels: new Int32Array(1),
    ...(scenarioId === undefined ? {} : { scenarioId }),
  });
  const rows = Array.from({ length: 60 }, (_, i) => row(i, `s${Math.floor(i / 3)}`));

  test("never parts the rows of a scenario, and keeps their order", () => {
    const { train, validation } = splitByScenario(rows, 0.1, 42);
    expect(validation).toHaveLength(6);
    expect(new Set([...train, ...validation]).size).toBe(60);
    const worlds = new Set(validation.map(({ scenarioId }) => scenarioId));
    expect(train.some(({ scenarioId }) => worlds.has(scenarioId))).toBe(false);
    for (const side of [train, validation])
      expect(side.map(({ id }) => Number(id))).toEqual(
        side.map(({ id }) => Number(id)).sort((a, b) => a - b),
      );
  });
  test("follows the seed", () => {
    const ids = (seed: number) => splitByScenario(rows, 0.1, seed).validation.map(({ id }) => id);
    expect(ids(1)).toEqual(ids(1));
    expect(ids(1)).not.toEqual(ids(2));
  });
  test("parts rows without a scenario one by one", () =>
    expect(splitByScenario([row(0), row(1), row(2)], 0.3, 1).validation).toHaveLength(1));
  test("refuses to leave nothing to train on", () =>
    expect(() => splitByScenario([row(0, "a"), row(1, "a")], 0.5, 1)).toThrow(
      "expected at least two scenarios",
    ));
});
