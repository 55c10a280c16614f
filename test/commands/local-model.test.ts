// Models of this machine behind the harness: one base, its adapters, the same prompts as training, here or in a resident.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import type { GenerateSettings } from "../../src/agent/contract.ts";
import { Interrupted } from "../../src/base/errors.ts";
import { openLocalModels } from "../../src/commands/local-model.ts";
import {
  type LocalModelFlags,
  type LocalModels,
  namedAdapters,
} from "../../src/commands/local-model-options.ts";
import { loadChatFormat } from "../../src/data/chat/load-chat-format.ts";
import { encodeTrajectory } from "../../src/data/encode-trajectory.ts";
import type { Turn } from "../../src/data/normalize.ts";
import { openBase } from "../../src/formats/base-weights.ts";
import { Engine } from "../../src/generate/engine.ts";
import { BaseModel } from "../../src/model/base-model.ts";
import { whole } from "../generate/tiny-engine.ts";
import { testDevice } from "../gpu.ts";
import { listening, type Running, runReal } from "../serve/running.ts";
import {
  foreignAdapter,
  makeTalkingBase,
  otherAdapter,
  temporaryFolder,
  tinyAdapter,
} from "../serve/tiny-base.ts";

setDefaultTimeout(120_000);

const { device, gpuTest } = await testDevice();
const base = makeTalkingBase(temporaryFolder());
const flags = (more: Partial<LocalModelFlags> = {}): LocalModelFlags => ({
  base,
  adapter: undefined,
  load4bit: false,
  chatTemplate: undefined,
  resident: undefined,
  tier: "auto",
  requireGpu: false,
  ...more,
});
const sizes = { parallel: 4, ctxBudget: 400, maxTokens: 12 };
const { terminal } = listening();
const greedy: GenerateSettings = { temperature: 0, topP: 1, seed: undefined, maxTokens: 12 };

const turns: Turn[] = [
  { role: "system", content: "sek 0.1.0 host: sek user: al shell: /bin/dash" },
  { role: "user", content: "Hello, al. See ~/README.\n" },
  { role: "user", content: "al@sek:~$ " },
  { role: "assistant", content: "cat ~/README" },
  { role: "user", content: "tasks: hupta\n" },
  { role: "user", content: "al@sek:~$ " },
  { role: "assistant", content: "exit" },
];

