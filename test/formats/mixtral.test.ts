// Mixtral's files in both layouts: as published and as transformers 5 holds them.
import { afterAll, expect, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { exportMerged } from "../../src/export/merged-directory.ts";
import { openBase } from "../../src/formats/base-weights.ts";
import { describeBase } from "../../src/formats/describe-base.ts";
import { readAdapter } from "../../src/formats/peft-adapter.ts";
import { resolveTargets } from "../../src/formats/peft-targets.ts";
import { SafetensorsFile, writeSafetensors } from "../../src/formats/safetensors.ts";
import { copyOf, differing, messageOf, models, scratch, setKey } from "./golden.ts";

const copies: string[] = [];
afterAll(() => {
  for (const copy of copies) rmSync(copy, { recursive: true });
});
const changed = (model: string, keys: Record<string, unknown>) => {
  const copy = copyOf(join(models, model));
  copies.push(copy);
  for (const [key, value] of Object.entries(keys)) setKey(join(copy, "config.json"), key, value);
  return copy;
};
const complaint = (path: string) => messageOf(() => openBase(path));

test("two tensors for all experts of a layer are the same weights as one for each", () => {
  using fused = openBase(join(models, "fused-mixtral"));
  using apart = openBase(join(models, "fused-mixtral-apart"));
  expect([...fused.tensors.keys()]).toEqual([...apart.tensors.keys()]);
  expect(fused.ignored).toEqual([]);
  expect(apart.ignored).toEqual([]);
  for (const { name, shape, bytes, type } of apart.tensors.values()) {
    expect(fused.tensors.get(name)).toMatchObject({ shape, bytes, type });
    expect(differing(fused.readF32(name, 0, shape[0]!), apart.readF32(name, 0, shape[0]!))).toBe(0);
    expect(fused.storedInOrder(name)).toBe(true);
  }
  const [a, b] = [new Uint8Array(10), new Uint8Array(10)];
  const name = "model.layers.1.block_sparse_moe.experts.2.w3.weight";
  fused.readRaw(name, 4, a);
  apart.readRaw(name, 4, b);
  expect(a).toEqual(b);
});

test("experts and routers are counted by their role", () => {
  using base = openBase(join(models, "tiny-mixtral"));
  const { classes, roles } = describeBase(base);
  expect(classes.router).toMatchObject({ tensors: 2, parameters: 2 * 5 * 96 });
  expect(classes.mlp).toMatchObject({ tensors: 30, parameters: 2 * 5 * 3 * 96 * 72 });
  expect(roles.find(({ role }) => role.endsWith("experts.*.w2.weight"))).toMatchObject({
    shape: [96, 72],
    count: 10,
  });
  expect(base.config.moe).toEqual({ experts: 5, topk: 2 });
});

test("what is missing in config.json is what transformers takes: 8 experts, 2 a token, theta of a million", () => {
  const copy = changed("tiny-mixtral", { num_local_experts: undefined });
  // The weights no longer fit: nothing says so but the tensors that are missing then.
  expect(complaint(copy)).toMatch(/experts\.5\.w1\.weight|gate\.weight/);
  const other = changed("tiny-mixtral", {
    num_experts_per_tok: undefined,
    rope_parameters: undefined,
    sliding_window: undefined,
    rms_norm_eps: undefined,
  });
  using base = openBase(other);
  expect(base.config).toMatchObject({ moe: { experts: 5, topk: 2 }, ropeTheta: 1e6, rmsNormEps: 1e-5 });
  expect(base.config.slidingWindow).toEqual([undefined, undefined]);
});

test("refuses what would be other maths, each by its name", () => {
  for (const [key, value, expected] of [
    ["num_experts_per_tok", 6, "at most num_local_experts 5"],
    ["num_experts_per_tok", 0, "a positive whole number"],
    ["num_local_experts", 5000, "a whole number from 1 to 512"],
    ["router_jitter_noise", 0.1, "expected 0, got 0.1"],
    ["output_router_logits", true, "expected false, got true"],
  ] as const) {
    const text = complaint(changed("tiny-mixtral", { [key]: value }));
    expect(text).toContain(key);
    expect(text).toContain(expected);
  }
  expect(complaint(changed("tiny-llama", { num_local_experts: 4 }))).toContain("num_local_experts");
  expect(complaint(changed("tiny-llama", { num_experts_per_tok: 2 }))).toContain("num_experts_per_tok");
});

test("refuses fused experts of another shape, by the tensor's name", () => {
  const copy = changed("fused-mixtral", { num_local_experts: 4 });
  expect(complaint(copy)).toMatch(/mlp\.experts\.gate_up_proj.*\[4,24,8\].*\[3,24,8\]/s);
});

test("LoRA goes on the attention's linear layers; routers and experts are refused", () => {
  using base = openBase(join(models, "tiny-mixtral"));
  const { config } = readAdapter(join(models, "../lora/mixtral-qkvo"));
  const modules = (targetModules: string | string[]) =>
    resolveTargets({ ...config, targetModules }, base.config).map(({ name }) => name);
  expect(modules("all-linear")).toEqual([
    ...["q_proj", "k_proj", "v_proj", "o_proj"],
    ...["q_proj", "k_proj", "v_proj", "o_proj"],
  ] as never);
  expect(messageOf(() => modules(["gate"]))).toContain("got model.layers.0.mlp.gate");
  expect(messageOf(() => modules(["w1"]))).toContain("match none");
});

test("merged weights are written under the published names, experts unchanged", () => {
  const out = join(scratch(), "merged-mixtral");
  copies.push(out);
  const base = join(models, "tiny-mixtral");
  exportMerged(join(models, "../lora/mixtral-qkvo"), base, out, {
    maxShardBytes: 100_000,
    dequantize: false,
    force: false,
  });
  // transformers refuses 0 where it wants 0.0.
  expect(readFileSync(join(out, "config.json"), "utf8")).toContain('"router_jitter_noise": 0.0,');
  using merged = openBase(out);
  using before = openBase(base);
  expect([...merged.tensors.keys()]).toEqual([...before.tensors.keys()]);
  for (const { name, shape } of before.tensors.values()) {
    const changes = differing(merged.readF32(name, 0, shape[0]!), before.readF32(name, 0, shape[0]!));
    if (name.includes("self_attn")) expect(changes).toBeGreaterThan(0);
    else expect(changes).toBe(0);
  }
});

test("fused experts that are missing are named as published models name them", () => {
  const copy = changed("fused-mixtral", {});
  using file = new SafetensorsFile(join(models, "fused-mixtral", "model.safetensors"));
  const kept = [...file.entries.values()].filter(
    ({ name }) => !name.endsWith("layers.1.mlp.experts.down_proj"),
  );
  const tensors = kept.map((entry) => ({ ...entry, chunks: [file.readAll(entry)] }));
  writeSafetensors(join(copy, "model.safetensors"), tensors);
  expect(complaint(copy)).toContain("model.layers.1.block_sparse_moe.experts.0.w2.weight");
});
