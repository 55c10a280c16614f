import { expect, test } from "bun:test";
import { parseModelConfig } from "../../src/formats/config.ts";
import { resolveTargets } from "../../src/formats/peft-adapter.ts";
import { layoutParameters } from "../../src/model/adapter-parameters.ts";
import { type PlanInput, planMemory } from "../../src/model/memory-plan.ts";
import { shardByRows } from "../../src/model/shapes.ts";

// mistralai/Mistral-7B-Instruct-v0.2, config.json.
const mistral = parseModelConfig(
  {
    architectures: ["MistralForCausalLM"],
    model_type: "mistral",
    hidden_size: 4096,
    intermediate_size: 14336,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    vocab_size: 32000,
    max_position_embeddings: 32768,
    rms_norm_eps: 1e-5,
    rope_theta: 1e6,
    sliding_window: null,
    tie_word_embeddings: false,
    hidden_act: "silu",
  },
  "config.json",
);

const published: PlanInput = {
  config: mistral,
  tier: "f16",
  quantBlock: () => 64,
  targets: resolveTargets(
    {
      r: 16,
      alpha: 32,
      targetModules: ["q_proj", "k_proj", "v_proj", "o_proj"],
      rankPattern: {},
      alphaPattern: {},
      useRslora: false,
    } as unknown as Parameters<typeof resolveTargets>[0],
    mistral,
  ),
  train: true,
  dropout: true,
  sequenceLoss: false,
  keepBase: false,
  maxTokens: 4096,
  maxRows: 4096,
  lossCapacity: 8 * 4096,
  checkpointing: "full",
  maxBindingBytes: 2 ** 31 - 4,
};

test("the published run on Mistral-7B in 4 bits fits a 10 GB plan at 4096 tokens", () => {
  const plan = planMemory(published);
  expect(plan.totalBytes).toBeLessThan(10e9);
  // 6.979 G linear weights at half a byte, and an f32 absmax every 64.
  expect(plan.byClass.get("4-bit weights")).toBe(6_979_321_856 / 2 + (6_979_321_856 / 64) * 4);
  // r 16 on q, k, v, o: 13,631,488 parameters.
  expect(plan.byClass.get("LoRA weights")).toBe(13_631_488 * 4);
  expect(plan.byClass.get("optimiser state")).toBe(13_631_488 * 8);
});

test("auto keeps the activations of as many layers as the budget holds, and not one more", () => {
  const lean = planMemory(published).totalBytes;
  for (const budgetBytes of [lean - 1, lean + 3e9, 16e9, 64e9]) {
    const plan = planMemory({ ...published, checkpointing: "auto", budgetBytes });
    if (plan.keptLayers > 0) expect(plan.totalBytes).toBeLessThanOrEqual(budgetBytes);
    if (plan.keptLayers > 0 && plan.keptLayers < 32) {
      const oneMore = plan.totalBytes + plan.byClass.get("activations")! / plan.keptLayers;
      expect(oneMore).toBeGreaterThan(budgetBytes);
    }
  }
  expect(planMemory({ ...published, checkpointing: "auto", budgetBytes: lean - 1 }).keptLayers).toBe(0);
  expect(planMemory({ ...published, checkpointing: "auto", budgetBytes: 64e9 }).keptLayers).toBe(32);
});

test("no planned buffer passes the binding limit of a small adapter", () => {
  const limit = 128 * 2 ** 20;
  for (const { dtype, shape, memoryClass, label } of planMemory({
    ...published,
    maxTokens: 1024,
    maxRows: 1024,
    maxBindingBytes: limit,
  }).buffers) {
    const bytes = shape.reduce((a, b) => a * b, 1) * (dtype === "f16" ? 2 : 4);
    if (bytes > limit) throw new Error(`${memoryClass} ${label}: ${bytes}`);
  }
});

test("shards cover every row once, start at whole 4-bit blocks, and respect the limit", () => {
  for (const [rows, rowBytes, limit] of [
    [1, 4, 4],
    [1000, 40, 6400],
    [14336, 8192, 1 << 25],
  ] as const) {
    const shards = shardByRows(rows, rowBytes, limit);
    let next = 0;
    for (const { from, rows: count } of shards) {
      expect(from).toBe(next);
      expect(from % 64).toBe(0);
      expect(count * rowBytes).toBeLessThanOrEqual(limit);
      next += count;
    }
    expect(next).toBe(rows);
  }
  expect(() => shardByRows(128, 100, 6000)).toThrow(RangeError);
});

test("LoRA matrices lie aligned, apart, all A before all B, in as few buffers as the limit allows", () => {
  const { slots, sizes, ranges } = layoutParameters(published.targets, 2 ** 20);
  for (const size of sizes) expect(size * 4).toBeLessThanOrEqual(2 ** 20);
  const ends = sizes.map(() => 0);
  for (const { flat, start, shape } of slots) {
    expect((start * 4) % 256).toBe(0);
    expect(start).toBeGreaterThanOrEqual(ends[flat]!);
    ends[flat] = start + shape[0] * shape[1];
  }
  expect(ranges.flat().reduce((sum, { count }) => sum + count, 0)).toBe(sizes.reduce((a, b) => a + b, 0));
  expect(layoutParameters(published.targets, 2 ** 30).sizes.length).toBe(1);
});
