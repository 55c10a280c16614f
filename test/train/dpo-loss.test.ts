// Preference losses: values, slopes and gradients against TRL's own code, slopes against finite differences.

import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { resolveOptions } from "../../src/base/resolve.ts";
import { makeBatch, type Sequence } from "../../src/model/batch.ts";
import { trainOptions } from "../../src/train/options.ts";
import { type LossSettings, lossTypes, type PairLogps, pairLoss } from "../../src/train/preference/loss.ts";
import { completionLogps, preferenceObjective } from "../../src/train/preference/objective.ts";
import { loadPreferenceData } from "../../src/train/preference/preference-data.ts";
import { preferenceSettings } from "../../src/train/preference/settings.ts";
import golden from "../golden/numeric/dpo/dpo.json";
import losses from "../golden/numeric/dpo/losses.json";
import pairs from "../golden/numeric/dpo/pairs.json";
import { testDevice } from "../gpu.ts";
import { goldenTensors, loadGolden, worst } from "../model/goldens.ts";
import { numeric } from "./tiny-run.ts";

const { device, gpuTest } = await testDevice();
const timeout = 120_000;

const dpo: LossSettings = { type: "sigmoid", beta: 0.1, labelSmoothing: 0, gamma: 0.5 };

describe("a pair's loss", () => {
  test("and its rewards are those that TRL computes from the same log-probabilities", () => {
    for (const pair of golden.pairs) {
      const { loss, rewardChosen, rewardRejected } = pairLoss(
        {
          chosen: pair.policy_chosen_logp,
          rejected: pair.policy_rejected_logp,
          refChosen: pair.reference_chosen_logp,
          refRejected: pair.reference_rejected_logp,
          chosenTokens: 12,
          rejectedTokens: 7,
        },
        dpo,
      );
      expect(Math.abs(loss / pair.loss - 1)).toBeLessThan(2e-6);
      expect(rewardChosen).toBeCloseTo(pair.reward_chosen, 9);
      expect(rewardRejected).toBeCloseTo(pair.reward_rejected, 9);
    }
  });

  for (const type of lossTypes)
    test(`${type}: the slopes are those of finite differences`, () => {
      const smoothing = ["sigmoid", "robust", "simpo"].includes(type) ? [0, 0.2] : [0];
      for (const labelSmoothing of smoothing)
        for (const [chosen, rejected] of [
          [-12, -9],
          [-3, -31],
          [-80, -2],
          [-0.4, -0.2],
        ] as const) {
          const settings = { type, beta: 0.7, labelSmoothing, gamma: 0.5 };
          const at = (c: number, r: number): PairLogps => ({
            chosen: c,
            rejected: r,
            refChosen: -11,
            refRejected: -8.5,
            chosenTokens: 5,
            rejectedTokens: 9,
          });
          const loss = (c: number, r: number) => pairLoss(at(c, r), settings).loss;
          const { dChosen, dRejected } = pairLoss(at(chosen, rejected), settings);
          const h = 1e-6;
          const slopes = [
            (loss(chosen + h, rejected) - loss(chosen - h, rejected)) / (2 * h),
            (loss(chosen, rejected + h) - loss(chosen, rejected - h)) / (2 * h),
          ];
          expect(Math.abs(dChosen - slopes[0]!)).toBeLessThan(1e-6 * Math.max(1, Math.abs(slopes[0]!)));
          expect(Math.abs(dRejected - slopes[1]!)).toBeLessThan(1e-6 * Math.max(1, Math.abs(slopes[1]!)));
        }
    });

  test("stays finite where a sigmoid or a certain completion would overflow", () => {
    const far = { refChosen: 0, refRejected: 0, chosenTokens: 3, rejectedTokens: 3 };
    for (const type of lossTypes)
      for (const [chosen, rejected] of [
        [-1e5, -1],
        [-1, -1e5],
        [0, -1],
        [-1, 0],
      ] as const) {
        const { loss, dChosen, dRejected } = pairLoss(
          { ...far, chosen, rejected },
          { ...dpo, type, beta: 2 },
        );
        for (const value of [loss, dChosen, dRejected]) expect(Number.isFinite(value)).toBe(true);
      }
  });
});

/** The golden's pairs as a run would read them, and the reference's log-probabilities that TRL found. */
async function goldenRun(flags: Record<string, string | boolean>) {
  const options = resolveOptions(trainOptions, {
    method: "dpo",
    base: join(numeric, "models", golden.base),
    tokenized: join(numeric, "dpo", "pairs.json"),
    ...flags,
  });
  const { train } = await loadPreferenceData(options, 512);
  const references = new Map<Sequence, number>();
  for (const [i, row] of train.rows.entries()) {
    references.set(row[0]!, golden.pairs[i]!.reference_chosen_logp);
    references.set(row[1]!, golden.pairs[i]!.reference_rejected_logp);
  }
  return { batch: makeBatch(train.rows.flat(), 512), settings: preferenceSettings(options), references };
}

const sizes = { train: true, sequenceLoss: true, maxTokens: 320, lossCapacity: 320 };

