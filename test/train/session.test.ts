// What a run does besides following a golden curve.

import { describe, expect, spyOn } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GpuError } from "../../src/base/errors.ts";
import { Device } from "../../src/gpu/device.ts";
import sampler from "../golden/numeric/sampler.json";
import data from "../golden/numeric/train/data.json";
import { testDevice } from "../gpu.ts";
import { adapterBytes, type Flags, numeric, readLog, runTrain, scratchFolder } from "./tiny-run.ts";

const { gpuTest } = await testDevice();
const { scratch, trainFile, evalFile } = scratchFolder();

const flags: Flags = {
  base: join(numeric, "models", "tiny-llama"),
  tokenized: trainFile,
  loraR: "4",
  loraDropout: "0",
  learningRate: "5e-3",
  gradientAccumulationSteps: "4",
};

gpuTest("rows come in the order that transformers asked for them, another one each epoch", async () => {
  const out = join(scratch, "order");
  await runTrain({ ...flags, out, gradientAccumulationSteps: "1", numTrainEpochs: "3" });
  const seen = readLog(out).flatMap(({ loss, tokens }) => (loss === undefined ? [] : [tokens!]));
  const lengths = seen.map((tokens, i) => tokens - (seen[i - 1] ?? 0));
  const wanted = sampler.trainer_epoch_orders["14/42"].flat();
  expect(lengths).toEqual(wanted.map((row) => data.train[row]!.input_ids.length));
});

describe("packing", () => {
  gpuTest("trains on the same losses and gradients as the sequences by themselves", async () => {
    // One window takes the whole epoch, whatever rows it is cut into.
    const epoch = { ...flags, gradientAccumulationSteps: "14", numTrainEpochs: "3", warmupRatio: "0" };
    const [apart, packed] = [join(scratch, "apart"), join(scratch, "packed")];
    await runTrain({ ...epoch, out: apart });
    const said = await runTrain({ ...epoch, out: packed, packing: true, maxLength: "150" });
    expect(said.find((line) => line.startsWith("packing: 14 sequences in 5 rows"))).toBeDefined();
    const [a, b] = [readLog(apart), readLog(packed)];
    for (let i = 0; i < 3; i++)
      for (const key of ["loss", "grad_norm"])
        expect(Math.abs(b[i]![key]! / a[i]![key]! - 1)).toBeLessThan(2e-6);
    expect(b[2]!.loss!).toBeLessThan(b[0]!.loss!);
  });
});

describe("long runs", () => {
  gpuTest("make no pipeline and no buffer after step 2", async () => {
    const pipelines: number[] = [];
    const devices: Device[] = [];
    const open = Device.open.bind(Device);
    const spy = spyOn(Device, "open").mockImplementation(async (options) => {
      const device = await open(options);
      devices.push(device);
      return device;
    });
    const read = Device.prototype.read;
    const reads = spyOn(Device.prototype, "read").mockImplementation(function (this: Device, tensor) {
      if (tensor.label === "norm") pipelines.push(this.kernels.pipelineCount, this.kernels.bindGroupCount);
      return read.call(this, tensor);
    });
    const out = join(scratch, "long");
    try {
      await runTrain({
        ...flags,
        out,
        loraDropout: "0.1",
        gradientAccumulationSteps: "1",
        maxSteps: "60",
        saveStrategy: "no",
      });
    } finally {
      spy.mockRestore();
      reads.mockRestore();
    }
    expect(pipelines.length).toBe(120);
    expect(new Set(pipelines.slice(4)).size).toBe(2);
    const log = readLog(out).filter((entry) => entry.loss !== undefined);
    expect(new Set(log.map((entry) => entry.device_memory_bytes)).size).toBe(1);
  });
});

describe("the best checkpoint", () => {
  gpuTest("is what the output holds, and early stopping ends the run", async () => {
    const out = join(scratch, "best");
    const said = await runTrain({
      ...flags,
      out,
      evalTokenized: evalFile,
      // Far too fast: the validation loss rises after a while.
      learningRate: "0.08",
      lrSchedulerType: "constant",
      numTrainEpochs: "20",
      evalSteps: "2",
      loadBestModelAtEnd: true,
      earlyStoppingPatience: "3",
      saveStrategy: "no",
    });
    expect(said.find((line) => line.includes("eval_loss no longer improves"))).toBeDefined();
    const state = JSON.parse(readFileSync(join(out, "trainer_state.json"), "utf8"));
    expect(state.global_step).toBe(state.best_global_step + 6);
    expect(state.stateful_callbacks.EarlyStoppingCallback.attributes).toEqual({
      early_stopping_patience_counter: 3,
    });
    const evaluations = (state.log_history as Record<string, number>[]).filter(({ eval_loss }) => eval_loss);
    expect(state.best_metric).toBe(Math.min(...evaluations.map(({ eval_loss }) => eval_loss!)));
    expect(adapterBytes(out)).toEqual(adapterBytes(join(out, `checkpoint-${state.best_global_step}`)));
  });
});

