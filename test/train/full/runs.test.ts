// Whole runs that train a base's own weights: held against torch and transformers, against themselves, and against what they write.

import { describe, expect, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { resolveOptions } from "../../../src/base/resolve.ts";
import { train as trainCommand } from "../../../src/commands/train.ts";
import { openBase } from "../../../src/formats/base-weights.ts";
import { SafetensorsFile } from "../../../src/formats/safetensors.ts";
import { silent } from "../../base/silent-terminal.ts";
import golden from "../../golden/full/runs.json";
import { testDevice } from "../../gpu.ts";
import { type Flags, numeric, readLog, runTrain, scratchFolder, withoutTimes } from "../tiny-run.ts";

const { gpuTest } = await testDevice();
const { scratch, trainFile, evalFile } = scratchFolder();

interface Sample {
  readonly norm: number;
  readonly moved: number;
  readonly largest: number;
  readonly step: number;
  readonly values: readonly number[];
}

const staged = JSON.stringify([
  { until: 4, groups: ["attention", "norms"], learning_rate: 2e-3 },
  { until: 10, groups: ["layers:1"], learning_rate: 5e-3 },
  { until: 13, groups: "embeddings, lm_head", learning_rate: 1e-3 },
]);

const flags: Readonly<Record<keyof typeof golden.runs, Flags>> = {
  staged: {
    base: join(numeric, "models", "tiny-llama"),
    stages: staged,
    gradientAccumulationSteps: "2",
    weightDecay: "0.05",
    warmupRatio: "0.25",
    lrSchedulerType: "cosine",
    learningRate: "7",
  },
  "all-tied-biased": {
    base: join(numeric, "models", "tiny-qwen2"),
    full: "all",
    gradientAccumulationSteps: "3",
    weightDecay: "0.1",
    warmupRatio: "0.1",
    maxSteps: "8",
    learningRate: "1e-3",
  },
  "with-lora": {
    base: join(numeric, "models", "tiny-llama"),
    stages: JSON.stringify([
      { until: 3, groups: ["norms", "mlp", "lora"], learning_rate: 1e-3 },
      { until: 5, groups: ["mlp", "layers:0", "lora"], learning_rate: 2e-3 },
      // The adapter rests, and gradients pass through it.
      { until: 8, groups: ["norms"], learning_rate: 3e-3 },
    ]),
    initAdapter: join(numeric, "lora", "llama-qkvo"),
    loraDropout: "0",
    gradientAccumulationSteps: "2",
    weightDecay: "0.01",
    warmupRatio: "0",
    lrSchedulerType: "constant",
  },
};

const common: Flags = { tokenized: trainFile, order: "sequential" };

function tensorsOf(path: string): Map<string, Float32Array> {
  using file = new SafetensorsFile(path);
  return new Map(
    [...file.entries.values()].map((entry) => [entry.name, new Float32Array(file.readAll(entry).buffer)]),
  );
}

const weightsOf = (out: string) => tensorsOf(join(out, "model", "model.safetensors"));
const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0));

/** PEFT's name of a weight or LoRA matrix without what it adds in front and within. */
const plainName = (name: string) =>
  name.includes("lora_")
    ? name.replace(".default", "")
    : name.replace("base_model.model.", "").replace(".base_layer", "");

describe("the curve and the weights of a run are torch's", () => {
  for (const name of Object.keys(golden.runs) as (keyof typeof golden.runs)[])
    gpuTest(name, async () => {
      const out = join(scratch, name);
      await runTrain({ ...common, ...flags[name], out });
      const { log, tensors } = golden.runs[name];
      const own = readLog(out).filter((entry) => entry.loss !== undefined);
      expect(own.length).toBe(log.length);
      for (const [i, wanted] of log.entries()) {
        expect(own[i]!.learning_rate).toBeCloseTo(wanted.learning_rate, 12);
        for (const key of ["loss", "grad_norm"] as const)
          expect([i, key, Math.abs(own[i]![key]! / wanted[key] - 1) < 2e-5]).toEqual([i, key, true]);
      }
      const weights = weightsOf(out);
      const adapter = join(out, "adapter_model.safetensors");
      expect(existsSync(adapter)).toBe(name === "with-lora");
      if (name === "with-lora") for (const [key, data] of tensorsOf(adapter)) weights.set(key, data);
      for (const [key, wanted] of Object.entries(tensors) as [string, Sample][]) {
        const data = weights.get(plainName(key))!;
        expect([key, Math.abs(norm(data) / wanted.norm - 1) < 1e-4]).toEqual([key, true]);
        const worst = Math.max(...wanted.values.map((x, i) => Math.abs(x - data[i * wanted.step]!)));
        expect([key, worst / wanted.largest < 5e-3]).toEqual([key, true]);
      }
      // What is not named did not move.
      using base = openBase(flags[name].base as string);
      const moved = new Set(Object.keys(tensors).map(plainName));
      for (const [key, { shape }] of base.tensors)
        if (!moved.has(key)) expect(weights.get(key)!).toEqual(base.readF32(key, 0, shape[0]!));
    });
});

