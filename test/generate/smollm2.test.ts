// The real base: 48 greedy tokens after each of five prompts, and the render contract from messages to text.

import { describe, expect, setDefaultTimeout } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promptIds } from "../../src/data/chat/chat-format.ts";
import { loadChatFormat } from "../../src/data/chat/load-chat-format.ts";
import type { Turn } from "../../src/data/normalize.ts";
import { openBase } from "../../src/formats/base-weights.ts";
import { Engine } from "../../src/generate/engine.ts";
import { BaseModel } from "../../src/model/base-model.ts";
import golden from "../golden/smollm2/logits.json";
import { testDevice } from "../gpu.ts";
import { need } from "../setup.ts";
import { whole } from "./tiny-engine.ts";

const path = join(import.meta.dir, "../../.cache/SmolLM2-135M-Instruct.Q4_1.gguf");
const { device, gpuTest } = await testDevice({ tier: "auto" });
const baseTest = existsSync(path) ? gpuTest : need("smollm2", false);
setDefaultTimeout(300_000);

async function open(): Promise<{ engine: Engine; base: BaseModel }> {
  using weights = openBase(path);
  const base = await BaseModel.load(device, { base: weights });
  const { tokenizer, endOfTurn } = loadChatFormat(path);
  const endTokenIds = endOfTurn ? [endOfTurn.id] : [];
  const engine = await Engine.create(base, { tokenizer, endTokenIds, contextTokens: 1024 });
  return { engine, base };
}

describe("SmolLM2-135M-Instruct", () => {
  baseTest("answers with transformers' greedy tokens, five prompts as one batch", async () => {
    const { engine, base } = await open();
    try {
      const answers = await Promise.all(
        golden.prompts.map(({ input_ids, greedy }) =>
          whole(engine, {
            promptIds: input_ids,
            options: { maxTokens: greedy.length, ignoreEos: true },
          }),
        ),
      );
      expect(answers.map(({ ids }) => ids)).toEqual(golden.prompts.map(({ greedy }) => greedy));
      const format = loadChatFormat(path);
      for (const { messages, input_ids } of golden.prompts)
        if (!messages.some(({ role }) => role === "system"))
          expect([...promptIds(messages as Turn[], format)]).toEqual(input_ids);
      const [question] = golden.prompts;
      const ended = await whole(engine, { promptIds: question!.input_ids, options: { maxTokens: 48 } });
      expect(ended).toMatchObject({ reason: "stop", text: "The capital of France is Paris." });
      expect(ended.cachedTokens).toBe(Math.floor((question!.input_ids.length - 1) / 16) * 16);
    } finally {
      engine[Symbol.dispose]();
      base[Symbol.dispose]();
    }
  });
});
