// Gradients of all of a model's own weights, held against transformers' and against finite differences.

import { expect, setDefaultTimeout } from "bun:test";
import { join } from "node:path";
import { openBase } from "../../src/formats/base-weights.ts";
import { Device } from "../../src/gpu/device.ts";
import { makeBatch } from "../../src/model/batch.ts";
import type { CausalLM } from "../../src/model/causal-lm.ts";
import { resolveGroups } from "../../src/train/full/groups.ts";
import golden from "../golden/full/gradients.json";
import { testDevice } from "../gpu.ts";
import { goldenSequences, loadGolden, sum, worst } from "./goldens.ts";

// Software adapters compile at the first dispatch; on a busy machine that takes a while.
setDefaultTimeout(120_000);

const { device, gpuTest } = await testDevice();

interface Sample {
  readonly norm: number;
  readonly largest: number;
  readonly step: number;
  readonly values: readonly number[];
}
type Model = keyof typeof golden.models;

function load(
  model: string,
  groups: readonly string[],
  options: Parameters<typeof loadGolden>[2] = {},
  on = device,
): Promise<CausalLM> {
  using base = openBase(join(import.meta.dir, "../golden/numeric/models", model));
  const { tensors, adapter } = resolveGroups("--full", groups, base, false);
  return loadGolden(on, model, { train: true, stages: [{ tensors, adapter }], ...options });
}

/** Loss over both sequences, and gradients by tensor. */
async function gradients(
  lm: CausalLM,
  model: string,
  together = false,
): Promise<{ loss: number; grads: Map<string, Float32Array> }> {
  const sequences = goldenSequences(model);
  const batches = (together ? [sequences] : sequences.map((s) => [s])).map((s) =>
    makeBatch(s, lm.config.vocab),
  );
  const count = batches.reduce((total, { rows }) => total + rows.length, 0);
  let loss = 0;
  for (const batch of batches) {
    lm.step(batch, { gradientScale: 1 / count });
    loss += sum(await lm.takeLosses()) / count;
  }
  return { loss, grads: await lm.trained!.readGradients() };
}

function expectSamples(grads: ReadonlyMap<string, Float32Array>, model: Model, bound: number): void {
  for (const [name, gradient] of grads) {
    const { norm, largest, step, values } = golden.models[model].tensors[
      name as keyof (typeof golden.models)[Model]["tensors"]
    ] as Sample;
    const own = values.map((_, i) => gradient[i * step]!);
    expect([name, worst(own, values) / largest < bound]).toEqual([name, true]);
    expect(Math.abs(Math.sqrt(sum(gradient.map((x) => x * x))) / norm - 1)).toBeLessThan(bound);
  }
}

for (const model of Object.keys(golden.models) as Model[])
  gpuTest(`${model}: gradients of every weight are transformers'`, async () => {
    using lm = await load(model, ["all"]);
    const { loss, grads } = await gradients(lm, model);
    expect(Math.abs(loss / golden.models[model].loss - 1)).toBeLessThan(2e-6);
    expect([...grads.keys()].sort()).toEqual(Object.keys(golden.models[model].tensors).sort());
    expectSamples(grads, model, 5e-5);
  });

for (const [groups, count] of [
  [["attention"], 8],
  [["norms"], 5],
  [["mlp"], 6],
  [["embeddings"], 1],
  [["lm_head"], 1],
  [["layers:1"], 9],
  [["layers:1", "norms", "embeddings"], 3],
] as const)
  gpuTest(`only ${groups.join(" and ")}: the same gradients as among all`, async () => {
    using lm = await load("tiny-llama", groups, { checkpointing: "full" });
    const { grads } = await gradients(lm, "tiny-llama");
    expect(grads.size).toBe(count);
    expectSamples(grads, "tiny-llama", 5e-5);
  });

gpuTest("each weight's gradient is the slope of the loss along it", async () => {
  for (const model of ["tiny-llama", "tiny-qwen2", "tiny-qwen3"] as const) {
    using lm = await load(model, ["all"]);
    const { grads } = await gradients(lm, model, true);
    const batch = makeBatch(goldenSequences(model), lm.config.vocab);
    const loss = async () => {
      lm.refreshWeights();
      lm.evaluate(batch);
      return sum(await lm.takeLosses()) / batch.rows.length;
    };
    for (const { name, shards } of lm.trained!.trained) {
      const { master } = shards[0]!;
      const gradient = grads.get(name)!;
      const norm = Math.sqrt(sum(gradient.map((x) => x * x)));
      const before = await device.read(master);
      const at = async (way: number) => {
        device.write(
          master,
          before.map((x, i) => x + (way * gradient[i]!) / norm),
        );
        return loss();
      };
      const h = 2e-2;
      const slope = (await at(h)) - (await at(-h));
      device.write(master, before);
      expect([name, Math.abs(slope / (2 * h) / norm - 1) < 0.01]).toEqual([name, true]);
    }
  }
});

gpuTest("weights that do not fit one binding get the same gradients shard by shard", async () => {
  const small = await Device.open({ software: true, maxBindingBytes: 100 * 1024 });
  const options = { maxTokens: 64, maxRows: 40 };
  const batch = makeBatch([goldenSequences("tiny-mistral")[1]!], 512);
  const all: Map<string, Float32Array>[] = [];
  for (const on of [small, device]) {
    using lm = await load("tiny-mistral", ["all"], options, on);
    lm.step(batch, { gradientScale: 1 });
    await lm.takeLosses();
    all.push(await lm.trained!.readGradients());
  }
  for (const [name, gradient] of all[0]!)
    expect(worst(gradient, all[1]!.get(name)!, true)).toBeLessThan(1e-5);
});

gpuTest("kernels in f16 read copies of f32 masters, and give gradients near those of f32", async () => {
  const half = await Device.open({ software: true, tier: "f16" });
  using lm = await load("tiny-llama", ["all"], {}, half);
  const { grads } = await gradients(lm, "tiny-llama");
  expectSamples(grads, "tiny-llama", 1e-2);
  for (const { name, shards } of lm.trained!.trained)
    for (const { weight, master } of shards) {
      expect(master.dtype).toBe("f32");
      expect([name, weight === master]).toEqual([name, name.endsWith("norm.weight")]);
    }
});

gpuTest("what is allocated for training weights is what was planned, and all of it comes back", async () => {
  for (const tier of ["software", "f16"] as const) {
    const on = await Device.open({ software: true, tier });
    const lm = await load("tiny-qwen3", ["attention", "norms", "lm_head"], {}, on);
    expect(on.allocatedBytes).toBe(lm.plan.totalBytes - (lm.plan.byClass.get("workspace") ?? 0));
    const trained = lm.trained!.trained.flatMap(({ shards }) => shards);
    const bytes = trained.reduce((total, { master }) => total + master.bytes, 0);
    expect(lm.plan.byClass.get("weight gradients")).toBe(bytes);
    expect(lm.plan.byClass.get("optimiser state")).toBe(2 * bytes);
    lm[Symbol.dispose]();
    await on.settle();
    expect(on.allocatedBytes).toBe(0);
  }
});