describe("on the device", () => {
  gpuTest(
    "log-probabilities of policy and base are TRL's, and the gradient is every tensor's",
    async () => {
      const { batch, settings, references } = await goldenRun({});
      using lm = await loadGolden(device, golden.base, { adapterDirectory: "dpo/adapter", ...sizes });
      using base = await loadGolden(device, golden.base, sizes);
      const logps = async (model: typeof lm) => {
        model.evaluate(batch);
        return completionLogps({ batch, losses: await model.takeLosses() });
      };
      const wanted = (who: "policy" | "reference") =>
        golden.pairs.flatMap((pair) => [pair[`${who}_chosen_logp`], pair[`${who}_rejected_logp`]]);
      expect(worst(await logps(lm), wanted("policy"))).toBeLessThan(5e-4);
      expect(worst(await logps(base), wanted("reference"))).toBeLessThan(5e-4);
      const objective = preferenceObjective(lm, settings, references);
      await objective.step(batch, { batches: 1, labels: batch.rows.length }, { gradientScale: 1 });
      const [rows] = await objective.take([batch]);
      expect(Math.abs(objective.batchLoss(rows!) / golden.loss - 1)).toBeLessThan(2e-5);
      const wantedMetrics: Record<string, number> = golden.trl.metrics;
      for (const [name, value] of Object.entries(objective.metrics(rows!)))
        expect(Math.abs(value - wantedMetrics[name]!)).toBeLessThan(name.startsWith("logits") ? 1e-5 : 5e-4);
      const grads = await lm.adapter!.readGradients();
      const expected = goldenTensors("dpo/adapter.grads.safetensors");
      expect(grads.size).toBe(expected.size);
      for (const [name, gradient] of grads)
        expect({ name, worst: worst(gradient, expected.get(name)!, true) < 5e-5 }).toEqual({
          name,
          worst: true,
        });
    },
    timeout,
  );

  for (const lossType of ["sigmoid", "orpo"])
    gpuTest(
      `${lossType}: a prefix that is computed once gives the numbers and gradients of two sequences apart`,
      async () => {
        const run = async (sharePrefix: boolean) => {
          using lm = await loadGolden(device, golden.base, { adapterDirectory: "dpo/adapter", ...sizes });
          const { batch, settings, references } = await goldenRun({ lossType, sharePrefix });
          const objective = preferenceObjective(lm, settings, references);
          await objective.step(batch, { batches: 1, labels: batch.rows.length }, { gradientScale: 1 });
          const [rows] = await objective.take([batch]);
          return {
            tokens: batch.tokens,
            losses: rows!.losses,
            metrics: objective.metrics(rows!),
            grads: await lm.adapter!.readGradients(),
          };
        };
        const [once, twice] = [await run(true), await run(false)];
        const shared = pairs.reduce((sum, { prompt_ids }) => sum + prompt_ids.length - 1, 0);
        expect(once.tokens).toBe(twice.tokens - shared);
        expect(worst(once.losses, twice.losses)).toBeLessThan(1e-5);
        for (const [name, value] of Object.entries(once.metrics))
          expect(Math.abs(value - twice.metrics[name]!)).toBeLessThan(1e-4);
        for (const [name, gradient] of once.grads)
          expect({ name, worst: worst(gradient, twice.grads.get(name)!, true) < 1e-5 }).toEqual({
            name,
            worst: true,
          });
      },
      timeout,
    );

  for (const { options, loss, metrics, grads } of losses.cases)
    gpuTest(
      `${Object.values(options).join(" ")}: loss, metrics and gradients are TRL's, whatever the loss scale`,
      async () => {
        const given = Object.fromEntries(
          Object.entries(options).flatMap(([key, value]) =>
            key === "labelSmoothing" && value === 0 ? [] : [[key, String(value)]],
          ),
        );
        const { batch, settings, references } = await goldenRun(given);
        using lm = await loadGolden(device, golden.base, { adapterDirectory: "dpo/adapter", ...sizes });
        const objective = preferenceObjective(lm, settings, references);
        // The loss scale of half precision must cancel out.
        await objective.step(batch, { batches: 4, labels: 0 }, { gradientScale: 4 });
        const [rows] = await objective.take([batch]);
        // A steep hinge passes on what log-probabilities are off by.
        const slack = Math.max(loss, options.beta);
        expect(Math.abs(objective.batchLoss(rows!) - loss)).toBeLessThan(2e-5 * slack);
        const found: Record<string, number> = objective.metrics(rows!);
        for (const [name, value] of Object.entries(metrics)) {
          const off = Math.abs(found[name]! - value) / Math.max(1, Math.abs(value));
          expect({ name, off: off < 5e-4 }).toEqual({ name, off: true });
        }
        const gradients = await lm.adapter!.readGradients();
        const expected: Record<string, { norm: number; values: number[] }> = grads;
        expect(Object.keys(expected).sort()).toEqual([...gradients.keys()].sort());
        for (const [name, gradient] of gradients) {
          const { norm, values } = expected[name]!;
          const found = Math.sqrt(gradient.reduce((sum, x) => sum + x * x, 0));
          expect({ name, norm: Math.abs(found / norm - 1) < 5e-5 }).toEqual({ name, norm: true });
          expect(worst(gradient.subarray(0, 8), values)).toBeLessThan(5e-5 * norm);
        }
      },
      timeout,
    );
});
