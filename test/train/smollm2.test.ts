// The real base on real trajectories against PEFT's own run: test/golden/smollm2/train.json.
// On a CPU each step takes seconds, so three of the 32 are run there; SEKFT_SMOLLM2_STEPS asks for more.

import { describe, expect, setDefaultTimeout } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openBase } from "../../src/formats/base-weights.ts";
import { readAdapter, resolveTargets, writeAdapter } from "../../src/formats/peft-adapter.ts";
import { plainLora } from "../../src/formats/peft-config.ts";
import { computeForward } from "../../src/train/forward-tensors.ts";
import { initLora } from "../../src/train/lora-init.ts";
import golden from "../golden/smollm2/train.json";
import { testDevice } from "../gpu.ts";
import { need } from "../setup.ts";
import { readLog, runTrain, scratchFolder } from "./tiny-run.ts";

const base = join(import.meta.dir, "..", "..", ".cache", "SmolLM2-135M-Instruct.Q4_1.gguf");
const { device, gpuTest } = await testDevice();
const baseTest = existsSync(base) ? gpuTest : need("smollm2", false);
const { scratch } = scratchFolder();
setDefaultTimeout(1_800_000);

const bounds = { loss: 2e-4, norm: 5e-4, tensorL2: 2e-3, logits: 1e-2 };
const steps = Number(process.env.SEKFT_SMOLLM2_STEPS ?? (onGpu() ? golden.log.length : 3));

function onGpu(): boolean {
  try {
    return !device.facts.software;
  } catch {
    return false;
  }
}

/** The golden's formula for A; B is 0. */
function startOfGolden(path: string): void {
  using model = openBase(base);
  const { settings } = golden;
  const config = plainLora({
    r: settings.r,
    alpha: settings.lora_alpha,
    dropout: settings.lora_dropout,
    targetModules: settings.target_modules,
  });
  const targets = resolveTargets(config, model.config);
  const tensors = initLora(targets, 0);
  for (const { module, layer, name, inFeatures } of targets) {
    const { data } = tensors.get(`base_model.model.${module}.lora_A.weight`)!;
    const salt = 4 * layer + settings.target_modules.indexOf(name) + 1;
    for (let n = 0; n < data.length; n++) {
      let h = (n + Math.imul(salt, 0x9e3779b9)) >>> 0;
      h = Math.imul(h ^ (h >>> 16), 0x85ebca6b) >>> 0;
      h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35) >>> 0;
      h = (h ^ (h >>> 16)) >>> 0;
      data[n] = ((h >>> 8) / 2 ** 23 - 1) / Math.sqrt(inFeatures);
    }
  }
  writeAdapter(path, { config, tensors });
  const first = tensors.get("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight")!.data;
  golden.init_check.first.forEach((x, i) => {
    expect(first[i]!).toBeCloseTo(x, 7);
  });
  expect(first.at(-1)!).toBeCloseTo(golden.init_check.last, 7);
}

describe("SmolLM2-135M-Instruct trained on real trajectories", () => {
  const out = join(scratch, "smollm2");
  baseTest(`follows PEFT's run for ${steps} of ${golden.log.length} steps`, async () => {
    const init = join(scratch, "init");
    mkdirSync(init);
    startOfGolden(init);
    const rows = join(scratch, "rows.json");
    writeFileSync(rows, JSON.stringify(golden.rows));
    const common = { base, tokenized: rows, initAdapter: init, order: "sequential", warmupSteps: "0.03" };
    const { settings } = golden;
    await runTrain({
      ...common,
      out,
      perDeviceTrainBatchSize: String(settings.per_device_train_batch_size),
      gradientAccumulationSteps: String(settings.gradient_accumulation_steps),
      learningRate: String(settings.learning_rate),
      // The golden's rate is that of 32 steps: its first steps are repeated with its own schedule's values.
      ...(steps === golden.log.length
        ? { maxSteps: String(steps), lrSchedulerType: "linear" }
        : { maxSteps: String(steps), lrSchedulerType: "polynomial", lrSchedulerKwargs: decaySettings() }),
    });
    const log = readLog(out).filter((entry) => entry.grad_norm !== undefined);
    log.forEach((entry, i) => {
      const wanted = golden.log[i]!;
      expect(Math.abs(entry.learning_rate! - wanted.learning_rate)).toBeLessThan(1e-12);
      expect(Math.abs(entry.loss! / wanted.loss - 1)).toBeLessThan(bounds.loss);
      expect(Math.abs(entry.grad_norm! / wanted.grad_norm - 1)).toBeLessThan(bounds.norm);
    });
    expect(log.length).toBe(steps);
  });

  const allTest = steps === golden.log.length ? baseTest : need("all 32 steps of SmolLM2", false);
  allTest("ends with PEFT's adapter and its logits", async () => {
    const { tensors } = readAdapter(out);
    for (const [name, { l2 }] of Object.entries(golden.final_adapter)) {
      const got = Math.sqrt(tensors.get(name)!.data.reduce((sum, x) => sum + x * x, 0));
      expect(Math.abs(got / l2 - 1)).toBeLessThan(bounds.tensorL2);
    }
    const ids = join(scratch, "prompts.json");
    writeFileSync(ids, JSON.stringify(golden.prompts.map(({ input_ids }) => ({ input_ids }))));
    const request = { base, ids, adapter: out, load4bit: false, tier: "auto", requireGpu: false };
    const forward = await computeForward({ ...request, hidden: false, grads: false }, () => undefined);
    golden.prompts.forEach(({ top20 }, i) => {
      const { data, shape } = forward.tensors.get(`${i}.logits`)!;
      const last = data.subarray((shape[0]! - 1) * shape[1]!);
      for (const [id, logit] of top20 as [number, number][])
        expect(Math.abs(last[id]! - logit)).toBeLessThan(bounds.logits);
    });
    const losses = readFileSync(join(out, "log.jsonl"), "utf8").match(/"loss":[\d.]+/g)!;
    expect(losses.length).toBe(golden.log.length);
  });
});

/** A straight line through the golden's rates, for a run of fewer steps: lr_end is where it would be at its end. */
function decaySettings(): string {
  const [, second, third] = golden.log;
  const slope = second!.learning_rate - third!.learning_rate;
  return JSON.stringify({ lr_end: second!.learning_rate - slope * (steps - 1), power: 1 });
}
