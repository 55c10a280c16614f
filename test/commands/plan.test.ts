import { expect, test } from "bun:test";
import { copyFileSync, cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { shapeOf } from "../../src/doctor/named-shapes.ts";
import { planBase } from "../../src/doctor/plan-base.ts";
import { planReport } from "../../src/doctor/plan-report.ts";
import { stepFlop } from "../../src/doctor/work.ts";
import { openBase } from "../../src/formats/base-weights.ts";
import { resolveTargets } from "../../src/formats/peft-adapter.ts";
import { plainLora } from "../../src/formats/peft-config.ts";
import { makeBatch } from "../../src/model/batch.ts";
import { CausalLM } from "../../src/model/causal-lm.ts";
import type { ModelSizes } from "../../src/model/plan-input.ts";
import { AdamW } from "../../src/train/optimiser.ts";
import { temporaryFolder, tokenizerDirectory } from "../data/golden-text.ts";
import { testDevice } from "../gpu.ts";

const root = join(import.meta.dir, "../..");
const models = join(root, "test/golden/numeric/models");
const { device, gpuTest } = await testDevice();

function sekft(...args: string[]) {
  const run = Bun.spawnSync([process.execPath, join(root, "cli.ts"), ...args], { cwd: root });
  return { code: run.exitCode, out: run.stdout.toString(), err: run.stderr.toString() };
}

function planned(...args: string[]) {
  const { code, out, err } = sekft("plan", "--json", "--no-measure", ...args);
  if (code !== 0) throw new Error(err);
  return JSON.parse(out);
}

function loraOn(targetModules: readonly string[] | string, r = 16) {
  return plainLora({
    r,
    alpha: 32,
    targetModules,
  });
}

const runs: readonly [string, Partial<ModelSizes>, readonly string[] | string][] = [
  ["tiny-llama", {}, ["q_proj", "v_proj"]],
  ["tiny-llama", { checkpointing: "full", dropout: true }, "all-linear"],
  ["tiny-mistral", { load4bit: true, maxRows: 40, lossCapacity: 200 }, "all-linear"],
  ["tiny-mistral-nf4", { dropout: true }, ["q_proj", "k_proj", "v_proj", "o_proj"]],
  ["tiny-qwen2", { checkpointing: "none", maxRows: 7 }, ["down_proj"]],
  ["tiny-qwen3", { checkpointing: "full" }, ["q_proj", "k_proj"]],
  ["tiny-mixtral", { load4bit: true, dropout: true }, "all-linear"],
];
for (const [model, given, targetModules] of runs)
  gpuTest(
    `${model} ${JSON.stringify(given)} takes the memory that was planned, also while it trains`,
    async () => {
      using base = openBase(join(models, model));
      const targets = resolveTargets(loraOn(targetModules), base.config);
      const sizes = { maxTokens: 96, targets, train: true, ...given };
      const { memory } = planReport({
        source: planBase(join(models, model)).source,
        sizes,
        sizesAt: () => sizes,
        device,
        card: device,
        rows: undefined,
        epochs: undefined,
      });
      const before = device.allocatedBytes;
      {
        using lm = await CausalLM.load(device, { base, ...sizes });
        expect(device.allocatedBytes - before).toBe(memory.totalBytes);
        expect(Object.values(memory.classes).reduce((a, b) => a + b, 0)).toBe(memory.totalBytes);
        const settings = {
          beta1: 0.9,
          beta2: 0.999,
          eps: 1e-8,
          weightDecay: 0,
          loraPlusRatio: 1,
          maxNorm: 1,
        };
        const optimiser = new AdamW(device, lm.adapter!, settings);
        const inputIds = Array.from({ length: 96 }, (_, i) => (7 * i) % base.config.vocab);
        const labels = inputIds.map((id, i) => (i % 16 === 0 ? id : -100));
        lm.step(makeBatch([{ inputIds, labels }], base.config.vocab), { gradientScale: 1 / 5 });
        await optimiser.step(1e-3, 1);
        const taken = device.allocatedBytes - before;
        expect(taken / memory.totalBytes).toBeGreaterThanOrEqual(1);
        expect(taken / memory.totalBytes).toBeLessThan(1.05);
      }
      await device.settle();
    },
  );

test("a step of bench-small is 12.56 GFLOP by the formula that all programs are compared by", () => {
  const config = shapeOf("bench-small");
  const targets = resolveTargets(loraOn(["q_proj", "k_proj", "v_proj", "o_proj"]), config);
  expect(stepFlop({ config, targets, tokens: 256, labels: 256 }) / 1e9).toBeCloseTo(12.56, 2);
});

test("Mistral-7B in 4 bits at 4096 tokens needs at most 10 GB, and each larger card holds longer rows", () => {
  const { cards } = planned("--shape", "mistral-7b", "--load-4bit", "--max-length", "4096");
  expect(cards.map(({ gigabytes }: { gigabytes: number }) => gigabytes)).toEqual([8, 16, 24, 32, 48, 80]);
  const [eight, sixteen, , , , eighty] = cards;
  // With all layers computed again.
  expect(eight.keptLayers).toBe(0);
  expect(eight.totalBytes).toBeLessThan(10e9);
  expect([eight.fits, sixteen.fits]).toEqual([false, true]);
  expect(sixteen.totalBytes).toBeLessThan(0.9 * 16 * 2 ** 30);
  expect(eighty.keptLayers).toBe(32);
  for (let i = 1; i < cards.length; i++)
    expect(cards[i].longest).toBeGreaterThanOrEqual(cards[i - 1].longest);
});

test("the longest rows that are named for a card fit it, and longer ones do not", () => {
  const shape = ["--shape", "llama-3.1-8b", "--load-4bit"];
  const card = (length: number) => planned(...shape, "--max-length", String(length)).cards[1];
  const { longest } = card(4096);
  expect(card(longest).fits).toBe(true);
  expect(card(longest + 64).fits).toBe(false);
});

test("a directory with config.json and tokenizer alone is planned with data, steps and time", () => {
  const directory = temporaryFolder();
  copyFileSync(join(models, "tiny-llama/config.json"), join(directory, "config.json"));
  const rows = [10, 20, 30, 100].map((length) => ({
    input_ids: Array.from({ length }, (_, i) => i + 1),
    labels: Array.from({ length }, (_, i) => (i < length / 2 ? -100 : i + 1)),
  }));
  const tokenized = join(directory, "rows.json");
  writeFileSync(tokenized, JSON.stringify(rows));
  const plan = planned(
    ...["--base", directory, "--tokenized", tokenized, "--max-length", "64", "--tokens-per-second", "30"],
    ...["--gradient-accumulation-steps", "2", "--num-train-epochs", "3"],
  );
  // The row of 100 is left out: 60 tokens in three rows, two updates an epoch.
  expect(plan.data).toMatchObject({ rows: 3, tokens: 60, lengths: { min: 10, max: 30 } });
  expect(plan.data.notes.join()).toContain("more than 64 tokens");
  expect(plan.steps).toMatchObject({ stepsPerEpoch: 2, totalSteps: 6 });
  expect(plan.work.tokens).toBe(180);
  expect(plan.speed).toEqual({ tokensPerSecond: 30, source: "given", seconds: 6 });
});

test("trajectories are counted with the base's own tokenizer, and the plan is printed as a table", () => {
  const directory = temporaryFolder();
  cpSync(tokenizerDirectory("smollm2-135m-instruct"), directory, { recursive: true });
  writeFileSync(
    join(directory, "config.json"),
    JSON.stringify({
      model_type: "llama",
      hidden_size: 576,
      intermediate_size: 1536,
      num_hidden_layers: 30,
      num_attention_heads: 9,
      num_key_value_heads: 3,
      vocab_size: 49152,
      tie_word_embeddings: true,
    }),
  );
  const data = join(root, "examples/trajectories.jsonl");
  const { code, out } = sekft("plan", "--base", directory, "--data", data, "--no-measure");
  expect(code).toBe(0);
  for (const line of ["tokens a sequence: ", "optimiser state", "checkpointing: ", "80 GB  fits", "steps: "])
    expect(out).toContain(line);
});

test("both a base and a shape, neither, and a misspelt shape are refused", () => {
  for (const [args, complaint] of [
    [[], "expected either --base or --shape"],
    [["--base", models, "--shape", "mistral-7b"], "expected either --base or --shape"],
    [["--shape", "mistral-8b"], "did you mean mistral-7b?"],
    [["--shape", "mistral-7b", "--data", "examples/trajectories.jsonl"], "expected a --base"],
  ] as const) {
    const { code, err } = sekft("plan", ...args);
    expect({ args, code, said: err.includes(complaint) }).toEqual({ args, code: 2, said: true });
  }
});