const whole = join(scratch, "whole");
const stagedRun: Flags = {
  ...common,
  ...flags.staged,
  stages: JSON.stringify([
    { until: 3, groups: ["attention", "norms"], learning_rate: 2e-3 },
    { until: 6, groups: ["layers:1", "lora"], learning_rate: 5e-3 },
    { until: 8, groups: ["embeddings"] },
  ]),
  learningRate: "1e-3",
  evalTokenized: evalFile,
  evalSteps: "4",
  loraR: "4",
  loraDropout: "0.2",
  order: "shuffle",
  saveSteps: "1",
};
let wholeRun: Promise<string[]> | undefined;
const runWhole = () => (wholeRun ??= runTrain({ ...stagedRun, out: whole }));

/** The folder as a kill right after checkpoint `step` would leave it. */
async function killedAfter(step: number): Promise<string> {
  await runWhole();
  const out = join(scratch, `killed-${step}`);
  cpSync(whole, out, { recursive: true });
  for (const name of readdirSync(out)) {
    const later = /^(checkpoint|model)-(\d+)$/.exec(name);
    if (name === "model" || name.startsWith("adapter_") || (later && Number(later[2]) > step))
      rmSync(join(out, name), { recursive: true });
  }
  return out;
}

describe("a run in stages", () => {
  gpuTest(
    "leaves a model and a full checkpoint where a stage ends, and says what each one trains",
    async () => {
      const said = await runWhole();
      expect(
        said.filter((line) => /^steps \d/.test(line)).map((line) => line.replace(/: [\d,]+ par.*/, "")),
      ).toEqual([
        "steps 1 to 3: attention, norms",
        "steps 4 to 6: layers:1, lora",
        "steps 7 to 8: embeddings",
      ]);
      expect(
        readdirSync(whole)
          .filter((name) => name.startsWith("model"))
          .sort(),
      ).toEqual(["model", "model-3", "model-6"]);
      const kept = (step: number) => [
        ...tensorsOf(join(whole, `checkpoint-${step}`, "weights.safetensors")).keys(),
      ];
      expect(kept(3).length).toBe(8 + 5);
      expect(kept(4).length).toBe(8 + 5 + 3);
      expect(kept(8)).toContain("model.embed_tokens.weight");
      const moments = tensorsOf(join(whole, "checkpoint-8", "weights_optimizer.safetensors"));
      expect([...moments.keys()]).toEqual([
        "exp_avg.model.embed_tokens.weight",
        "exp_avg_sq.model.embed_tokens.weight",
      ]);
      // The adapter starts with the second stage and rests in the third.
      const adapter = (step: number) =>
        readFileSync(join(whole, `checkpoint-${step}`, "adapter_model.safetensors"));
      expect(adapter(1)).toEqual(adapter(3));
      expect(adapter(6)).not.toEqual(adapter(3));
      expect(adapter(8)).toEqual(adapter(6));
      expect(
        JSON.parse(readFileSync(join(whole, "adapter_config.json"), "utf8")).base_model_name_or_path,
      ).toBe(join(whole, "model"));
    },
  );

  for (const [step, where] of [
    [2, "within the first stage"],
    [3, "at the end of a stage"],
    [4, "right after it"],
    [6, "at the end of the second"],
    [8, "at the end"],
  ] as const)
    gpuTest(`killed after step ${step}, ${where}, ends with the same bytes`, async () => {
      const out = await killedAfter(step);
      // Killed before the stage's model was written.
      if (step === 3) rmSync(join(out, "model-3"), { recursive: true });
      await runTrain({ ...stagedRun, out, resume: true });
      for (const folder of readdirSync(whole).filter((name) => /^(checkpoint|model)/.test(name)))
        for (const file of readdirSync(join(whole, folder)).filter((name) => name.endsWith(".safetensors")))
          expect([
            folder,
            file,
            readFileSync(join(out, folder, file)).equals(readFileSync(join(whole, folder, file))),
          ]).toEqual([folder, file, true]);
      expect(readFileSync(join(out, "adapter_model.safetensors"))).toEqual(
        readFileSync(join(whole, "adapter_model.safetensors")),
      );
      expect(withoutTimes(readLog(out))).toEqual(withoutTimes(readLog(whole)));
    });

  gpuTest("is refused to go on with other stages", async () => {
    const out = await killedAfter(5);
    const stages = (stagedRun.stages as string).replace("0.005", "0.004");
    await expect(runTrain({ ...stagedRun, stages, out, resume: true })).rejects.toThrow("--stages");
  });
});