describe("local models", () => {
  let models: LocalModels;
  let reference: { engine: Engine; close: () => void };
  const adapters = [`good=${tinyAdapter}`, otherAdapter];

  const setup = async () => {
    models = await openLocalModels(flags({ adapter: adapters }), sizes, terminal);
    using weights = openBase(base);
    const loaded = await BaseModel.load(device, { base: weights, load4bit: false });
    const { tokenizer, endOfTurn } = loadChatFormat(base);
    const engine = await Engine.create(loaded, {
      tokenizer,
      endTokenIds: [endOfTurn!.id],
      contextTokens: 500,
    });
    await engine.loadAdapter("good", tinyAdapter);
    reference = {
      engine,
      close: () => {
        engine[Symbol.dispose]();
        loaded[Symbol.dispose]();
      },
    };
  };
  beforeAll(async () => {
    // Without a device, the tests below are skips.
    await setup().catch((error) => {
      if (gpuTest !== test) return;
      throw error;
    });
  });
  afterAll(async () => {
    await models?.[Symbol.asyncDispose]();
    reference?.close();
  });

  gpuTest("are the base and each adapter under its name", async () => {
    expect(models.arms.map(({ name }) => name)).toEqual(["base", "good", "llama-rslora"]);
    expect(await models.arms[1]!.model.describe!()).toMatchObject({
      adapter: tinyAdapter,
      adapter_sha256: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      base_fingerprint: expect.stringMatching(/^sha256:/),
      load_4bit: false,
    });
  });

  gpuTest("continue exactly the tokens that training puts before an answer", async () => {
    const encoded = encodeTrajectory({ id: "x", place: { file: "x" }, turns }, loadChatFormat(base), {
      maxLength: 1 << 20,
      overlong: "error",
      strictPrefix: true,
      specialInContent: "refuse",
    });
    if ("refused" in encoded) throw new Error(encoded.reason);
    for (const [k, at] of [3, 6].entries()) {
      const prefix = [...encoded.inputIds.slice(0, encoded.turns[k]!.tokens[0])];
      for (const [arm, adapter] of [
        [models.arms[0]!, undefined],
        [models.arms[1]!, "good"],
      ] as const) {
        const history = turns.slice(0, at);
        const reply = await arm.model.generate(history, greedy);
        const expected = await whole(reference.engine, {
          promptIds: prefix,
          adapter,
          options: { maxTokens: 12 },
        });
        expect(reply).toEqual({
          content: expected.text,
          finish: expected.reason === "stop" ? "stop" : "length",
          promptTokens: prefix.length,
          completionTokens: expected.completionTokens,
        });
        expect(await arm.model.countTokens!(history)).toBe(prefix.length);
      }
    }
  });

  gpuTest("go on with a text as it stands, without a template, here and on a resident's base", async () => {
    const text = "<|im_start|>user\nlist<|im_end|>\n<|im_start|>assistant\nls -";
    const { tokenizer } = loadChatFormat(base);
    const expected = await whole(reference.engine, {
      promptIds: [...tokenizer.encode(text).ids],
      adapter: "good",
      options: { maxTokens: 12 },
    });
    const here = await models.arms[1]!.model.complete!(text, greedy);
    expect(here).toMatchObject({ content: expected.text, completionTokens: expected.completionTokens });
    const server = await runReal(base);
    try {
      const remote = flags({ resident: server.url, adapter: [adapters[0]!] });
      await using there = await openLocalModels(remote, { ...sizes, ctxBudget: 300 }, terminal);
      const { content, finish } = await there.arms[1]!.model.complete!(text, greedy);
      expect({ content, finish }).toEqual({ content: here.content, finish: here.finish });
    } finally {
      await server.close();
    }
  });

  gpuTest("answer many at once as one at a time, and each adapter in its own way", async () => {
    const histories = Array.from({ length: 6 }, (_, i): Turn[] => [
      { role: "user", content: `al@sek:/${i}$ ` },
    ]);
    const ask = (history: Turn[], arm: number) => models.arms[arm]!.model.generate(history, greedy);
    const together = await Promise.all(
      histories.flatMap((history) => [0, 1, 2].map((arm) => ask(history, arm))),
    );
    const alone = [];
    for (const history of histories) for (const arm of [0, 1, 2]) alone.push(await ask(history, arm));
    expect(together).toEqual(alone);
    expect(new Set(together.slice(0, 3).map(({ content }) => content)).size).toBeGreaterThan(1);
  });

  gpuTest("stop when they are told to", async () => {
    const stop = new AbortController();
    const answer = models.arms[0]!.model.generate(
      turns.slice(0, 3),
      { ...greedy, maxTokens: 60 },
      stop.signal,
    );
    stop.abort();
    await expect(answer).rejects.toBeInstanceOf(Interrupted);
  });

  gpuTest("on a resident's base answer as here", async () => {
    let server: Running | undefined;
    try {
      server = await runReal(base);
      const remote = flags({ resident: server.url, adapter: adapters });
      await using there = await openLocalModels(remote, { ...sizes, ctxBudget: 300 }, terminal);
      expect(there.arms.map(({ name }) => name)).toEqual(["base", "good", "llama-rslora"]);
      for (const [i, arm] of there.arms.entries()) {
        const here = await models.arms[i]!.model.generate(turns.slice(0, 6), greedy);
        expect(await arm.model.generate(turns.slice(0, 6), greedy)).toEqual(here);
        expect(await arm.model.countTokens!(turns.slice(0, 6))).toBe(here.promptTokens!);
      }
      // A second look finds the adapters served already.
      await using again = await openLocalModels(remote, { ...sizes, ctxBudget: 300 }, terminal);
      expect(again.arms).toHaveLength(3);
      const other = flags({ resident: server.url, adapter: [`good=${otherAdapter}`] });
      await expect(openLocalModels(other, { ...sizes, ctxBudget: 300 }, terminal)).rejects.toThrow(
        "expected a name that the server has free, got good",
      );
      await expect(openLocalModels(flags({ resident: server.url }), sizes, terminal)).resolves.toBeDefined();
      await expect(
        openLocalModels(flags({ resident: server.url }), { ...sizes, ctxBudget: 5000 }, terminal),
      ).rejects.toThrow("--ctx-budget: expected at most 499 beside replies of 12 tokens, got 5000");
    } finally {
      await server?.close();
    }
  });
});

describe("local models refuse", () => {
  const refused = (more: Partial<LocalModelFlags>, size = sizes) =>
    expect(openLocalModels(flags(more), size, terminal)).rejects;
  test("an adapter of another base, before the weights are read", () =>
    refused({ adapter: [foreignAdapter] }).toThrow(/adapter_model|adapter_config/));
  test("a folder that is no adapter", () => refused({ adapter: ["no/such"] }).toThrow("no/such"));
  test("a name that is taken", () => {
    expect(() => namedAdapters([`a=${tinyAdapter}`, `a=${otherAdapter}`])).toThrow(
      "expected a name that is free",
    );
    expect(() => namedAdapters(["x/base"])).toThrow("expected a name that is free, got base");
    expect(() => namedAdapters(["=x"])).toThrow("expected DIR or NAME=DIR");
    expect(namedAdapters(["runs/a", "b=c=d"])).toEqual([
      { name: "a", directory: "runs/a" },
      { name: "b", directory: "c=d" },
    ]);
  });
  test("prompts that the base was not made for", () =>
    refused({}, { ...sizes, ctxBudget: 3072 }).toThrow(
      "--ctx-budget: expected at most 499 beside replies of 12 tokens, got 3072",
    ));
  test("a resident that is not there", () =>
    refused({ resident: "http://127.0.0.1:9" }).toThrow("expected a server that answers, got none"));
  test("no base at all", () => refused({ base: undefined }).toThrow("--base: expected a base model"));
});