describe("a device that fails on the way", () => {
  gpuTest("leaves its last checkpoint, says so, and the run goes on from there", async () => {
    const whole = join(scratch, "whole");
    const steps = { ...flags, loraDropout: "0.2", numTrainEpochs: "2", saveSteps: "2" };
    await runTrain({ ...steps, out: whole });
    const out = join(scratch, "lost");
    const read = Device.prototype.read;
    let norms = 0;
    const spy = spyOn(Device.prototype, "read").mockImplementation(function (this: Device, tensor) {
      if (tensor.label === "norm" && ++norms === 6) throw new GpuError("device: lost while running (test)");
      return read.call(this, tensor);
    });
    const failing = runTrain({ ...steps, out });
    await expect(failing).rejects.toThrow(
      `the device failed after step 5; ${join(out, "checkpoint-4")} is kept`,
    );
    spy.mockRestore();
    await runTrain({ ...steps, out, resume: true });
    expect(adapterBytes(out)).toEqual(adapterBytes(whole));
  });
});

describe("bad input ends with one line, and nothing is written", () => {
  const rows = data.train;
  const file = (name: string, content: unknown) => {
    const path = join(scratch, name);
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
    return path;
  };
  const cases: [string, Flags, string | RegExp][] = [
    ["no data", { tokenized: undefined }, "expected either --data or --tokenized"],
    [
      "all labels masked",
      { tokenized: file("masked.json", [{ input_ids: [1, 2], labels: [-100, -100] }]) },
      /masked\.json: \[0\]\.?labels: no position is trained/,
    ],
    [
      "an id outside the vocabulary",
      { tokenized: file("ids.json", [rows[0], { input_ids: [1, 320], labels: [-100, 3] }]) },
      /ids\.json: \[1\]\.?input_ids\[1\]: expected an id from 0 to 319, found 320/,
    ],
    ["JSON that is cut off", { tokenized: file("cut.json", '[{"input_ids": [1,') }, /cut\.json/],
    ["a row that is too long", { maxLength: "20", overlong: "error" }, "expected at most 20 tokens, got 37"],
    [
      "data that is not there",
      { tokenized: undefined, data: join(scratch, "nope.jsonl") },
      "nope.jsonl: expected",
    ],
    ["no base", { base: join(scratch, "none") }, "expected a model directory or a .gguf file"],
    [
      "an adapter of another base",
      { initAdapter: join(numeric, "lora", "mistral-all") },
      /expected shape .* for this base and rank, got/,
    ],
    [
      "a rank that contradicts the given adapter",
      { initAdapter: join(numeric, "lora", "llama-qkvo"), loraR: "8" },
      "expected the adapter's own rank, alpha and layers",
    ],
    ["a layer that is not there", { targetModules: "w_proj" }, /w_proj/],
    ["a best model without validation", { loadBestModelAtEnd: true }, "expected validation data, got none"],
    ["a schedule setting that is unknown", { lrSchedulerKwargs: "cycles=2" }, "--lr-scheduler-kwargs"],
    ["more memory than there is", { memoryLimit: "0.001" }, "which the device can give"],
  ];
  for (const [what, change, complaint] of cases)
    gpuTest(what, async () => {
      const out = join(scratch, `bad-${what.replaceAll(" ", "-")}`);
      await expect(runTrain({ ...flags, ...change, out })).rejects.toThrow(complaint);
      expect(existsSync(out)).toBe(false);
    });
});

gpuTest("a config file can be the options.json of another run", async () => {
  const out = join(scratch, "options");
  await runTrain({ ...flags, out, maxSteps: "2", overwrite: true });
  const record = JSON.parse(readFileSync(join(out, "options.json"), "utf8"));
  expect(record).toMatchObject({ lora_r: 4, lora_alpha: 32, max_steps: 2, tokenized: trainFile });
  for (const name of ["overwrite", "resume", "inspect"]) expect(record[name]).toBeNull();
  const manifest = JSON.parse(readFileSync(join(out, "manifest.json"), "utf8"));
  expect(manifest.data).toMatchObject({ sequences: 14, tokens: 629, labels: 99 });
  expect(manifest.options).toEqual(record);
  expect(readdirSync(out).sort()).toEqual([
    "README.md",
    "adapter_config.json",
    "adapter_model.safetensors",
    "checkpoint-2",
    "log.jsonl",
    "manifest.json",
    "options.json",
    "runs",
    "trainer_state.json",
  ]);
});
