// Mixtral beyond what it shares with the other golden models (causal-lm.test.ts): routers, 4-bit experts, split ones, memory.
import { afterAll, expect, setDefaultTimeout } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBase } from "../../src/formats/base-weights.ts";
import { dequantise, nestAbsmax, quantise, unnestAbsmax } from "../../src/formats/nf4.ts";
import { writeSafetensors } from "../../src/formats/safetensors.ts";
import { Device } from "../../src/gpu/device.ts";
import { makeBatch } from "../../src/model/batch.ts";
import { CausalLM } from "../../src/model/causal-lm.ts";
import { resolveGroups } from "../../src/train/full/groups.ts";
import { testDevice } from "../gpu.ts";
import { golden, goldenSequences, goldenTensors, loadGolden, numeric, sum, worst } from "./goldens.ts";

// Software drivers compile a kernel for seconds where the machine is busy.
setDefaultTimeout(120_000);

const { device, gpuTest } = await testDevice();
const model = "tiny-mixtral";
const adapterDirectory = "lora/mixtral-qkvo";
/** Of a gradient: `values` lie `step` apart. */
interface Sample {
  readonly norm: number;
  readonly largest: number;
  readonly step: number;
  readonly values: readonly number[];
}
const folder = mkdtempSync(join(tmpdir(), "sekft-moe-"));
afterAll(() => rmSync(folder, { recursive: true }));

gpuTest("gradients of the routers are transformers'", async () => {
  using base = openBase(join(numeric, "models", model));
  const stage = resolveGroups("--full", ["router", "lora"], base, false);
  const options = { adapterDirectory, train: true, lossCapacity: 192, stages: [stage] };
  using lm = await loadGolden(device, model, options);
  const batches = goldenSequences(model).map((sequence) => makeBatch([sequence], lm.config.vocab));
  const count = sum(batches.map(({ rows }) => rows.length));
  for (const batch of batches) lm.step(batch, { gradientScale: 1 / count });
  await lm.takeLosses();
  const expected = goldenTensors(`${adapterDirectory}.routers.safetensors`);
  const gradients = await lm.trained!.readGradients();
  expect([...gradients.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, gradient] of gradients)
    expect(worst(gradient, expected.get(name)!, true)).toBeLessThan(5e-5);
});

gpuTest("gradients of every weight, experts included, are transformers'", async () => {
  using base = openBase(join(numeric, "models", model));
  const expected = golden<Record<string, Sample>>("forward/tiny-mixtral.gradients.json");
  for (const [tier, bound] of [
    ["software", 5e-5],
    ["f32", 5e-5],
    ["f16", 2e-2],
  ] as const) {
    const tiered = tier === "software" ? device : await Device.open({ software: true, tier });
    const stage = resolveGroups("--full", ["all"], base, false);
    const options = { train: true, lossCapacity: 192, stages: [stage], checkpointing: "full" } as const;
    using lm = await loadGolden(tiered, model, options);
    const batches = goldenSequences(model).map((sequence) => makeBatch([sequence], lm.config.vocab));
    const count = sum(batches.map(({ rows }) => rows.length));
    for (const batch of batches) lm.step(batch, { gradientScale: 1 / count });
    await lm.takeLosses();
    const gradients = await lm.trained!.readGradients();
    expect([...gradients.keys()].sort()).toEqual(Object.keys(expected).sort());
    for (const [name, { norm, largest, step, values }] of Object.entries(expected)) {
      const gradient = gradients.get(name)!;
      const own = values.map((_, i) => gradient[i * step]!);
      expect([name, worst(own, values) / largest < bound]).toEqual([name, true]);
      expect(Math.abs(Math.sqrt(sum(gradient.map((x) => x * x))) / norm - 1)).toBeLessThan(bound);
    }
  }
});

