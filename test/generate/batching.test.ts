// One sequence computed in every way there is: all at once as in training, token by token, in a crowd, from cached pages, after its
// pages were taken away. The numbers must not care.

import { describe, expect } from "bun:test";
import { join } from "node:path";
import { openBase } from "../../src/formats/base-weights.ts";
import { checkAdapterFits, readAdapter } from "../../src/formats/peft-adapter.ts";
import { pageBytes } from "../../src/generate/buffers.ts";
import type { Device } from "../../src/gpu/device.ts";
import { makeBatch } from "../../src/model/batch.ts";
import { CausalLM } from "../../src/model/causal-lm.ts";
import { testDevice } from "../gpu.ts";
import { numeric, promptOf, tinyEngine, type Whole, whole } from "./tiny-engine.ts";

const { device, gpuTest } = await testDevice();
const f32 = await testDevice({ tier: "f32" });
const f16 = await testDevice({ tier: "f16" });

/** Largest difference of a log probability between two ways of computing it in f32. */
const bound = 1e-4;
/** Alternatives that are compared at every token. */
const logprobs = 20;
const llamaAdapters = ["llama-qkvo", "llama-rslora"];

/** Log probabilities [T, V] of a sequence, by training's own forward pass. */
async function trainersLogprobs(
  on: Device,
  model: string,
  ids: readonly number[],
  options: { adapter?: string; load4bit?: boolean } = {},
): Promise<Float64Array[]> {
  using base = openBase(join(numeric, "models", model));
  const directory = options.adapter && join(numeric, "lora", options.adapter);
  const adapter = directory ? readAdapter(directory) : undefined;
  using lm = await CausalLM.load(on, {
    base,
    targets: adapter ? checkAdapterFits(adapter, directory!, base.config) : [],
    maxTokens: ids.length,
    load4bit: options.load4bit ?? false,
  });
  if (adapter) lm.adapter!.write(new Map([...adapter.tensors].map(([name, { data }]) => [name, data])));
  const { vocab } = base.config;
  const { logits } = await lm.forward(makeBatch([{ inputIds: ids, labels: ids }], vocab));
  return ids.map((_, t) => {
    const row = Float64Array.from(logits.subarray(t * vocab, (t + 1) * vocab));
    const top = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const denominator = top + Math.log(row.reduce((sum, x) => sum + Math.exp(x - top), 0));
    return row.map((x) => x - denominator);
  });
}

/** Largest difference between what an answer reports and the trainer's numbers. */
function worst(answer: Whole, prompt: readonly number[], expected: readonly Float64Array[]): number {
  let most = 0;
  for (const [i, { top }] of answer.tokens.entries())
    for (const [id, logprob] of top!) {
      const difference = Math.abs(logprob - expected[prompt.length - 1 + i]![id]!);
      most = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(most, difference);
    }
  return most;
}

function sameNumbers(a: Whole, b: Whole): void {
  expect(a.ids).toEqual(b.ids);
  for (const [i, token] of a.tokens.entries())
    for (const [j, [, logprob]] of token.top!.entries())
      expect(Math.abs(logprob - b.tokens[i]!.top![j]![1])).toBeLessThan(bound);
}

const cases = [
  ["tiny-llama", "llama-qkvo", false],
  ["tiny-llama", "llama-rslora", false],
  ["tiny-mistral", "mistral-all", false],
  ["tiny-mistral", "mistral-pattern", false],
  ["tiny-qwen2", "qwen2-all", false],
  ["tiny-qwen3", "qwen3-qv", false],
  ["tiny-llama3", undefined, false],
  ["tiny-mistral-nf4", undefined, false],
  ["tiny-llama-fp4", undefined, false],
  ["tiny-mistral", "mistral-all", true],
] as const;