describe("the model of a run", () => {
  gpuTest("goes on as a base of its own: a second run sees the first one's loss", async () => {
    const first = join(scratch, "first");
    const base = join(numeric, "models", "tiny-llama");
    const same: Flags = {
      ...common,
      full: "mlp",
      maxSteps: "3",
      learningRate: "1e-3",
      lrSchedulerType: "constant",
      warmupRatio: "0",
    };
    await runTrain({ ...same, base, out: first });
    const evaluate: Flags = { ...same, maxSteps: "1", learningRate: "0", evalTokenized: evalFile };
    const second = join(scratch, "second");
    await runTrain({ ...evaluate, base: join(first, "model"), out: second });
    const third = join(scratch, "third");
    await runTrain({ ...same, base, out: third, evalTokenized: evalFile, evalSteps: "3" });
    const loss = (out: string) => readLog(out).find((entry) => entry.eval_loss !== undefined)!.eval_loss;
    expect(loss(second)).toBe(loss(third)!);
    expect(JSON.parse(readFileSync(join(first, "model", "config.json"), "utf8")).architectures).toEqual([
      "LlamaForCausalLM",
    ]);
  });

  gpuTest("may be the best one, and goes on for longer at a constant rate", async () => {
    const base = join(numeric, "models", "tiny-llama");
    const same: Flags = {
      ...common,
      base,
      full: "norms,lm_head",
      learningRate: "2e-1",
      lrSchedulerType: "constant",
      warmupRatio: "0",
      saveSteps: "1",
    };
    const best = join(scratch, "best");
    await runTrain({
      ...same,
      out: best,
      maxSteps: "5",
      evalTokenized: evalFile,
      evalSteps: "1",
      loadBestModelAtEnd: true,
    });
    const losses = readLog(best).flatMap((entry) => entry.eval_loss ?? []);
    const step = 1 + losses.indexOf(Math.min(...losses));
    const masters = tensorsOf(join(best, `checkpoint-${step}`, "weights.safetensors"));
    const weights = weightsOf(best);
    for (const [name, data] of masters) expect(weights.get(name)!).toEqual(data);
    expect(step).toBeLessThan(5);
    const longer = join(scratch, "longer");
    await runTrain({ ...same, out: longer, maxSteps: "2" });
    await runTrain({ ...same, out: longer, maxSteps: "4", resume: true });
    const straight = join(scratch, "straight");
    await runTrain({ ...same, out: straight, maxSteps: "4" });
    expect(weightsOf(longer)).toEqual(weightsOf(straight));
  });

  gpuTest("keeps a half-precision base's type unless another is asked for; masters stay in f32", async () => {
    const base = join(numeric, "models", "tiny-llama-bf16");
    const same: Flags = {
      ...common,
      base,
      full: "norms",
      maxSteps: "2",
      learningRate: "1e-3",
      warmupRatio: "0",
    };
    const dtypes = (out: string) => {
      using file = new SafetensorsFile(join(out, "model", "model.safetensors"));
      return new Set([...file.entries.values()].map(({ dtype }) => dtype));
    };
    const own = join(scratch, "bf16");
    await runTrain({ ...same, out: own });
    expect(dtypes(own)).toEqual(new Set(["BF16"]));
    const wide = join(scratch, "wide");
    await runTrain({ ...same, out: wide, modelDtype: "float32" });
    expect(dtypes(wide)).toEqual(new Set(["F32"]));
    const masters = tensorsOf(join(own, "checkpoint-2", "weights.safetensors"));
    const exact = weightsOf(wide);
    for (const [name, data] of masters) expect(exact.get(name)!).toEqual(data);
    expect(masters.size).toBe(5);
  });

  gpuTest("is trained by kernels in f16 from f32 masters, and resumes from them bit for bit", async () => {
    const same: Flags = {
      ...common,
      base: join(numeric, "models", "tiny-llama"),
      full: "attention,lm_head",
      tier: "f16",
      maxSteps: "4",
      learningRate: "2e-3",
      saveSteps: "1",
    };
    const straight = join(scratch, "f16");
    await runTrain({ ...same, out: straight });
    const out = join(scratch, "f16-resumed");
    cpSync(straight, out, { recursive: true });
    for (const later of [3, 4]) rmSync(join(out, `checkpoint-${later}`), { recursive: true });
    await runTrain({ ...same, out, resume: true });
    expect(weightsOf(out)).toEqual(weightsOf(straight));
    const loss = readLog(out).filter((entry) => entry.loss !== undefined);
    expect(loss.at(-1)!.loss).not.toBe(loss[0]!.loss);
  });
});

