// What completions say, in OpenAI's and vLLM's shapes, on a base whose answers are known.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { loadTextFormat } from "../../src/serve/text-format.ts";
import { FakeBase } from "./fake-base.ts";
import { type Running, run } from "./running.ts";
import { bareBase, makeTalkingBase, temporaryFolder, tinyAdapter } from "./tiny-base.ts";

const talking = loadTextFormat(makeTalkingBase(temporaryFolder()));
const base = new FakeBase();
let server: Running;
beforeAll(async () => {
  server = await run({
    format: talking,
    open: async () => base,
    adapters: [
      { name: "ops", path: tinyAdapter },
      { name: "other", path: tinyAdapter },
    ],
  });
});
afterAll(() => server.close());

// biome-ignore lint/suspicious/noExplicitAny: an answer is looked into where a test knows its shape
type Json = Record<string, any>;
async function ask(body: Json, path = "/v1/completions"): Promise<Json> {
  const response = await server.post(path, body);
  return { status: response.status, ...((await response.json()) as Json) };
}
async function events(body: Json, path = "/v1/completions"): Promise<(Json | string)[]> {
  const response = await server.post(path, { ...body, stream: true });
  expect(response.headers.get("content-type")).toStartWith("text/event-stream");
  const blocks = (await response.text()).trimEnd().split("\n\n");
  return blocks.map((block) => {
    expect(block).toStartWith("data: ");
    const data = block.slice("data: ".length);
    return data === "[DONE]" ? data : (JSON.parse(data) as Json);
  });
}
const last = () => base.engine.asked.at(-1)!;