for (const [tier, on, tolerance] of [
  ["the device's tier", { device, gpuTest }, bound],
  ["tier f32", f32, bound],
  ["tier f16", f16, 3e-2],
] as const)
  describe(`in ${tier}`, () => {
    for (const [model, adapter, load4bit] of cases)
      on.gpuTest(
        `${model} ${load4bit ? "in 4 bits " : ""}with ${adapter ?? "no adapter"}: prefill and decode are training's forward`,
        async () => {
          using tiny = await tinyEngine(on.device, model, { load4bit, stepTokens: 24 });
          if (adapter) await tiny.engine.loadAdapter("a", join(numeric, "lora", adapter));
          const promptIds = promptOf(tiny.base, 40, 1);
          const answer = await whole(tiny.engine, {
            promptIds,
            adapter: adapter && "a",
            options: { maxTokens: 30, ignoreEos: true, logprobs, temperature: 1, seed: 1 },
          });
          const expected = await trainersLogprobs(on.device, model, [...promptIds, ...answer.ids], {
            ...(adapter && { adapter }),
            load4bit,
          });
          expect(worst(answer, promptIds, expected)).toBeLessThan(tolerance);
        },
      );
  });

gpuTest("eight requests of three adapters at once are each what they are alone", async () => {
  using tiny = await tinyEngine(device, "tiny-llama");
  for (const name of llamaAdapters) await tiny.engine.loadAdapter(name, join(numeric, "lora", name));
  const requests = Array.from({ length: 8 }, (_, i) => ({
    promptIds: promptOf(tiny.base, 5 + 7 * i, i),
    adapter: [undefined, ...llamaAdapters][i % 3],
    options: { maxTokens: 25, ignoreEos: true, logprobs },
  }));
  const alone: Whole[] = [];
  for (const request of requests) {
    using fresh = await tinyEngine(device, "tiny-llama");
    if (request.adapter)
      await fresh.engine.loadAdapter(request.adapter, join(numeric, "lora", request.adapter));
    alone.push(await whole(fresh.engine, request));
  }
  const together = await Promise.all(requests.map((request) => whole(tiny.engine, request)));
  for (const [i, answer] of together.entries()) sameNumbers(answer, alone[i]!);
  expect(new Set(together.map(({ ids }) => ids.join())).size).toBe(8);
});

gpuTest("a conversation that goes on finds its pages, and answers as without them", async () => {
  using tiny = await tinyEngine(device, "tiny-mistral");
  await tiny.engine.loadAdapter("a", join(numeric, "lora", "mistral-all"));
  const options = { maxTokens: 20, ignoreEos: true, logprobs };
  const promptIds = promptOf(tiny.base, 50, 3);
  const first = await whole(tiny.engine, { promptIds, adapter: "a", options });
  expect(first.cachedTokens).toBe(0);
  const longer = [...promptIds, ...first.ids, ...promptOf(tiny.base, 9, 4)];
  const cached = await whole(tiny.engine, { promptIds: longer, adapter: "a", options });
  // 50 prompt tokens and 19 of the answer were computed: four whole pages of 16.
  expect(cached.cachedTokens).toBe(64);
  using fresh = await tinyEngine(device, "tiny-mistral");
  await fresh.engine.loadAdapter("a", join(numeric, "lora", "mistral-all"));
  sameNumbers(cached, await whole(fresh.engine, { promptIds: longer, adapter: "a", options }));
  // Keys and values are the adapter's own.
  expect((await whole(tiny.engine, { promptIds: longer, options })).cachedTokens).toBe(0);
});

gpuTest("sequences that lose their pages to others start again, and nothing changes", async () => {
  using weights = openBase(join(numeric, "models", "tiny-llama"));
  const cacheBytes = 9 * pageBytes(weights.config, device);
  using tiny = await tinyEngine(device, "tiny-llama", { contextTokens: 64, cacheBytes });
  const requests = Array.from({ length: 5 }, (_, i) => ({
    promptIds: promptOf(tiny.base, 14, 20 + i),
    options: { maxTokens: 45, ignoreEos: true, logprobs },
  }));
  const crowded = await Promise.all(requests.map((request) => whole(tiny.engine, request)));
  expect(tiny.engine.stats().preemptions).toBeGreaterThan(0);
  for (const [i, request] of requests.entries()) {
    using fresh = await tinyEngine(device, "tiny-llama");
    sameNumbers(crowded[i]!, await whole(fresh.engine, request));
  }
  expect(tiny.engine.stats()).toMatchObject({ running: 0, waiting: 0, cacheUsed: 0, cacheTotal: 144 });
});
