import { describe, expect } from "bun:test";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { testDevice } from "../gpu.ts";
import { decodeEvents } from "./decode-events.ts";
import {
  adapterBytes,
  type Flags,
  numeric,
  readLog,
  runTrain,
  scratchFolder,
  withoutTimes,
} from "./tiny-run.ts";

const { gpuTest } = await testDevice();
const { scratch, trainFile, evalFile } = scratchFolder();

// 14 rows, windows of 4: 4 updates an epoch, the last of 2 rows. Dropout, noise and LoRA+ on; logs that span steps.
const flags: Flags = {
  base: join(numeric, "models", "tiny-llama"),
  tokenized: trainFile,
  evalTokenized: evalFile,
  evalSteps: "3",
  loadBestModelAtEnd: true,
  gradientAccumulationSteps: "4",
  numTrainEpochs: "2",
  learningRate: "5e-3",
  lrSchedulerType: "cosine",
  loraR: "4",
  loraDropout: "0.2",
  neftuneNoiseAlpha: "5",
  loraplusLrRatio: "4",
  weightDecay: "0.01",
  loggingSteps: "2",
  saveSteps: "1",
};

const whole = join(scratch, "whole");
let wholeRun: Promise<unknown> | undefined;
/** The run that is never interrupted, with a checkpoint at each of its 8 steps. */
const runWhole = () => (wholeRun ??= runTrain({ ...flags, out: whole }));

/** The folder as a kill right after checkpoint `step` and some further work would leave it. */
async function killedAfter(step: number, name: string): Promise<string> {
  await runWhole();
  const out = join(scratch, name);
  cpSync(whole, out, { recursive: true });
  for (const file of ["adapter_model.safetensors", "adapter_config.json", "README.md"])
    rmSync(join(out, file));
  for (let later = step + 1; later <= 8; later++)
    rmSync(join(out, `checkpoint-${later}`), { recursive: true });
  return out;
}

function tensorboard(out: string) {
  const [session] = readdirSync(join(out, "runs"));
  const [file, ...more] = readdirSync(join(out, "runs", session!));
  expect(more).toEqual([]);
  const timed = /runtime|second/;
  return decodeEvents(readFileSync(join(out, "runs", session!, file!))).filter(({ tag }) => !timed.test(tag));
}

describe("a resumed run", () => {
  for (const [step, where] of [
    [1, "in the middle of an epoch and between two logs"],
    [4, "at the end of an epoch"],
    [6, "at an evaluation"],
  ] as const)
    gpuTest(`killed after step ${step}, ${where}, ends with the same bytes and the same logs`, async () => {
      const out = await killedAfter(step, `killed-${step}`);
      mkdirSync(join(out, `.checkpoint-${step + 1}.part`));
      appendFileSync(join(out, "log.jsonl"), '{"step": 99');
      await runTrain({ ...flags, out, resume: true });
      expect(adapterBytes(out)).toEqual(adapterBytes(whole));
      for (let later = 1; later <= 8; later++) {
        const folder = `checkpoint-${later}`;
        for (const file of ["adapter_model.safetensors", "optimizer.safetensors"])
          expect(readFileSync(join(out, folder, file))).toEqual(readFileSync(join(whole, folder, file)));
      }
      expect(withoutTimes(readLog(out))).toEqual(withoutTimes(readLog(whole)));
      expect(tensorboard(out)).toEqual(tensorboard(whole));
      expect(existsSync(join(out, `.checkpoint-${step + 1}.part`))).toBe(false);
    });

  gpuTest("passes over a damaged checkpoint and says so", async () => {
    const out = await killedAfter(5, "damaged");
    truncateSync(join(out, "checkpoint-5", "optimizer.safetensors"), 100);
    const said = await runTrain({ ...flags, out, resume: true });
    expect(said.find((line) => line.includes("checkpoint-5 is not usable"))).toBeDefined();
    expect(adapterBytes(out)).toEqual(adapterBytes(whole));
    expect(withoutTimes(readLog(out))).toEqual(withoutTimes(readLog(whole)));
  });

  gpuTest("goes on from the checkpoint that is named, without the later ones", async () => {
    const out = await killedAfter(7, "named");
    await runTrain({ ...flags, out, resumeFromCheckpoint: join(out, "checkpoint-3") });
    expect(adapterBytes(out)).toEqual(adapterBytes(whole));
    expect(withoutTimes(readLog(out))).toEqual(withoutTimes(readLog(whole)));
  });

  gpuTest("starts over where there is no checkpoint, and starts where there is nothing", async () => {
    for (const name of ["no-checkpoint", "nothing"]) {
      const out = name === "nothing" ? join(scratch, name) : await killedAfter(0, name);
      const said = await runTrain({ ...flags, out, resume: true });
      expect(
        said.find((line) => /^resume: .* (holds no run|has no checkpoint) yet/.test(line)),
      ).toBeDefined();
      expect(adapterBytes(out)).toEqual(adapterBytes(whole));
      expect(withoutTimes(readLog(out))).toEqual(withoutTimes(readLog(whole)));
    }
  });

  gpuTest("that was finished finishes again with the same bytes", async () => {
    const out = await killedAfter(8, "finished");
    await runTrain({ ...flags, out, resume: true });
    expect(adapterBytes(out)).toEqual(adapterBytes(whole));
    expect(withoutTimes(readLog(out))).toEqual(withoutTimes(readLog(whole)));
  });

  gpuTest(
    "may log, evaluate and save otherwise, and recompute activations, without changing its bytes",
    async () => {
      const out = await killedAfter(3, "other-logs");
      const change = {
        loggingSteps: "1",
        saveSteps: "2",
        saveTotalLimit: "2",
        gradientCheckpointing: "full",
      };
      await runTrain({ ...flags, ...change, out, resume: true });
      expect(adapterBytes(join(out, "checkpoint-8"))).toEqual(adapterBytes(join(whole, "checkpoint-8")));
    },
  );
});

