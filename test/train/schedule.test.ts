import { describe, expect, test } from "bun:test";
import { makeSchedule, type ScheduleType } from "../../src/train/schedule.ts";
import golden from "../golden/numeric/schedules.json";

interface Entry {
  lr_scheduler_type: ScheduleType;
  lr_scheduler_kwargs: Record<string, number | string>;
  total: number;
  warmup: number;
  lr: number;
  rates?: number[];
}

describe("schedules give transformers' rate for every update", () => {
  const table = golden.table as unknown as Entry[];
  test("the table covers all nine types", () => {
    expect(new Set(table.map(({ lr_scheduler_type }) => lr_scheduler_type)).size).toBe(9);
  });
  for (const entry of table) {
    const { lr_scheduler_type: type, lr_scheduler_kwargs: settings, total, warmup, lr, rates } = entry;
    if (!rates) continue;
    test(`${type} ${JSON.stringify(settings)}, ${total} steps, ${warmup} of warmup`, () => {
      const schedule = makeSchedule({
        type,
        learningRate: lr,
        totalSteps: total,
        warmupSteps: warmup,
        settings,
      });
      rates.forEach((rate, k) => {
        expect(Math.abs(schedule(k) - rate)).toBeLessThanOrEqual(1e-12 * lr);
      });
    });
  }
});

test("a setting that the schedule does not have is refused with a suggestion", () => {
  const make = () =>
    makeSchedule({
      type: "cosine",
      learningRate: 1,
      totalSteps: 5,
      warmupSteps: 0,
      settings: { num_cycle: 1 },
    });
  expect(make).toThrow("--lr-scheduler-kwargs: expected num_cycles for cosine");
});

test("polynomial decay survives a run that is all warmup", () => {
  const schedule = makeSchedule({
    type: "polynomial",
    learningRate: 2e-4,
    totalSteps: 7,
    warmupSteps: 7,
  });
  expect(schedule(6)).toBeCloseTo((2e-4 * 6) / 7, 12);
});
