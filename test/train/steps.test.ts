import { expect, test } from "bun:test";
import { epochAfter, planSteps, windowOf } from "../../src/train/steps.ts";
import batch2 from "../golden/numeric/train/batch2-decay/run.json";
import linear from "../golden/numeric/train/linear/run.json";

const base = {
  rows: 14,
  batchSize: 1,
  accumulation: 4,
  epochs: 3,
  maxSteps: 0,
  warmup: 0,
};

test("steps, warmup and fractional epochs are transformers' own", () => {
  for (const { run, log } of [linear, batch2]) {
    const plan = planSteps({
      ...base,
      batchSize: run.batch,
      accumulation: run.accum,
      epochs: run.epochs,
      warmup: run.warmup,
    });
    expect(plan.totalSteps).toBe(log.length);
    expect(plan.warmupSteps).toBe(Math.max(1, run.warmup));
    for (const { step, epoch } of log) expect(epochAfter(plan, run.accum, step)).toBe(epoch);
  }
});

test("the last window of an epoch is short, and the next epoch starts a new one", () => {
  const plan = planSteps(base);
  expect(windowOf(plan, 4, 3)).toEqual({ epoch: 0, firstBatch: 12, batches: 2, before: 12 });
  expect(windowOf(plan, 4, 4)).toEqual({ epoch: 1, firstBatch: 0, batches: 4, before: 14 });
});

test("--max-steps goes over as many epochs as it takes, and fractional epochs round up", () => {
  expect(planSteps({ ...base, maxSteps: 9 })).toMatchObject({ totalSteps: 9, epochs: 3 });
  expect(planSteps({ ...base, epochs: 0.6 })).toMatchObject({ totalSteps: 3, epochs: 1 });
});

test("a ratio and a number of steps both set the warmup", () => {
  expect(planSteps({ ...base, warmup: 0.03 }).warmupSteps).toBe(1);
  expect(planSteps({ ...base, warmup: 5 }).warmupSteps).toBe(5);
  expect(planSteps({ ...base, warmup: 0.5 }).warmupSteps).toBe(6);
});
