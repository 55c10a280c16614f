// Requests and adapters that come and go, politely and not.

import { expect, setDefaultTimeout } from "bun:test";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GenerateRequest } from "../../src/generate/engine.ts";
import { testDevice } from "../gpu.ts";
import { numeric, promptOf, tinyEngine, type Whole, whole } from "./tiny-engine.ts";

const { device, gpuTest } = await testDevice();
setDefaultTimeout(120_000);
const adapterOf = (name: string) => join(numeric, "lora", name);

gpuTest("an answer that fills the context says so", async () => {
  using tiny = await tinyEngine(device, "tiny-llama", { contextTokens: 40 });
  const options = { maxTokens: 1000, ignoreEos: true };
  const answer = await whole(tiny.engine, { promptIds: promptOf(tiny.base, 30, 1), options });
  expect(answer).toMatchObject({ reason: "context", promptTokens: 30, completionTokens: 10 });
});

gpuTest("what cannot be answered is refused with both numbers, at once", async () => {
  using tiny = await tinyEngine(device, "tiny-llama", { contextTokens: 40 });
  const { engine } = tiny;
  const ask = (request: Partial<GenerateRequest>) => () =>
    engine.generate({ promptIds: [1], options: { maxTokens: 1 }, ...request });
  expect(ask({ promptIds: promptOf(tiny.base, 40, 1) })).toThrow(/context's 40, got 40/);
  expect(ask({ promptIds: [] })).toThrow(/at least one token/);
  expect(ask({ promptIds: [1, 320] })).toThrow(/0 to 319, got 320/);
  expect(ask({ promptIds: [1.5] })).toThrow(/got 1.5/);
  expect(ask({ adapter: "none" })).toThrow(/loaded, got "none"/);
  expect(ask({ options: { maxTokens: 0 } })).toThrow(/maxTokens: expected a whole number/);
  expect(ask({ options: { maxTokens: 1, topP: 0 } })).toThrow(/topP/);
  expect(ask({ options: { maxTokens: 1, temperature: Number.NaN } })).toThrow(/temperature/);
  expect(ask({ options: { maxTokens: 1, stop: [""] } })).toThrow(/stop/);
  expect(ask({ options: { maxTokens: 1, stopTokenIds: [320] } })).toThrow(/stopTokenIds/);
  expect(engine.stats()).toMatchObject({ running: 0, waiting: 0 });
});

gpuTest("stop tokens end an answer, and the base's own do unless they are ignored", async () => {
  using tiny = await tinyEngine(device, "tiny-llama");
  const promptIds = promptOf(tiny.base, 12, 2);
  const free = await whole(tiny.engine, { promptIds, options: { maxTokens: 20, ignoreEos: true } });
  const stop = free.ids[7]!;
  const first = free.ids.indexOf(stop);
  const options = { maxTokens: 20, ignoreEos: true, stopTokenIds: [stop] };
  for (const logprobs of [0, 2]) {
    const stopped = await whole(tiny.engine, { promptIds, options: { ...options, logprobs } });
    expect(stopped).toMatchObject({ reason: "stop", ids: free.ids.slice(0, first + 1) });
  }
  using ending = await tinyEngine(device, "tiny-llama", { endTokenIds: [stop], stepsPerSubmit: 16 });
  const own = { promptIds, options: { maxTokens: 20 } };
  expect((await whole(ending.engine, own)).ids).toEqual(free.ids.slice(0, first + 1));
  const ignored = { promptIds, options: { maxTokens: 20, ignoreEos: true } };
  expect((await whole(ending.engine, ignored)).ids).toEqual(free.ids);
});

gpuTest("a reader who leaves frees the place at once, by signal or by breaking off", async () => {
  using tiny = await tinyEngine(device, "tiny-llama", { maxSequences: 1 });
  const { engine } = tiny;
  const options = { maxTokens: 200, ignoreEos: true };
  const leaver = new AbortController();
  const long = engine.generate({ promptIds: promptOf(tiny.base, 9, 1), options, signal: leaver.signal });
  const waiting = engine.generate({ promptIds: [5], options, signal: leaver.signal });
  let seen = 0;
  for await (const _ of long) if (++seen === 3) leaver.abort();
  expect((await long.finished).reason).toBe("abort");
  expect(await waiting.finished).toMatchObject({ reason: "abort", completionTokens: 0 });
  expect(engine.stats()).toMatchObject({ running: 0, waiting: 0, cacheUsed: 0 });
  const broken = engine.generate({ promptIds: [7], options });
  for await (const _ of broken) break;
  expect((await broken.finished).reason).toBe("abort");
  const late = engine.generate({ promptIds: [7], options, signal: leaver.signal });
  expect((await late.finished).reason).toBe("abort");
  const after = await whole(engine, { promptIds: [7], options: { maxTokens: 3, ignoreEos: true } });
  expect(after.ids.length).toBe(3);
});

gpuTest("an adapter leaves when its last request has, and its name is free again", async () => {
  using tiny = await tinyEngine(device, "tiny-llama");
  const { engine } = tiny;
  const before = device.allocatedBytes;
  await engine.loadAdapter("a", adapterOf("llama-qkvo"));
  expect(engine.loadAdapter("a", adapterOf("llama-qkvo"))).rejects.toThrow(/free, got one that is loaded/);
  expect(engine.loadAdapter("b", adapterOf("mistral-all"))).rejects.toThrow(/shape|layers|expected/);
  const request = { promptIds: promptOf(tiny.base, 9, 1), adapter: "a" };
  const running = whole(engine, { ...request, options: { maxTokens: 60, ignoreEos: true } });
  const gone = engine.unloadAdapter("a");
  expect(engine.adapters.has("a")).toBe(false);
  expect(() => engine.generate({ ...request, options: { maxTokens: 1 } })).toThrow(/got "a"/);
  let freed = false;
  void gone.then(() => {
    freed = true;
  });
  const answer = await Promise.race([running, gone.then(() => undefined)]);
  expect(answer?.ids.length ?? 60).toBe(60);
  await gone;
  expect(freed).toBe(true);
  expect((await running).ids.length).toBe(60);
  await engine.loadAdapter("a", adapterOf("llama-rslora"));
  await engine.unloadAdapter("a");
  // What is left is the scratch for LoRA's inner values.
  const inner = 4 * 256 * 4;
  expect(device.allocatedBytes - before).toBeLessThanOrEqual(inner);
});

gpuTest(
  "work on the same device gets its turn between steps, and so do answers between two works",
  async () => {
    using tiny = await tinyEngine(device, "tiny-llama");
    const { engine } = tiny;
    const answer = whole(engine, { promptIds: [1, 2, 3], options: { maxTokens: 100, ignoreEos: true } });
    const seen: number[] = [];
    const works = Array.from({ length: 5 }, (_, i) =>
      engine.exclusive(async () => {
        seen.push(engine.stats().tokensGenerated);
        await Bun.sleep(1);
        return i;
      }),
    );
    expect(await Promise.all(works)).toEqual([0, 1, 2, 3, 4]);
    for (let i = 1; i < seen.length; i++) expect(seen[i]).toBeGreaterThan(seen[i - 1]!);
    expect(engine.exclusive(() => Promise.reject(new Error("mine")))).rejects.toThrow("mine");
    expect((await answer).ids.length).toBe(100);
  },
);

gpuTest("an adapter that changes while it is read is refused", async () => {
  using tiny = await tinyEngine(device, "tiny-llama");
  const scratch = mkdtempSync(join(tmpdir(), "sekft-adapter-"));
  try {
    cpSync(adapterOf("llama-qkvo"), scratch, { recursive: true });
    await tiny.engine.loadAdapter("whole", scratch);
    rmSync(join(scratch, "adapter_model.safetensors"));
    expect(tiny.engine.loadAdapter("torn", scratch)).rejects.toThrow(/adapter_model.safetensors/);
    expect([...tiny.engine.adapters.keys()]).toEqual(["whole"]);
  } finally {
    rmSync(scratch, { recursive: true });
  }
});

/** Numbers in [0, 1) from a seed. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

gpuTest("a crowd that joins, leaves and hangs up at random: each answer is what it is alone", async () => {
  using tiny = await tinyEngine(device, "tiny-mistral", { contextTokens: 160, stepsPerSubmit: 3 });
  const { engine } = tiny;
  for (const name of ["mistral-all", "mistral-pattern"]) await engine.loadAdapter(name, adapterOf(name));
  const random = randomNumbers(7);
  const pick = (most: number) => Math.floor(random() * most);
  const openings = Array.from({ length: 3 }, (_, i) => promptOf(tiny.base, 40, 100 + i));
  const requests = Array.from({ length: 48 }, (_, i) => ({
    leavesAfter: pick(3) === 0 ? pick(12) : undefined,
    delay: pick(200),
    request: {
      promptIds: [...openings[pick(3)]!.slice(0, 1 + pick(40)), ...promptOf(tiny.base, 1 + pick(20), i)],
      adapter: [undefined, "mistral-all", "mistral-pattern"][pick(3)],
      options: {
        maxTokens: 1 + pick(40),
        ignoreEos: true,
        ...(pick(2) ? { temperature: 0.9, topK: 50, topP: 0.95, seed: i } : {}),
        ...(pick(4) ? {} : { repetitionPenalty: 1.2 }),
      },
    } satisfies GenerateRequest,
  }));
  const crowd = async () =>
    Promise.all(
      requests.map(async ({ request, delay, leavesAfter }): Promise<number[] | undefined> => {
        await Bun.sleep(delay);
        const answer = engine.generate(request);
        const ids: number[] = [];
        for await (const { id } of answer) {
          if (ids.length === leavesAfter) break;
          ids.push(id);
        }
        return leavesAfter === undefined ? ids : undefined;
      }),
    );
  const first = await crowd();
  const held = { bytes: device.allocatedBytes, groups: device.kernels.bindGroupCount };
  Bun.gc(true);
  const resident = process.memoryUsage().rss;
  for (let round = 0; round < 3; round++) expect(await crowd()).toEqual(first);
  Bun.gc(true);
  expect({ bytes: device.allocatedBytes, groups: device.kernels.bindGroupCount }).toEqual(held);
  expect(process.memoryUsage().rss - resident).toBeLessThan(48 << 20);
  expect(engine.stats()).toMatchObject({ running: 0, waiting: 0, cacheUsed: 0 });
  for (const [i, { request }] of requests.entries()) {
    if (!first[i]) continue;
    const alone: Whole = await whole(engine, request);
    expect({ i, ids: first[i] }).toEqual({ i, ids: alone.ids });
  }
});

gpuTest("an adapter swap costs nothing: no memory, no pipeline, and no later first token", async () => {
  using tiny = await tinyEngine(device, "tiny-mistral");
  const { engine } = tiny;
  for (const name of ["mistral-all", "mistral-pattern"]) await engine.loadAdapter(name, adapterOf(name));
  let asked = 0;
  const firstToken = async (adapter: string): Promise<number> => {
    const promptIds = promptOf(tiny.base, 120, 500 + asked++);
    const start = performance.now();
    await engine.generate({ promptIds, adapter, options: { maxTokens: 1 } }).finished;
    return performance.now() - start;
  };
  for (const name of ["mistral-all", "mistral-pattern"]) await firstToken(name);
  const held = () => ({
    bytes: device.allocatedBytes,
    pipelines: device.kernels.pipelineCount,
    groups: device.kernels.bindGroupCount,
  });
  const before = held();
  const times = { same: [] as number[], swapped: [] as number[] };
  for (let round = 0; round < 15; round++)
    for (const name of ["mistral-all", "mistral-pattern"]) {
      times.swapped.push(await firstToken(name));
      times.same.push(await firstToken(name));
    }
  expect(held()).toEqual(before);
  // The fastest of many: what a busy machine adds is not the swap's.
  expect(Math.min(...times.swapped) / Math.min(...times.same)).toBeLessThan(1.2);
});
