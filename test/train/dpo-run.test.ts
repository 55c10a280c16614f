// A preference run beside its curve: the reference and its cache, resuming, evaluation, and what is refused.

import { describe, expect, spyOn, test } from "bun:test";
import { appendFileSync, cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readAdapter } from "../../src/formats/peft-adapter.ts";
import { CausalLM } from "../../src/model/causal-lm.ts";
import golden from "../golden/numeric/dpo/dpo.json";
import pairs from "../golden/numeric/dpo/pairs.json";
import { testDevice } from "../gpu.ts";
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
const { scratch, trainFile } = scratchFolder();
const dpo = join(numeric, "dpo");
const pairsFile = join(scratch, "pairs.json");
const evalPairs = join(scratch, "eval-pairs.json");
// Seven pairs: each of the golden's twice, turned round, the last one once.
const turned = pairs.map((pair) => ({
  ...pair,
  chosen_ids: pair.rejected_ids,
  rejected_ids: pair.chosen_ids.map((id) => (id + 5) % 512),
}));
writeFileSync(pairsFile, JSON.stringify([...pairs, ...turned.slice(1)]));
writeFileSync(evalPairs, JSON.stringify(turned.slice(0, 3)));

const flags: Flags = {
  method: "dpo",
  base: join(numeric, "models", golden.base),
  tokenized: pairsFile,
  initAdapter: join(dpo, "adapter"),
  learningRate: "5e-3",
  gradientAccumulationSteps: "2",
  perDeviceTrainBatchSize: "2",
};

// 7 pairs in windows of 2 x 2: two updates an epoch, the last window short. Dropout and noise on; logs that span steps.
const long: Flags = {
  ...flags,
  evalTokenized: evalPairs,
  evalSteps: "3",
  loadBestModelAtEnd: true,
  numTrainEpochs: "4",
  lrSchedulerType: "cosine",
  loraDropout: "0.2",
  neftuneNoiseAlpha: "5",
  loggingSteps: "2",
  saveSteps: "1",
};
const whole = join(scratch, "whole");
let wholeRun: Promise<unknown> | undefined;
const runWhole = () => (wholeRun ??= runTrain({ ...long, out: whole }));

async function killedAfter(step: number, name: string): Promise<string> {
  await runWhole();
  const out = join(scratch, name);
  cpSync(whole, out, { recursive: true });
  for (const file of ["adapter_model.safetensors", "adapter_config.json", "README.md"])
    rmSync(join(out, file));
  for (let later = step + 1; later <= 8; later++)
    rmSync(join(out, `checkpoint-${later}`), { recursive: true, force: true });
  return out;
}

/** Forward passes without a gradient during `run`. */
async function evaluations(run: () => Promise<unknown>): Promise<number> {
  const spy = spyOn(CausalLM.prototype, "evaluate");
  try {
    await run();
    return spy.mock.calls.length;
  } finally {
    spy.mockRestore();
  }
}