describe("a text completion", () => {
  test("takes ids, and gives text, ids, usage and the reason of its end", async () => {
    const answer = await ask({ model: "tiny", prompt: [7, 8, 9], max_tokens: 3, return_token_ids: true });
    expect(answer).toMatchObject({
      status: 200,
      object: "text_completion",
      model: "tiny",
      choices: [
        {
          index: 0,
          text: "<10><11><12>",
          token_ids: [10, 11, 12],
          prompt_token_ids: [7, 8, 9],
          finish_reason: "length",
          logprobs: null,
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 },
    });
  });

  test("answers several prompts n times each, in order, with a seed of its own for each", async () => {
    const asked = base.engine.asked.length;
    const { choices, usage } = await ask({ prompt: [[1], [5]], n: 2, max_tokens: 1, seed: 40 });
    expect(choices.map((choice: Json) => [choice.index, choice.text])).toEqual([
      [0, "<2>"],
      [1, "<2>"],
      [2, "<6>"],
      [3, "<6>"],
    ]);
    expect(base.engine.asked.slice(asked).map(({ options }) => options.seed)).toEqual([40, 41, 42, 43]);
    expect(usage).toMatchObject({ prompt_tokens: 2, completion_tokens: 4 });
  });

  test("tokenises text as it stands, special tokens included", async () => {
    await ask({ prompt: "hi<|im_end|>", max_tokens: 1 });
    expect(last().promptIds).toEqual([...talking.tokenizer!.encode("hi<|im_end|>").ids]);
  });

  test("makes 16 tokens unless told otherwise", async () => {
    const { usage } = await ask({ prompt: [1] });
    expect(usage.completion_tokens).toBe(16);
  });

  test("gives logprobs in the older shape", async () => {
    const { choices } = await ask({ prompt: [70], max_tokens: 2, logprobs: 2 });
    const spell = (id: number) => talking.tokenizer!.decode([id]);
    expect(choices[0].logprobs).toEqual({
      tokens: [spell(71), spell(72)],
      token_logprobs: [-1, -1],
      top_logprobs: [
        { [spell(71)]: -1, [spell(72)]: -2 },
        { [spell(72)]: -1, [spell(73)]: -2 },
      ],
      text_offset: [0, 4],
    });
  });
});

describe("a chat completion", () => {
  const messages = [{ role: "user", content: "hi" }];
  const chat = "/v1/chat/completions";

  test("fills the context unless told otherwise, and says where it ended", async () => {
    const { choices, usage } = await ask({ messages }, chat);
    expect(usage.total_tokens).toBe(512);
    expect(choices[0]).toMatchObject({ finish_reason: "length", message: { role: "assistant" } });
  });

  test("hands every sampling option to the engine", async () => {
    await ask(
      {
        messages,
        max_completion_tokens: 2,
        temperature: 0.5,
        top_k: 7,
        top_p: 0.9,
        min_p: 0.1,
        repetition_penalty: 1.2,
        seed: 3,
        stop: ["x", "y"],
        stop_token_ids: [5],
        ignore_eos: true,
      },
      chat,
    );
    expect(last().options).toMatchObject({
      maxTokens: 2,
      temperature: 0.5,
      topK: 7,
      topP: 0.9,
      minP: 0.1,
      repetitionPenalty: 1.2,
      seed: 3,
      stop: ["x", "y"],
      stopTokenIds: [5],
      ignoreEos: true,
    });
  });

  test("joins text parts by line breaks, and takes developer for system", async () => {
    const parts = [
      { role: "developer", content: "Be brief." },
      {
        role: "user",
        content: [
          { type: "text", text: "a" },
          { type: "text", text: "b" },
        ],
      },
    ];
    await ask({ messages: parts, max_tokens: 1 }, chat);
    expect(talking.tokenizer!.decode(last().promptIds)).toBe(
      "<|im_start|>user\nBe brief.\na\nb<|im_end|>\n<|im_start|>assistant\n",
    );
  });

  test("gives logprobs with the likeliest tokens and their bytes", async () => {
    const { choices } = await ask({ messages, max_tokens: 1, logprobs: true, top_logprobs: 1 }, chat);
    // The prompt ends with a line break, byte 10: the fake engine says byte 11.
    expect(choices[0].logprobs).toEqual({
      content: [
        { token: "\v", logprob: -1, bytes: [11], top_logprobs: [{ token: "\v", logprob: -1, bytes: [11] }] },
      ],
      refusal: null,
    });
  });

  test("streams role, tokens, end, usage and [DONE]", async () => {
    const got = await events(
      { messages, max_tokens: 2, return_token_ids: true, stream_options: { include_usage: true } },
      chat,
    );
    expect(got.at(-1)).toBe("[DONE]");
    const chunks = got.slice(0, -1) as Json[];
    expect(chunks[0]).toMatchObject({
      object: "chat.completion.chunk",
      choices: [{ delta: { role: "assistant", content: "" }, finish_reason: null }],
      prompt_token_ids: [...last().promptIds],
    });
    const end = last().promptIds.at(-1)!;
    expect(chunks.slice(1, 3).map(({ choices }) => [choices[0].delta.content, choices[0].token_ids])).toEqual(
      [
        [`<${end + 1}>`, [end + 1]],
        [`<${end + 2}>`, [end + 2]],
      ],
    );
    expect(chunks[3]!.choices[0]).toMatchObject({ delta: {}, finish_reason: "length" });
    expect(chunks[4]).toMatchObject({ choices: [], usage: { completion_tokens: 2 } });
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
    expect(chunks.slice(0, 4).every(({ usage }) => usage === null)).toBe(true);
  });
});

test("a stream of several choices carries each one whole", async () => {
  const got = (await events({ prompt: [3], n: 3, max_tokens: 4 })).slice(0, -1) as Json[];
  for (const index of [0, 1, 2]) {
    const own = got.flatMap(({ choices }) => choices as Json[]).filter((choice) => choice.index === index);
    expect(own.map(({ text }) => text).join("")).toBe("<4><5><6><7>");
    expect(own.at(-1)!.finish_reason).toBe("length");
  }
});

describe("which adapter answers", () => {
  const body = { prompt: [1], max_tokens: 1 };
  const adapterOf = async (more: Json) => {
    const { model } = await ask({ ...body, ...more });
    return [model, last().adapter];
  };
  const ids = async () => {
    const list = (await (await server.get("/lora-adapters")).json()) as Json[];
    return Object.fromEntries(list.map(({ name, id }) => [name, id]));
  };

  test("is the one that the model names", async () => {
    expect(await adapterOf({ model: "ops" })).toEqual(["ops", "ops"]);
    expect(await adapterOf({ model: "tiny" })).toEqual(["tiny", undefined]);
    expect(await adapterOf({})).toEqual(["tiny", undefined]);
  });

  test("is the one that llama.cpp's lora field picks", async () => {
    const { other } = await ids();
    expect(await adapterOf({ model: "ops", lora: [{ id: other, scale: 1 }] })).toEqual(["other", "other"]);
    expect(await adapterOf({ model: "ops", lora: [] })).toEqual(["tiny", undefined]);
    expect((await ask({ ...body, lora: [{ id: other, scale: 0.5 }] })).error.message).toContain(
      "expected 0 or 1, got 0.5",
    );
    expect((await ask({ ...body, lora: [{ id: 99, scale: 1 }] })).status).toBe(400);
  });

  test("is the one that llama.cpp's route has put on the base", async () => {
    const { ops } = await ids();
    expect((await server.post("/lora-adapters", [{ id: ops, scale: 1 }])).status).toBe(200);
    expect(await adapterOf({})).toEqual(["ops", "ops"]);
    expect(await adapterOf({ model: "other" })).toEqual(["other", "other"]);
    expect((await server.post("/lora-adapters", [{ id: ops, scale: 0 }])).status).toBe(200);
    expect(await adapterOf({})).toEqual(["tiny", undefined]);
  });
});

describe("a context that is too short", () => {
  test("is named with both numbers", async () => {
    const long = await ask({ prompt: Array.from({ length: 600 }, () => 1) });
    expect(long).toMatchObject({
      status: 400,
      error: { code: "context_length_exceeded", type: "invalid_request_error" },
    });
    expect(long.error.message).toMatch(/512 tokens.*got 600/);
    const wish = await ask({ prompt: [1, 2, 3], max_tokens: 510 });
    expect(wish.error.message).toMatch(/512 tokens.*got 3 and 510 of answer/);
    expect((await ask({ prompt: [1, 2, 3], max_tokens: 509 })).status).toBe(200);
    expect((await ask({ prompt: Array.from({ length: 511 }, () => 1) })).usage.completion_tokens).toBe(1);
  });
});

describe("a base without tokenizer files", () => {
  test("serves ids only, and says so", async () => {
    const bare = await run({ format: loadTextFormat(bareBase), open: async () => new FakeBase() });
    const post = async (path: string, body: unknown) => (await (await bare.post(path, body)).json()) as Json;
    const { choices } = await post("/v1/completions", { prompt: [4], max_tokens: 2 });
    expect(choices[0]).toMatchObject({ token_ids: [5, 6], prompt_token_ids: [4] });
    expect((await post("/v1/completions", { prompt: "text" })).error.code).toBe("no_tokenizer");
    expect((await post("/v1/completions", { prompt: [1], stop: "x" })).error.code).toBe("no_tokenizer");
    const chat = await post("/v1/chat/completions", { messages: [{ role: "user", content: "hi" }] });
    expect(chat.error.message).toContain("/v1/completions takes token ids");
    await bare.close();
  });
});

test("the models are the base and its adapters, each with its parent", async () => {
  const { data } = (await (await server.get("/v1/models")).json()) as Json;
  expect(data.map(({ id, parent }: Json) => [id, parent])).toEqual([
    ["tiny", null],
    ["ops", "tiny"],
    ["other", "tiny"],
  ]);
  expect(((await (await server.get("/v1/models/ops")).json()) as Json).root).toBe(join(tinyAdapter));
  expect((await server.get("/v1/models/none")).status).toBe(404);
});

test("metrics are Prometheus' text, with what was asked and made", async () => {
  await ask({ prompt: [1], max_tokens: 5 });
  const page = await (await server.get("/metrics")).text();
  for (const line of page.trimEnd().split("\n"))
    expect(line).toMatch(
      /^(# (HELP|TYPE) sekft_\w+ .+|sekft_\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [\d.e+-]+)$/,
    );
  expect(page).toMatch(/sekft_requests_total\{route="\/v1\/completions",status="200"\} \d+/);
  expect(page).toContain(`sekft_generated_tokens_total ${base.engine.made}`);
  expect(page).toContain("sekft_adapters 2");
  expect(page).toContain('sekft_device_memory_bytes{class="weights"} 1');
});
