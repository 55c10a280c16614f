import { describe, expect, test } from "bun:test";
import { type Batch, makeBatch } from "../../src/model/batch.ts";
import type { StepOptions } from "../../src/model/step-options.ts";
import { evaluateRows } from "../../src/train/evaluate.ts";
import { type LoopParts, type LoopSettings, runLoop } from "../../src/train/loop.ts";
import { LossScale } from "../../src/train/loss-scale.ts";
import { nextTokenObjective } from "../../src/train/objective.ts";
import { type Progress, startOfRun } from "../../src/train/progress.ts";
import { BatchReader } from "../../src/train/rows.ts";
import { planSteps } from "../../src/train/steps.ts";
import golden from "../golden/numeric/train/linear/run.json";

// A model whose loss on a row is its target id, and an optimiser that writes down what it was asked.
class Fake {
  readonly steps: { batch: Batch; options: StepOptions }[] = [];
  readonly rates: number[] = [];
  updates = 0;
  cleared = 0;
  infiniteAt = new Set<number>();
  private losses: number[] = [];
  step(batch: Batch, options: StepOptions): void {
    this.steps.push({ batch, options });
    this.losses.push(...batch.targets);
  }
  async stepTowardsBase(batch: Batch, options: StepOptions): Promise<void> {
    this.step(batch, options);
  }
  evaluate(batch: Batch): void {
    this.losses.push(...batch.targets);
  }
  async takeLosses(): Promise<Float32Array> {
    const taken = Float32Array.from(this.losses);
    this.losses = [];
    return taken;
  }
  clearGradients(): void {
    this.cleared++;
  }
}

const rows = Array.from({ length: 14 }, (_, i) => [
  { inputIds: [1, 2, 3, 4 + i], labels: [-100, -100, 3, 4 + i] },
]);
const plan = planSteps({ rows: 14, batchSize: 1, accumulation: 4, epochs: 3, maxSteps: 0, warmup: 0.03 });
const settings: LoopSettings = {
  accumulation: 4,
  dropout: 0.1,
  noiseAlpha: 0,
  seed: 7,
  loggingSteps: 1,
  evaluate: "no",
  save: "no",
  trackBest: false,
  patience: 0,
  threshold: 0,
};

function parts(fake: Fake, change: Partial<LoopSettings> = {}, more: Partial<LoopParts> = {}) {
  const saves: Progress[] = [];
  const lossScale = new LossScale(true, { growthInterval: 3 });
  const progress = startOfRun(lossScale.state);
  const reader = new BatchReader({
    rows,
    batchSize: 1,
    vocab: 100,
    order: () => Array.from({ length: 14 }, (_, i) => i),
  });
  const made: LoopParts = {
    model: fake,
    updater: {
      get updates() {
        return fake.updates;
      },
      clearGradients: () => fake.clearGradients(),
      step: async (rate) => {
        fake.rates.push(rate);
        const finite = !fake.infiniteAt.has(fake.rates.length);
        if (finite) fake.updates++;
        return { norm: finite ? 1 : Number.POSITIVE_INFINITY, finite };
      },
    },
    schedule: (completed) => completed,
    lossScale,
    plan,
    settings: { ...settings, ...change },
    progress,
    readBatch: (epoch, index) => reader.read(epoch, index),
    interrupted: () => false,
    save: async () => void saves.push(structuredClone(progress)),
    onStep: () => undefined,
    onLog: () => undefined,
    ...more,
  };
  return { made, saves, progress };
}