describe("a resume is refused, and nothing is touched, when what changed is", () => {
  const otherRows = join(scratch, "other-rows.json");
  const rows = JSON.parse(readFileSync(trainFile, "utf8")) as { labels: number[] }[];
  rows[3]!.labels[rows[3]!.labels.length - 1] = 9;
  writeFileSync(otherRows, JSON.stringify(rows));

  for (const [what, change, complaint] of [
    ["the base", { base: join(numeric, "models", "tiny-llama-bf16") }, "expected the base of that run"],
    ["the data", { tokenized: otherRows }, "expected the data of that run"],
    ["the validation data", { evalTokenized: trainFile }, "expected the validation data of that run"],
    ["the learning rate", { learningRate: "1e-3" }, "--learning-rate 0.001 (was 0.005)"],
    ["the rank", { loraR: "8" }, "--lora-r 8 (was 4)"],
    ["two options", { seed: "1", loraDropout: "0" }, "--lora-dropout 0 (was 0.2), --seed 1 (was 42)"],
    ["the number of steps under a cosine", { numTrainEpochs: "3" }, "--num-train-epochs 3 (was 2)"],
    ["the tier", { tier: "f32" }, "expected the tier of that run"],
  ] as const)
    gpuTest(what, async () => {
      const out = await killedAfter(5, `refused-${what.replaceAll(" ", "-")}`);
      const before = readFileSync(join(out, "log.jsonl"));
      await expect(runTrain({ ...flags, ...change, out, resume: true })).rejects.toThrow(complaint);
      expect(readFileSync(join(out, "log.jsonl"))).toEqual(before);
      expect(readdirSync(out)).toContain("checkpoint-5");
    });

  gpuTest("but a constant rate may go on for longer", async () => {
    const constant = { ...flags, lrSchedulerType: "constant", loadBestModelAtEnd: false };
    const out = join(scratch, "longer");
    await runTrain({ ...constant, numTrainEpochs: "1", out });
    await runTrain({ ...constant, numTrainEpochs: "2", out, resume: true });
    const straight = join(scratch, "straight");
    await runTrain({ ...constant, out: straight });
    expect(adapterBytes(out)).toEqual(adapterBytes(straight));
  });
});

gpuTest("another run's folder is left alone without --resume or --overwrite", async () => {
  const out = await killedAfter(5, "taken");
  await expect(runTrain({ ...flags, out })).rejects.toThrow("holds another run");
  await runTrain({ ...flags, out, overwrite: true, numTrainEpochs: "1" });
  expect(readdirSync(out).filter((name) => name.startsWith("checkpoint-")).length).toBe(4);
  expect(readLog(out)[0]!.step).toBe(2);
});