describe("a run from scratch", () => {
  gpuTest("needs no weights, learns, and starts the same for the same seed", async () => {
    const base = join(scratch, "shape");
    mkdirSync(base);
    cpSync(join(numeric, "models", "tiny-qwen2", "config.json"), join(base, "config.json"));
    const same: Flags = {
      ...common,
      base,
      full: "all",
      fromScratch: true,
      gradientAccumulationSteps: "2",
      learningRate: "1e-2",
    };
    const losses = async (out: string, change: Flags) => {
      await runTrain({ ...same, ...change, out: join(scratch, out) });
      return readLog(join(scratch, out)).flatMap((entry) => entry.loss ?? []);
    };
    const first = await losses("scratch-1", { maxSteps: "21", modelDtype: "bfloat16" });
    // As good as guessing among 288 tokens, to begin with.
    expect(Math.abs(first[0]! - Math.log(288))).toBeLessThan(0.3);
    expect(Math.min(...first.slice(-7))).toBeLessThan(0.85 * first[0]!);
    expect((await losses("scratch-2", { maxSteps: "2" }))[0]).toBe(first[0]!);
    expect((await losses("scratch-3", { maxSteps: "2", seed: "7" }))[0]).not.toBe(first[0]!);
    using model = openBase(join(scratch, "scratch-1", "model"));
    expect(new Set([...model.tensors.values()].map(({ type }) => type))).toEqual(new Set(["BF16"]));
  });
});

describe("a run of the base's own weights is refused", () => {
  test("on a base that others use", async () => {
    const flags = { base: "b", tokenized: "t", out: "o", full: "norms", resident: "http://127.0.0.1:1" };
    await expect(trainCommand.run(resolveOptions(trainCommand.options, flags), silent)).rejects.toThrow(
      "--resident: expected a run of an adapter alone, got one of the base itself",
    );
  });

  const base = join(numeric, "models", "tiny-llama");
  for (const [what, change, complaint] of [
    [
      "with both kinds of groups",
      { full: "norms", stages: staged },
      "expected either --full or stages, got both",
    ],
    ["for preferences", { full: "norms", method: "dpo" }, "--full: expected --method sft, got dpo"],
    [
      "with LoRA's settings and no lora",
      { full: "norms", loraR: "8" },
      "--lora-r: expected lora among the groups",
    ],
    [
      "with another length",
      { stages: staged, maxSteps: "5" },
      "--max-steps: expected 13, where the last stage ends, got 5",
    ],
    ["with its type for an adapter", { modelDtype: "float16" }, "--model-dtype: expected --full or stages"],
    ["from scratch, for an adapter", { fromScratch: true }, "--from-scratch: expected --full or stages"],
    ["on 4-bit weights", { full: "mlp", load4bit: true }, "expected weights that are not held in 4 bits"],
    [
      "for stages that run backwards",
      { stages: '[{"until": 3, "groups": ["norms"]}, {"until": 3, "groups": ["mlp"]}]' },
      "expected until: a step after 3",
    ],
    [
      "for a group in a stage",
      { stages: '[{"until": 3, "groups": ["nroms"]}]' },
      "stages[0]: expected attention",
    ],
    ["for an unknown key of a stage", { stages: '[{"until": 3, "groups": ["norms"], "rate": 1}]' }, '"rate"'],
  ] as const)
    gpuTest(what, async () => {
      const out = join(scratch, "refused");
      await expect(runTrain({ ...common, base, out, ...change })).rejects.toThrow(complaint);
      expect(existsSync(out)).toBe(false);
    });
});
