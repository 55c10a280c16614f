// The page on the method: its figures follow from its counts, its run is the program's own default, its predictions are those that run.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { publishedRun } from "../../src/doctor/published-run.ts";
import { metricNames } from "../../src/eval/record.ts";
import { mcnemar } from "../../src/eval/statistics/mcnemar.ts";
import { wilson } from "../../src/eval/statistics/wilson.ts";
import { predictionNames } from "../../src/experiment/spec.ts";
import { providerShapes } from "../../src/factory/taxonomy.ts";
import { trainOptions } from "../../src/train/options.ts";
import { root } from "./documents.ts";

const text = readFileSync(join(root, "docs/method.md"), "utf8");
const flat = text.replace(/\s+/g, " ");

test("the intervals and the test of the published table follow from its counts", () => {
  const rows = [...text.matchAll(/^\| (?:base|tuned) \| (\d+)\/(\d+) \| ([\d.]+) to ([\d.]+) % \|$/gm)];
  expect(rows).toHaveLength(2);
  for (const [, x, n, low, high] of rows) {
    const rate = wilson(Number(x), Number(n));
    expect([low, high]).toEqual([(100 * rate.low!).toFixed(1), (100 * rate.high!).toFixed(1)]);
  }
  expect(flat).toContain(`p = ${mcnemar(0, 14).p.toPrecision(2)}, exact McNemar`);
});

test("the published run is what train does when nothing is said", () => {
  const { loraR, loraAlpha, loraDropout, learningRate, warmupRatio } = trainOptions;
  const { numTrainEpochs, gradientAccumulationSteps, maxLength, seed } = trainOptions;
  // What differs for preference training and for the base's own weights stands behind a comma or semicolon.
  const usual = (option: { readonly usual: string }) => option.usual.split(/[,;]/)[0]!;
  for (const said of [
    `${publishedRun.trajectories} clean sessions for ${numTrainEpochs.default} epochs`,
    `r ${usual(loraR)}, alpha ${usual(loraAlpha)}, dropout ${usual(loraDropout)} on q/k/v/o`,
    `a peak rate of ${usual(learningRate)} after ${100 * warmupRatio.default} % warmup`,
    `${gradientAccumulationSteps.default} to an update, at most ${maxLength.default} tokens, seed ${seed.default}`,
  ])
    expect(flat).toContain(said);
  expect(numTrainEpochs.default).toBe(publishedRun.epochs);
});

test("it names every column, every prediction and the number of ways to ask a provider", () => {
  for (const name of metricNames) expect(text).toMatch(new RegExp(`^\\| ${name} \\|`, "m"));
  for (const name of predictionNames) expect(text).toContain(`(\`${name}\`)`);
  expect(Object.keys(providerShapes)).toHaveLength(10);
});