describe("the training loop", () => {
  test("divides each window by its own labels, and scales by the loss scale", async () => {
    const fake = new Fake();
    const { made, progress } = parts(fake);
    expect(await runLoop(made)).toBe("finished");
    expect(fake.steps.length).toBe(42);
    // 4 rows of 2 labels, scale 65536; the last window of an epoch has two rows.
    expect(fake.steps[0]!.options.gradientScale).toBe(65536 / 8);
    expect(fake.steps[13]!.options.gradientScale).toBe((65536 * 2) / 4);
    expect(progress.logHistory.map(({ epoch }) => epoch)).toEqual(golden.log.map(({ epoch }) => epoch));
    expect(progress.logHistory[0]!.loss).toBe((3 * 4 + 4 + 5 + 6 + 7) / 8);
  });

  test("never uses a dropout mask twice", async () => {
    const fake = new Fake();
    await runLoop(parts(fake).made);
    const salts = fake.steps.map(({ options }) => options.dropout!.salt);
    expect(salts).toEqual(Array.from({ length: 42 }, (_, i) => i));
  });

  test("leaves weights and schedule alone after a step that was not finite", async () => {
    const fake = new Fake();
    fake.infiniteAt = new Set([2]);
    const { made, progress } = parts(fake);
    await runLoop(made);
    expect(fake.rates.slice(0, 4)).toEqual([0, 1, 1, 2]);
    expect(progress).toMatchObject({ step: 12, scheduled: 11, updates: 11 });
    expect(fake.steps[4 * 2]!.options.gradientScale).toBe(32768 / 8);
  });

  test("logs the mean loss since the last log, with the last step's norm and rate", async () => {
    const each = parts(new Fake());
    await runLoop(each.made);
    const five = parts(new Fake(), { loggingSteps: 5 });
    await runLoop(five.made);
    const losses = each.progress.logHistory.map(({ loss }) => loss!);
    const mean = (from: number) => losses.slice(from, from + 5).reduce((a, b) => a + b) / 5;
    expect(five.progress.logHistory.map(({ step, loss }) => [step, loss])).toEqual([
      [5, mean(0)],
      [10, mean(5)],
    ]);
  });

  test("an interrupted window changes nothing, and what came before is saved once", async () => {
    const fake = new Fake();
    const { made, saves, progress } = parts(fake, {}, { interrupted: () => fake.steps.length >= 10 });
    expect(await runLoop(made)).toBe("interrupted");
    expect(progress.step).toBe(2);
    expect(saves.map(({ step }) => step)).toEqual([2]);
    expect((await fake.takeLosses()).length).toBe(0);
  });

  test("goes on after an interruption as if there had been none", async () => {
    const whole = parts(new Fake(), { loggingSteps: 5 });
    await runLoop(whole.made);
    const first = new Fake();
    const before = parts(first, { loggingSteps: 5 }, { interrupted: () => first.steps.length >= 20 });
    await runLoop(before.made);
    const second = new Fake();
    const after = parts(second, { loggingSteps: 5 });
    Object.assign(after.progress, structuredClone(before.saves.at(-1)!));
    second.updates = after.progress.updates;
    after.made.lossScale.restore(after.progress.lossScale);
    await runLoop(after.made);
    const { seconds: _, ...reached } = after.progress;
    const { seconds: __, ...wanted } = whole.progress;
    expect(reached).toEqual(wanted);
  });

  test("saves and evaluates when due and at the end, and keeps what is best", async () => {
    const losses = [5, 4, 4.5, 3.9, 4.1];
    const evaluate = async () => ({
      loss: losses.shift()!,
      tokenLoss: 1,
      metrics: {},
      rows: 1,
      batches: 1,
      seconds: 1,
    });
    const { made, saves, progress } = parts(
      new Fake(),
      { evaluate: 3, save: 5, trackBest: true },
      { evaluate },
    );
    await runLoop(made);
    // 3, 6 and 12 are better than all before; 5, 10 and 12 are due.
    expect(saves.map(({ step }) => step)).toEqual([3, 5, 6, 10, 12]);
    expect(progress).toMatchObject({ bestStep: 12, bestMetric: 3.9, misses: 0 });
  });

  test("stops early after too little improvement, also when resumed right there", async () => {
    const losses = [5, 4.95, 4.94, 1];
    const evaluate = async () => ({
      loss: losses.shift()!,
      tokenLoss: 1,
      metrics: {},
      rows: 1,
      batches: 1,
      seconds: 1,
    });
    const change = { evaluate: 1, trackBest: true, patience: 2, threshold: 0.1 };
    const { made, progress, saves } = parts(new Fake(), change, { evaluate });
    expect(await runLoop(made)).toBe("stopped early");
    expect(progress.step).toBe(3);
    const again = parts(new Fake(), change, { evaluate });
    Object.assign(again.progress, saves.at(-1));
    expect(await runLoop(again.made)).toBe("stopped early");
  });

  test("an evaluation that was interrupted is done after the resume", async () => {
    let stop = true;
    const evaluate = async () =>
      stop ? undefined : { loss: 2, tokenLoss: 2, metrics: {}, rows: 1, batches: 1, seconds: 1 };
    const first = parts(new Fake(), { evaluate: 4 }, { evaluate });
    expect(await runLoop(first.made)).toBe("interrupted");
    expect(first.saves.map(({ step, evaluated }) => [step, evaluated])).toEqual([[4, false]]);
    stop = false;
    const second = parts(new Fake(), { evaluate: 4 }, { evaluate });
    Object.assign(second.progress, first.saves[0]);
    await runLoop(second.made);
    const evaluated = second.progress.logHistory.filter((entry) => "eval_loss" in entry);
    expect(evaluated.map(({ step }) => step)).toEqual([4, 8, 12]);
  });
});

test("eval_loss weighs each batch's token mean by its rows; the token mean is global", async () => {
  const row = (...targets: number[]) => [{ inputIds: [1, ...targets], labels: [-100, ...targets] }];
  const input = { rows: [row(2), row(8, 8, 8), row(5)], batchSize: 2, vocab: 10 };
  for (const lossCapacity of [4, 100]) {
    const result = await evaluateRows(
      nextTokenObjective(new Fake()),
      { ...input, lossCapacity },
      () => false,
    );
    expect(result!.loss).toBeCloseTo(((26 / 4) * 2 + 5) / 3, 12);
    expect(result!.tokenLoss).toBeCloseTo(31 / 5, 12);
  }
  expect(
    await evaluateRows(nextTokenObjective(new Fake()), { ...input, lossCapacity: 9 }, () => true),
  ).toBeUndefined();
});

test("a batch holds its sequences end to end, in the order of the epoch", () => {
  const reader = new BatchReader({
    rows,
    batchSize: 4,
    vocab: 100,
    order: (epoch) => [13 - epoch, 1, 2, 3, 4],
  });
  expect(reader.read(1, 0)).toEqual(makeBatch([rows[12]!, rows[1]!, rows[2]!, rows[3]!].flat(), 100));
  expect(reader.read(1, 1)).toEqual(makeBatch(rows[4]!, 100));
});
