import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { diagnose } from "../../src/doctor/diagnose.ts";
import type { MachineFacts } from "../../src/doctor/machine.ts";
import { publishedTargets } from "../../src/doctor/measure-step.ts";
import { shapeNames, shapeOf } from "../../src/doctor/named-shapes.ts";
import { RandomBase } from "../../src/doctor/random-base.ts";
import { tierReport } from "../../src/doctor/tier-report.ts";
import { linearWeights } from "../../src/doctor/work.ts";
import { type AdapterFacts, chooseTier } from "../../src/gpu/facts.ts";
import { makeBatch } from "../../src/model/batch.ts";
import { CausalLM } from "../../src/model/causal-lm.ts";
import { testDevice } from "../gpu.ts";

const root = join(import.meta.dir, "../..");
const { device, gpuTest } = await testDevice();

function sekft(...args: string[]) {
  const run = Bun.spawnSync([process.execPath, join(root, "cli.ts"), "doctor", ...args], { cwd: root });
  return { code: run.exitCode, out: run.stdout.toString(), err: run.stderr.toString() };
}

const gpu: AdapterFacts = {
  name: "Some GPU",
  vendor: "nvidia",
  architecture: "ampere",
  driver: "1",
  software: false,
  f16: true,
  subgroups: true,
  subgroupMin: 32,
  subgroupMax: 32,
  matrix: [{ m: 16, n: 16, k: 16, component: "f16", result: "f32" }],
  timestamps: true,
  maxBindingBytes: 2 ** 31 - 4,
  maxBufferBytes: 2 ** 32,
  maxWorkgroupBytes: 49152,
  maxWorkgroupSize: 1024,
};
const cpu: AdapterFacts = { ...gpu, name: "llvmpipe", vendor: "mesa", software: true, matrix: [] };
const healthy: MachineFacts = {
  platform: "linux x64",
  cpu: "a CPU",
  cores: 8,
  memoryBytes: 64e9,
  freeMemoryBytes: 60e9,
  freeDiskBytes: 500e9,
  vulkanDrivers: ["nvidia_icd"],
  nvidiaKernelDriver: "570.86.15",
  container: false,
  sandboxes: {
    docker: { version: "20.10", detail: "unix:///var/run/docker.sock, image ready" },
    bubblewrap: { problem: "sandbox bubblewrap: expected the programs bwrap, got none in the path" },
  },
  versions: { sekft: "0", commit: "0", bun: "0", dawn: "0" },
};

describe("diagnosis", () => {
  test("a GPU with f16 has no problems", () => expect(diagnose(healthy, gpu, undefined)).toEqual([]));
  test("an NVIDIA container without graphics is told what to start it with", () => {
    const [problem] = diagnose({ ...healthy, vulkanDrivers: ["lvp_icd"], container: true }, cpu, undefined);
    expect(problem).toMatchObject({ severity: "error" });
    expect(problem!.remedy).toContain("NVIDIA_DRIVER_CAPABILITIES=graphics,compute,utility");
  });
  test("no adapter, no driver: says what to install", () => {
    const bare = { ...healthy, vulkanDrivers: [], nvidiaKernelDriver: undefined };
    const [problem] = diagnose(bare, undefined, "device: expected an adapter, got none");
    expect(problem).toMatchObject({ severity: "error", what: "device: expected an adapter, got none" });
    for (const word of ["libvulkan1", "mesa-vulkan-drivers"]) expect(problem!.remedy).toContain(word);
  });
  test("a CPU adapter alone, a GPU without f16, a full disk are warnings", () => {
    const warnings = (machine: MachineFacts, facts: AdapterFacts) =>
      diagnose(machine, facts, undefined).map(({ severity }) => severity);
    expect(warnings({ ...healthy, nvidiaKernelDriver: undefined }, cpu)).toEqual(["warning"]);
    expect(warnings(healthy, { ...gpu, f16: false })).toEqual(["warning"]);
    expect(warnings({ ...healthy, freeDiskBytes: 1e8 }, gpu)).toEqual(["warning"]);
  });
});

test("a tier is called able exactly when the device would open with it", () => {
  for (const facts of [
    gpu,
    cpu,
    { ...gpu, f16: false },
    { ...gpu, matrix: [] },
    { ...gpu, matrix: [{ m: 8, n: 8, k: 16, component: "f16", result: "f16" }] },
    { ...cpu, subgroupMax: 64 },
    { ...cpu, subgroups: false },
  ])
    for (const { tier, able } of tierReport(facts)) {
      let opens = true;
      try {
        chooseTier(facts, tier);
      } catch {
        opens = false;
      }
      expect({ tier, able }).toEqual({ tier, able: opens });
    }
});