describe("a resumed preference run", () => {
  for (const [step, where] of [
    [1, "between two logs"],
    [3, "at an evaluation"],
    [6, "in a later epoch"],
  ] as const)
    gpuTest(`killed after step ${step}, ${where}, ends with the same bytes and the same logs`, async () => {
      const out = await killedAfter(step, `killed-${step}`);
      await runTrain({ ...long, out, resume: true });
      expect(adapterBytes(out)).toEqual(adapterBytes(whole));
      for (let later = 1; later <= 8; later++) {
        const file = join(`checkpoint-${later}`, "optimizer.safetensors");
        expect(readFileSync(join(out, file))).toEqual(readFileSync(join(whole, file)));
      }
      expect(withoutTimes(readLog(out))).toEqual(withoutTimes(readLog(whole)));
    });

  gpuTest("does not run its reference again; one whose cache was cut goes on with the rest", async () => {
    const out = await killedAfter(8, "cached");
    const cache = join(out, "reference_logps.jsonl");
    const text = readFileSync(cache, "utf8");
    expect(text.trimEnd().split("\n").length).toBe(1 + 7 + 3);
    const resume = () => runTrain({ ...long, out, resume: true });
    expect(await evaluations(resume)).toBe(0);
    // Killed in the middle of the fourth pair's line: pairs come in twos, so two are kept and eight computed.
    const lines = text.split("\n");
    writeFileSync(cache, `${lines.slice(0, 4).join("\n")}\n${lines[4]!.slice(0, 9)}`);
    expect(await evaluations(resume)).toBe(4);
    expect(readFileSync(cache, "utf8")).toBe(text);
    // Another reference's numbers are not taken for ours.
    writeFileSync(cache, text.replace(/"key":"sha256:..../, '"key":"sha256:0000'));
    expect(await evaluations(resume)).toBe(5);
    expect(readFileSync(cache, "utf8")).toBe(text);
    appendFileSync(cache, "rubbish\n");
    expect(await evaluations(resume)).toBe(0);
    expect(adapterBytes(out)).toEqual(adapterBytes(whole));
  });

  gpuTest(
    "stopped while its reference is at work keeps what was found, and goes on with the rest",
    async () => {
      await runWhole();
      const out = join(scratch, "stopped-early");
      const spy = spyOn(CausalLM.prototype, "evaluate").mockImplementationOnce(function (
        this: CausalLM,
        batch,
      ) {
        spy.mockRestore();
        // As Ctrl-C would arrive: heard before the next batch.
        process.emit("SIGINT", "SIGINT");
        this.evaluate(batch);
      });
      await expect(runTrain({ ...long, out })).rejects.toThrow("interrupted after step 0");
      expect(readFileSync(join(out, "reference_logps.jsonl"), "utf8").trimEnd().split("\n").length).toBe(
        1 + 2,
      );
      // Four of the reference's five batches, and two of validation pairs at three evaluations.
      expect(await evaluations(() => runTrain({ ...long, out, resume: true }))).toBe(4 + 3 * 2);
      expect(adapterBytes(out)).toEqual(adapterBytes(whole));
    },
  );

  for (const [what, change, complaint] of [
    ["beta", { beta: "0.2" }, "--beta 0.2 (was 0.1)"],
    ["the loss", { lossType: "ipo" }, "--loss-type"],
    ["the reference", { refAdapter: "none" }, "expected the reference adapter of that run"],
    [
      "the method",
      { method: "sft", tokenized: trainFile, evalTokenized: trainFile },
      '--method "sft" (was "dpo")',
    ],
  ] as const)
    gpuTest(`is refused when ${what} changed`, async () => {
      const out = await killedAfter(5, `refused-${what.replaceAll(" ", "-")}`);
      await expect(runTrain({ ...long, ...change, out, resume: true })).rejects.toThrow(complaint);
    });
});

describe("the reference", () => {
  gpuTest("is the adapter that the policy starts from: rewards begin at zero", async () => {
    const out = join(scratch, "own-reference");
    await runTrain({ ...flags, out, perDeviceTrainBatchSize: "1", maxSteps: "1" });
    const [first] = readLog(out);
    expect(Math.abs(first!["rewards/chosen"]!)).toBeLessThan(1e-5);
    expect(first!.loss).toBeCloseTo(Math.LN2, 5);
  });

  gpuTest("or the base alone, with log-probabilities that TRL finds", async () => {
    const out = join(scratch, "base-reference");
    await runTrain({
      ...flags,
      tokenized: join(dpo, "pairs.json"),
      out,
      refAdapter: "none",
      perDeviceTrainBatchSize: "4",
      gradientAccumulationSteps: "1",
      maxSteps: "1",
    });
    const [, ...lines] = readFileSync(join(out, "reference_logps.jsonl"), "utf8").trimEnd().split("\n");
    for (const [i, line] of lines.entries()) {
      const { chosen, rejected } = JSON.parse(line);
      expect(Math.abs(chosen - golden.pairs[i]!.reference_chosen_logp)).toBeLessThan(5e-4);
      expect(Math.abs(rejected - golden.pairs[i]!.reference_rejected_logp)).toBeLessThan(5e-4);
    }
    const [first] = readLog(out);
    expect(Math.abs(first!.loss! / golden.loss - 1)).toBeLessThan(2e-5);
    expect(Math.abs(first!["rewards/margins"]! - golden.trl.metrics["rewards/margins"])).toBeLessThan(1e-4);
  });

  gpuTest("or another adapter of the policy's shape", async () => {
    const out = join(scratch, "other-reference");
    await runTrain({ ...flags, out, refAdapter: join(dpo, "train", "final"), maxSteps: "1" });
    expect(Math.abs(readLog(out)[0]!["rewards/margins"]!)).toBeGreaterThan(0.1);
  });

  gpuTest("is left out by --reference-free, simpo and orpo", async () => {
    for (const [name, change] of [
      ["free", { referenceFree: true }],
      ["simpo", { lossType: "simpo", beta: "2" }],
      ["orpo", { lossType: "orpo" }],
    ] as const) {
      const out = join(scratch, `alone-${name}`);
      await runTrain({ ...flags, ...change, out, maxSteps: "2" });
      expect(existsSync(join(out, "reference_logps.jsonl"))).toBe(false);
      expect(readLog(out)[0]!["logps/chosen"]).toBeLessThan(0);
    }
    expect(readLog(join(scratch, "alone-orpo"))[0]!.nll_loss).toBeGreaterThan(0);
  });
});

gpuTest("a fresh adapter starts at the base, whose loss on any pair is log 2, and learns", async () => {
  const out = join(scratch, "fresh");
  const { initAdapter: _, ...fresh } = flags;
  const said = await runTrain({ ...fresh, out, loraR: "4", numTrainEpochs: "6", evalTokenized: pairsFile });
  const log = readLog(out).filter((entry) => entry.loss !== undefined);
  expect(log[0]!.loss).toBeCloseTo(Math.LN2, 6);
  expect(log.at(-1)!["rewards/margins"]).toBeGreaterThan(0.5);
  const evaluated = readLog(out).filter((entry) => entry.eval_loss !== undefined);
  expect(evaluated.length).toBe(6);
  const last = evaluated.at(-1)!;
  for (const name of ["rewards/chosen", "rewards/accuracies", "logps/rejected", "logits/chosen"])
    expect(last[`eval_${name}`]).toBeNumber();
  expect(last["eval_rewards/accuracies"]).toBe(1);
  expect(last.eval_loss).toBeLessThan(evaluated[0]!.eval_loss!);
  expect("eval_token_loss" in last).toBe(false);
  expect(said.some((line) => /^eval: .*margin \d.*accuracy 1/.test(line))).toBe(true);
  // Dropout is off unless asked for, as in TRL.
  expect(readAdapter(out).config.dropout).toBe(0);
  const card = readFileSync(join(out, "README.md"), "utf8");
  expect(card).toContain("- dpo");
  expect(card).toContain("| loss | sigmoid, beta 0.1 |");
});

describe("is refused before anything is written:", () => {
  const sft: Flags = { base: flags.base, tokenized: trainFile };
  const bf16 = join(scratch, "of-another-base");
  const llama = join(numeric, "lora", "llama-qkvo");
  for (const [what, change, complaint] of [
    ["a preference option in fine-tuning", { ...sft, beta: "0.1" }, "--beta: expected --method dpo, got sft"],
    [
      "another in fine-tuning",
      { ...sft, referenceFree: true },
      "--reference-free: expected --method dpo, got sft",
    ],
    [
      "prompts computed twice in fine-tuning",
      { ...sft, sharePrefix: false },
      "--share-prefix: expected --method dpo, got sft",
    ],
    ["packing", { ...flags, packing: true }, "--packing: expected --method sft, got dpo"],
    ["--overlong", { ...flags, overlong: "error" }, "--overlong error: expected --method sft, got dpo"],
    ["--all", { ...flags, all: true }, "--all: expected --method sft, got dpo"],
    [
      "smoothing of a hinge",
      { ...flags, lossType: "hinge", labelSmoothing: "0.1" },
      "--label-smoothing: expected --loss-type sigmoid, robust, simpo, got hinge",
    ],
    [
      "half of all labels wrong",
      { ...flags, lossType: "robust", labelSmoothing: "0.5" },
      "--label-smoothing: expected less than 0.5 for robust, got 0.5",
    ],
    [
      "a margin without SimPO",
      { ...flags, simpoGamma: "1" },
      "--simpo-gamma: expected --loss-type simpo, got sigmoid",
    ],
    [
      "a reference of ORPO",
      { ...flags, lossType: "orpo", refAdapter: "none" },
      "--ref-adapter: expected --loss-type sigmoid",
    ],
    [
      "two references",
      { ...flags, referenceFree: true, refAdapter: "none" },
      "--ref-adapter: expected either --reference-free or --ref-adapter, got both",
    ],
    ["a reference of another shape", { ...flags, refAdapter: llama }, "llama-qkvo"],
    ["a policy of another base", { ...flags, initAdapter: bf16 }, "whose weights differ"],
    ["a reference of another base", { ...flags, refAdapter: bf16 }, "whose weights differ"],
    ["trajectories in place of pairs", { ...flags, tokenized: trainFile }, "[0].prompt_ids: missing"],
    ["pairs in place of trajectories", { ...sft, tokenized: pairsFile }, "[0].input_ids: missing"],
    ["pairs that are all too long", { ...flags, maxLength: "4" }, "the prompt alone fills 4 tokens"],
  ] as const)
    test(what, async () => {
      // The same shapes, another file: what tells the bases apart is the manifest of the run.
      if (!existsSync(bf16)) {
        cpSync(join(dpo, "adapter"), bf16, { recursive: true });
        writeFileSync(join(bf16, "manifest.json"), JSON.stringify({ base: { fingerprint: "sha256:other" } }));
      }
      const out = join(scratch, `bad-${what.replaceAll(/\W/g, "-")}`);
      await expect(runTrain({ ...change, out })).rejects.toThrow(complaint);
      expect(existsSync(out)).toBe(false);
    });
});
