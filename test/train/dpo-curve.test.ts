// Preference training against TRL's own run: every loss, gradient norm and metric of eight steps, and the final adapter.

import { describe, expect } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readAdapter } from "../../src/formats/peft-adapter.ts";
import golden from "../golden/numeric/dpo/dpo.json";
import { testDevice } from "../gpu.ts";
import { decodeEvents } from "./decode-events.ts";
import { difference } from "./golden-run.ts";
import { type Flags, numeric, readLog, runTrain, scratchFolder } from "./tiny-run.ts";

const { gpuTest } = await testDevice();
const { scratch } = scratchFolder();
const dpo = join(numeric, "dpo");

const flags: Flags = {
  method: "dpo",
  base: join(numeric, "models", golden.base),
  tokenized: join(dpo, "pairs.json"),
  initAdapter: join(dpo, "train", "init"),
  order: "sequential",
  maxSteps: "8",
  learningRate: "5e-3",
  warmupRatio: "0",
  maxGradNorm: "1",
};

/** Summation order alone moves TRL's own curve by 8e-6. */
const curveBound = 1e-4;
const compared = ["loss", "grad_norm", "rewards/margins", "rewards/chosen", "rewards/rejected"] as const;

describe("a run repeats TRL's own", () => {
  for (const [name, batch, accumulation, more] of [
    ["batches of two pairs", "2", "1", {}],
    ["two micro-batches of one pair", "1", "2", {}],
    ["batches of two pairs, prompts computed twice", "2", "1", { sharePrefix: false }],
  ] as const)
    gpuTest(`${name}: losses, norms, rewards, log-probabilities, logits and the final adapter`, async () => {
      const out = join(scratch, `curve-${name}`);
      await runTrain({
        ...flags,
        ...more,
        out,
        perDeviceTrainBatchSize: batch,
        gradientAccumulationSteps: accumulation,
      });
      const log = readLog(out).filter((entry) => entry.loss !== undefined);
      expect(log.length).toBe(golden.train.log.length);
      for (const [i, wanted] of golden.train.log.entries()) {
        const got = log[i]!;
        for (const key of compared) {
          const scale = Math.max(Math.abs(wanted[key]), key.startsWith("rewards") ? 0.1 : 1e-3);
          const error = Math.abs(got[key]! - wanted[key]) / scale;
          if (!(error < curveBound))
            throw new Error(`step ${i + 1} ${key}: ${got[key]} instead of ${wanted[key]} (${error})`);
        }
        expect(got.learning_rate).toBeCloseTo(wanted.learning_rate, 12);
        for (const key of ["logps/chosen", "logps/rejected"] as const)
          expect(Math.abs(got[key]! - wanted[key])).toBeLessThan(5e-3);
        for (const key of ["logits/chosen", "logits/rejected"] as const)
          if (batch === "2") expect(Math.abs(got[key]! - wanted[key])).toBeLessThan(1e-5);
        // At the first step policy and reference are one up to rounding, and whose reward is larger says nothing.
        if (i > 0) expect(got["rewards/accuracies"]).toBe(wanted["rewards/accuracies"]);
      }
      const ours = readAdapter(out);
      let squares = 0;
      let off = 0;
      for (const [name, { data }] of readAdapter(join(dpo, "train", "final")).tensors) {
        const values = ours.tensors.get(name)!.data;
        const { worst, most } = difference(data, values);
        // One element's gradient all but cancels, and Adam makes a whole step of its rounding: 3e-3 to 5.3e-3 by the order of
        // sums, where the next worst has 1e-3.
        expect(worst).toBeLessThan(1e-2 * most);
        data.forEach((x, i) => {
          squares += x * x;
          off += (x - values[i]!) ** 2;
        });
      }
      expect(Math.sqrt(off / squares)).toBeLessThan(2e-4);
    });

  gpuTest("under TRL's tags in TensorBoard, and in trainer_state.json", () => {
    const out = join(scratch, "curve-batches of two pairs");
    const [session] = readdirSync(join(out, "runs"));
    const [file] = readdirSync(join(out, "runs", session!));
    const events = decodeEvents(readFileSync(join(out, "runs", session!, file!)));
    const state = JSON.parse(readFileSync(join(out, "trainer_state.json"), "utf8"));
    for (const name of Object.keys(golden.train.log[0]!)) {
      if (["entropy", "num_tokens", "mean_token_accuracy", "step"].includes(name)) continue;
      expect(events.filter(({ tag }) => tag === `train/${name}`).length).toBeGreaterThanOrEqual(8);
      expect(state.log_history[3][name]).toBeNumber();
    }
  });
});