gpuTest("who got which token is found again when activations are", async () => {
  const all: Map<string, Float32Array>[] = [];
  for (const checkpointing of ["none", "full"] as const) {
    using lm = await loadGolden(device, model, { adapterDirectory, train: true, checkpointing });
    lm.step(makeBatch([goldenSequences(model)[0]!], lm.config.vocab), { gradientScale: 0.1 });
    await lm.takeLosses();
    all.push(await lm.adapter!.readGradients());
  }
  for (const [name, gradient] of all[0]!) expect(all[1]!.get(name)!).toEqual(gradient);
});

/** The base with every linear layer rounded to NF4 by the very rules of --load-4bit, in plain numbers; its router is untouched. */
function roundedBase(): string {
  const directory = join(folder, "rounded");
  mkdirSync(directory);
  using base = openBase(join(numeric, "models", model));
  const tensors = [...base.tensors.values()].map(({ name, shape }) => {
    const values = base.readF32(name, 0, shape[0]!);
    if (/proj\.weight|experts/.test(name)) {
      const quantised = quantise(values, "nf4", 64);
      const absmax = unnestAbsmax(nestAbsmax(quantised.absmax));
      dequantise({ ...quantised, absmax }, values.length, values, 0);
    }
    return { name, dtype: "F32", shape, chunks: [new Uint8Array(values.buffer, 0, values.byteLength)] };
  });
  copyFileSync(join(base.path, "config.json"), join(directory, "config.json"));
  writeSafetensors(join(directory, "model.safetensors"), tensors);
  return directory;
}

gpuTest("--load-4bit quantises the experts and leaves the routers", async () => {
  const rounded = roundedBase();
  for (const tier of ["software", "f16"] as const) {
    const tiered = tier === "software" ? device : await Device.open({ software: true, tier });
    using base = openBase(rounded);
    using plain = await CausalLM.load(tiered, { base, maxTokens: 96 });
    using ours = await loadGolden(tiered, model, { load4bit: true });
    const batch = makeBatch([goldenSequences(model)[1]!], ours.config.vocab);
    const expected = (await plain.forward(batch)).logits;
    expect(worst((await ours.forward(batch)).logits, expected)).toBeLessThan(tier === "f16" ? 2e-2 : 2e-5);
    // One token: experts that nobody asked for are not read, and the others straight from their codes.
    const one = makeBatch([{ inputIds: [5] }], ours.config.vocab);
    const alone = (await plain.forward(one)).logits;
    expect(worst((await ours.forward(one)).logits, alone)).toBeLessThan(tier === "f16" ? 2e-2 : 2e-5);
  }
});

gpuTest("experts that do not fit one binding are split without changing a result", async () => {
  const small = await Device.open({ software: true, maxBindingBytes: 25 * 1024 });
  const sequence = goldenSequences(model)[1]!;
  const short = {
    inputIds: Array.from(sequence.inputIds).slice(0, 24),
    labels: Array.from(sequence.labels!).slice(0, 24),
  };
  const options = { adapterDirectory, train: true, maxTokens: 24 };
  for (const load4bit of [false, true]) {
    using split = await loadGolden(small, model, { ...options, load4bit });
    using whole = await loadGolden(device, model, { ...options, load4bit });
    const batch = makeBatch([short], whole.config.vocab);
    const expected = (await whole.forward(batch)).logits;
    expect(worst((await split.forward(batch)).logits, expected)).toBeLessThan(2e-5);
    for (const lm of [split, whole]) {
      lm.step(batch, { gradientScale: 1 });
      await lm.takeLosses();
    }
    const gradients = await whole.adapter!.readGradients();
    for (const [name, gradient] of await split.adapter!.readGradients())
      expect(worst(gradient, gradients.get(name)!, true)).toBeLessThan(2e-5);
  }
});

gpuTest("what is allocated is what was planned, and all of it comes back", async () => {
  const before = device.allocatedBytes;
  for (const load4bit of [false, true]) {
    const lm = await loadGolden(device, model, { adapterDirectory, train: true, load4bit });
    expect(device.allocatedBytes - before).toBe(lm.plan.totalBytes);
    expect(lm.plan.byClass.get("router")).toBe(2 * 5 * 96 * 4);
    lm[Symbol.dispose]();
    await device.settle();
    expect(device.allocatedBytes).toBe(before);
  }
});