test("shapes have the sizes of the models they are named after", () => {
  // Parameters of the linear layers, embedding and head, from the models' cards.
  const billions = (name: string) => {
    const config = shapeOf(name);
    const embeddings = (config.tieWordEmbeddings ? 1 : 2) * config.vocab * config.hiddenSize;
    return (config.layers * linearWeights(config) + embeddings) / 1e9;
  };
  expect(billions("mistral-7b")).toBeCloseTo(7.24, 2);
  // What a token goes through; all experts together are 46.7.
  expect(billions("mixtral-8x7b")).toBeCloseTo(12.88, 2);
  expect(billions("llama-3.1-8b")).toBeCloseTo(8.03, 2);
  expect(billions("llama-3.2-1b")).toBeCloseTo(1.24, 2);
  expect(billions("llama-3.2-3b")).toBeCloseTo(3.21, 2);
  expect(billions("qwen2.5-7b")).toBeCloseTo(7.62, 2);
  expect(billions("qwen2.5-0.5b")).toBeCloseTo(0.494, 2);
  expect(billions("qwen3-8b")).toBeCloseTo(8.19, 2);
  expect(billions("qwen3-0.6b")).toBeCloseTo(0.596, 2);
  expect(billions("tinyllama-1.1b")).toBeCloseTo(1.1, 2);
  expect(billions("smollm2-135m")).toBeCloseTo(0.1345, 3);
  expect(billions("smollm2-1.7b")).toBeCloseTo(1.711, 2);
});

describe("random weights", () => {
  const name = "model.layers.1.self_attn.q_proj.weight";
  const dense = new RandomBase("x", shapeOf("bench-small"), false);
  const packed = new RandomBase("x", shapeOf("bench-small"), true);
  test("are the same read whole or in pieces, as f32 or as stored", () => {
    const whole = dense.readF32(name, 0, 384);
    expect(dense.readF32(name, 100, 101)).toEqual(whole.slice(100 * 384, 101 * 384));
    const raw = new Uint8Array(2 * 384);
    dense.readRaw(name, 100 * 384 * 2, raw);
    expect(new Float16Array(raw.buffer)).toEqual(Float16Array.from(whole.slice(100 * 384, 101 * 384)));
    const codes = packed.readQuantised(name, 0, 384);
    const some = packed.readQuantised(name, 64, 128);
    expect(some.packed).toEqual(codes.packed.slice((64 * 384) / 2, (128 * 384) / 2));
    expect(some.absmax).toEqual(codes.absmax.slice((64 * 384) / 64, (128 * 384) / 64));
  });
  test("have the spread of a real model's, and differ from tensor to tensor", () => {
    const values = dense.readF32(name, 0, 384);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(1e-3);
    expect(Math.sqrt(variance)).toBeCloseTo(0.02, 3);
    const other = dense.readF32(name.replace("q_proj", "o_proj"), 0, 384);
    expect(other).not.toEqual(values);
    const norm = dense.readF32("model.norm.weight", 0, 384);
    expect(norm.reduce((sum, value) => sum + value, 0) / 384).toBeCloseTo(1, 2);
  });
  for (const base of [dense, packed])
    gpuTest(`make a model that knows nothing${base === packed ? ", in 4 bits too" : ""}`, async () => {
      using lm = await CausalLM.load(device, { base, targets: publishedTargets(base.config), maxTokens: 32 });
      const inputIds = Array.from({ length: 32 }, (_, i) => 7 * i);
      lm.evaluate(makeBatch([{ inputIds, labels: inputIds }], base.config.vocab));
      const losses = await lm.takeLosses();
      const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
      // ln V, but for the chance likeness of tied embeddings.
      expect(Math.abs(mean - Math.log(4096))).toBeLessThan(0.5);
    });
});

gpuTest("doctor says what the adapter is and which tier it gets", () => {
  const { code, out } = sekft("--json");
  expect(code).toBe(0);
  const report = JSON.parse(out);
  expect(report.adapter.name).toBe(device.facts.name);
  expect(report.tier).toBe(device.tier);
  expect(report.tiers.find(({ tier }: { tier: string }) => tier === report.tier).able).toBe(true);
  expect(report.machine.freeDiskBytes).toBeGreaterThan(0);
  const text = sekft().out;
  for (const word of [device.facts.name, `${device.tier} *`, "sandbox", "versions", "limits"])
    expect(text).toContain(word);
});

gpuTest(
  "a measurement of part of a shape adds up",
  () => {
    const { code, out, err } = sekft(
      "--json",
      "--bench",
      "--shape",
      "bench-small",
      "--tokens",
      "16",
      "--layers",
      "2",
    );
    expect({ code, err: err.includes("sekft:") }).toEqual({ code: 0, err: false });
    const { bench } = JSON.parse(out);
    const { step, peaks, linear } = bench;
    expect(step.measuredLayers).toBe(2);
    expect(step.keptLayers).toBe(6);
    expect(step.seconds).toBeCloseTo(6 * step.layerSeconds + step.restSeconds, 6);
    expect(bench.tokensPerSecond).toBeCloseTo(16 / step.seconds, 6);
    expect(bench.publishedSeconds).toBeCloseTo((1003 * 3 * 1030) / bench.tokensPerSecond, 3);
    for (const rate of [
      peaks.fmaFlops,
      peaks.kernelCopyBytes,
      linear.forward,
      linear.backward,
      linear.decodeBytes,
    ])
      expect(rate).toBeGreaterThan(1e6);
    // Nothing multiplies faster than the multiply-add peak, with room for a noisy machine.
    expect(linear.forward).toBeLessThan(1.5 * peaks.fmaFlops);
  },
  60_000,
);

test("a misspelt shape is refused before anything is measured; list shows all", () => {
  const { code, err } = sekft("--bench", "--shape", "mistral7b");
  expect(code).toBe(2);
  expect(err).toContain("did you mean mistral-7b?");
  expect(sekft("--shape", "list").out.trim().split("\n")).toEqual([...shapeNames]);
});
