// The render contract over HTTP: the server's prompt is what training puts before an answer.

import { describe, expect, test } from "bun:test";
import { encodeTrajectory } from "../../src/data/encode-trajectory.ts";
import type { Turn } from "../../src/data/normalize.ts";
import { normalizeForTemplate } from "../../src/data/normalize.ts";
import { goldenFormat, goldenRows, type MaskRow, tokenizerNames } from "../data/golden-text.ts";
import { FakeBase } from "./fake-base.ts";
import { type Running, run } from "./running.ts";

const encodeOptions = {
  maxLength: 1 << 20,
  overlong: "error",
  strictPrefix: false,
  specialInContent: "keep",
} as const;

async function serveTokenizer(name: string, normalize = true): Promise<Running> {
  const chat = goldenFormat(name);
  const base = new FakeBase(chat.tokenizer.vocabularySize, 1 << 20);
  return run({
    format: { tokenizer: chat.tokenizer, chat, textPrefix: [] },
    normalize,
    open: async () => base,
  });
}

async function promptOf(server: Running, messages: readonly Pick<Turn, "role" | "content">[]) {
  const plain = messages.map(({ role, content }) => ({ role, content }));
  const body = { messages: plain, max_tokens: 1, return_token_ids: true };
  const response = await server.post("/v1/chat/completions", body);
  const answer = (await response.json()) as {
    prompt_token_ids: number[];
    normalized: boolean;
    error?: { code: string; message: string };
  };
  return { status: response.status, ...answer };
}

describe("the prompt that is served", () => {
  for (const name of tokenizerNames)
    test(`is what ${name} was trained behind, except where inspect mask says so`, async () => {
      const server = await serveTokenizer(name);
      const differing: string[] = [];
      const reported: string[] = [];
      let turns = 0;
      for (const row of goldenRows<MaskRow>(`mask/${name}.jsonl`)) {
        const encoded = encodeTrajectory(
          { id: row.id, place: { file: row.id }, turns: row.messages },
          goldenFormat(name),
          encodeOptions,
        );
        if ("refused" in encoded) throw new Error(`${row.id}: ${encoded.reason}`);
        for (const [i, golden] of row.turns.entries()) {
          const { turn, prompt_is_prefix, tokens } = golden as {
            turn: number;
            prompt_is_prefix: boolean;
            tokens: [number, number];
          };
          turns++;
          const place = `${row.id} turn ${turn}`;
          const { prompt_token_ids } = await promptOf(server, row.normalized.slice(0, turn));
          const before = row.input_ids.slice(0, tokens[0]);
          const same = JSON.stringify(prompt_token_ids) === JSON.stringify(before);
          if (!same) differing.push(place);
          if (!encoded.turns[i]!.promptIsPrefix) reported.push(place);
          expect({ place, same }).toEqual({ place, same: prompt_is_prefix });
        }
        // The raw messages up to the last answer give the same prompt as the normalised ones.
        const last = row.messages.findLastIndex(({ role }) => role === "assistant");
        const history = row.messages.slice(0, last);
        if (history.at(-1)?.role !== "user") continue;
        const raw = await promptOf(server, history);
        const normal = await promptOf(server, normalizeForTemplate(history));
        expect(raw.prompt_token_ids).toEqual(normal.prompt_token_ids);
      }
      await server.close();
      expect(turns).toBeGreaterThan(30);
      expect(differing).toEqual(reported);
    });
});

test("what training refuses is refused with the same reason", async () => {
  const refused = goldenRows<MaskRow & { tokenizer: string; template?: string; reason?: string }>(
    "refused.jsonl",
  );
  let checked = 0;
  for (const row of refused) {
    if (row.template !== undefined || !["template_error", "system_not_leading"].includes(row.refused!))
      continue;
    const server = await serveTokenizer(row.tokenizer);
    const { status, error } = await promptOf(server, row.messages);
    await server.close();
    expect({ id: row.id, status, code: error?.code }).toEqual({
      id: row.id,
      status: 400,
      code: row.refused!,
    });
    if (row.reason !== undefined) expect(error!.message).toContain(row.reason);
    checked++;
  }
  expect(checked).toBeGreaterThan(3);
});

test("--no-normalize gives messages to the template as they are, and says so", async () => {
  const name = "qwen2.5-instruct";
  const messages: Turn[] = [
    { role: "system", content: "Be brief." },
    { role: "user", content: "hi" },
  ];
  const [plain, normal] = [await serveTokenizer(name, false), await serveTokenizer(name)];
  const [a, b] = [await promptOf(plain, messages), await promptOf(normal, messages)];
  await plain.close();
  await normal.close();
  const { tokenizer, template } = goldenFormat(name);
  expect(a.normalized).toBe(false);
  expect(a.prompt_token_ids).toEqual([...tokenizer.encode(template.render(messages, true)).ids]);
  expect(b.normalized).toBe(true);
  expect(b.prompt_token_ids).not.toEqual(a.prompt_token_ids);
});
