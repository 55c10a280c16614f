// Requests that no server should get: each is answered with a 4xx and a reason, and the server goes on.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "node:net";
import { loadTextFormat } from "../../src/serve/text-format.ts";
import { FakeBase } from "./fake-base.ts";
import { type Running, run } from "./running.ts";
import { makeTalkingBase, temporaryFolder } from "./tiny-base.ts";

const base = new FakeBase();
let server: Running;
beforeAll(async () => {
  server = await run({ format: loadTextFormat(makeTalkingBase(temporaryFolder())), open: async () => base });
});
afterAll(() => server.close());

const chat = "/v1/chat/completions";
const text = "/v1/completions";
const jobs = "/v1/fine_tuning/jobs";
const messages = [{ role: "user", content: "hi" }];
const good = { prompt: [1], max_tokens: 1 };

/** Every JSON type but the expected ones. */
const others = (...kinds: string[]) => {
  const values: Record<string, unknown> = {
    string: "x",
    number: 1.5,
    boolean: true,
    array: [{}],
    object: { a: 1 },
    negative: -1,
    huge: 1e300,
  };
  return Object.entries(values).flatMap(([kind, value]) => (kinds.includes(kind) ? [] : [value]));
};

type Case = readonly [what: string, path: string, body: unknown, headers?: Record<string, string>];

function fieldCases(): Case[] {
  const wrong: Record<string, unknown[]> = {
    model: others("string"),
    max_tokens: [...others(), 0, "5", 1e9],
    max_completion_tokens: [...others(), 0],
    n: [...others(), 0, 65, "2"],
    temperature: [...others("number", "object"), "hot", 101].filter((value) => value !== true || value),
    top_p: [...others(), 0, 1.01],
    top_k: ["x", 1.5, true, [], -2],
    min_p: ["x", -0.1, 2],
    repetition_penalty: ["x", 0, -1],
    seed: ["x", 1.5, 1e300, true],
    stop: [1, true, { a: 1 }, [1], [""], "", Array.from({ length: 17 }, () => "x"), ["\ud800"]],
    stop_token_ids: ["x", 1, [-1], [1.5], ["a"], [320]],
    stream: ["yes", 1, []],
    stream_options: [{ include_usage: true }, "x", []],
    ignore_eos: ["yes", 0],
    return_token_ids: ["yes", 0],
    lora: ["x", [{ id: "a", scale: 1 }], [{ id: 99, scale: 1 }], [{ id: 0, scale: 2 }], [1], [null]],
    logit_bias: [{ "5": 100 }],
    presence_penalty: [0.5],
    frequency_penalty: [1],
    tools: [[{ type: "function" }]],
    response_format: [{ type: "json_object" }],
    nonsense: [1],
    "": [1],
  };
  return Object.entries(wrong).flatMap(([name, values]) =>
    values.map((value): Case => [`${name} ${JSON.stringify(value)}`, text, { ...good, [name]: value }]),
  );
}

const deep = (levels: number, open = "[", close = "]") => open.repeat(levels) + close.repeat(levels);
const chatCase = (what: string, value: unknown): Case => [
  `messages: ${what}`,
  chat,
  { messages: value, max_tokens: 1 },
];

const cases: Case[] = [
  ...fieldCases(),
  ...others("string", "array").map(
    (value): Case => [`prompt ${JSON.stringify(value)}`, text, { prompt: value }],
  ),
  ["no prompt", text, {}],
  ["an empty prompt", text, { prompt: [] }],
  ["an empty text", text, { prompt: "" }],
  ["a prompt among empty ones", text, { prompt: [[1], []] }],
  ["ids outside the vocabulary", text, { prompt: [1, 320] }],
  ["ids with a fraction", text, { prompt: [1.5] }],
  ["ids and text mixed", text, { prompt: [1, "a"] }],
  ["lists too deep", text, { prompt: [[[1]]] }],
  ["a lone surrogate", text, '{"prompt":"\\ud800"}'],
  ["too many prompts", text, { prompt: Array.from({ length: 257 }, () => [1]) }],
  ["too many answers", text, { prompt: Array.from({ length: 100 }, () => [1]), n: 2 }],
  ["a prompt longer than the context", text, { prompt: Array.from({ length: 513 }, () => 1) }],
  ["a text longer than the context", text, { prompt: "x".repeat(4000) }],
  ["logprobs beyond the bound", text, { ...good, logprobs: 21 }],
  ["logprobs of a wrong type", text, { ...good, logprobs: true }],
  ["an unknown model", text, { ...good, model: "gpt-9" }],
  ["an unknown model of odd letters", text, { ...good, model: "../../etc/passwd\u0000" }],
  chatCase("none", undefined),
  chatCase("empty", []),
  chatCase("text", "hi"),
  chatCase("of numbers", [1]),
  chatCase("null", [null]),
  chatCase("without role", [{ content: "x" }]),
  chatCase("unknown role", [{ role: "robot", content: "x" }]),
  chatCase("role of a wrong type", [{ role: 1, content: "x" }]),
  chatCase("role from the prototype", [{ role: "constructor", content: "x" }]),
  chatCase("without content", [{ role: "user" }]),
  chatCase("content of a wrong type", [{ role: "user", content: 1 }]),
  chatCase("an image", [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }]),
  chatCase("a part that is no object", [{ role: "user", content: ["x"] }]),
  chatCase("a tool's", [{ role: "tool", content: "x" }]),
  chatCase("tool calls", [{ role: "assistant", content: "x", tool_calls: [{}] }]),
  chatCase("a lone surrogate", [{ role: "user", content: "\ud800" }]),
  chatCase("a late system turn", [
    ...messages,
    { role: "assistant", content: "x" },
    { role: "system", content: "x" },
  ]),
  ["top_logprobs alone", chat, { messages, top_logprobs: 2 }],
  ["logprobs as a number", chat, { messages, logprobs: 3 }],
  ["top_logprobs beyond the bound", chat, { messages, logprobs: true, top_logprobs: 21 }],
  ["normalize of a wrong type", chat, { messages, normalize: "no" }],
  ["max_tokens twice", chat, { messages, max_tokens: 1, max_completion_tokens: 2 }],
  ["a stream that is too long", chat, { messages, stream: true, max_tokens: 9999 }],

  ["nothing", text, ""],
  ["blanks", text, "  \n"],
  ["no JSON", text, "hello"],
  ["JSON cut off", text, '{"prompt": [1'],
  ["JSON and more", text, '{"prompt": [1]} {}'],
  ["a list", text, "[]"],
  ["a number", text, "1"],
  ["null", text, "null"],
  ["a string", text, '"x"'],
  ["NaN", text, '{"prompt": [NaN]}'],
  ["deep JSON", text, `{"prompt": ${deep(65)}}`],
  ["very deep JSON", text, `{"prompt": ${deep(100_000)}}`],
  ["very deep JSON of objects", text, `{"prompt": ${deep(50_000, '{"a":', "}")}}`],
  ["deep JSON that is cut off", text, "[".repeat(500_000)],
  ["a body that is too large", text, `{"prompt": "${"x".repeat(1 << 20)}"}`],
  ["plain text", text, "{}", { "content-type": "text/plain" }],
  ["a form", text, "prompt=x", { "content-type": "application/x-www-form-urlencoded" }],
  ["a type that only looks like JSON", text, "{}", { "content-type": "application/jsonx" }],
  ["another site's page", text, good, { origin: "https://evil.example" }],
  ["a page from nowhere", text, good, { origin: "null" }],
  ["another host", text, good, { host: "evil.example" }],

  ["an adapter without name", "/v1/load_lora_adapter", { lora_path: "/" }],
  ["an adapter without path", "/v1/load_lora_adapter", { lora_name: "a" }],
  ["an adapter that is nowhere", "/v1/load_lora_adapter", { lora_name: "a", lora_path: "/nowhere" }],
  ["an adapter path with a zero byte", "/v1/load_lora_adapter", { lora_name: "a", lora_path: "/\u0000" }],
  ["an adapter of an odd name", "/v1/load_lora_adapter", { lora_name: "a b", lora_path: import.meta.dir }],
  [
    "an adapter with the base's name",
    "/v1/load_lora_adapter",
    { lora_name: "tiny", lora_path: import.meta.dir },
  ],
  ["unloading nothing", "/v1/unload_lora_adapter", {}],
  ["unloading what is not there", "/v1/unload_lora_adapter", { lora_name: "a" }],
  ["scales that are no list", "/lora-adapters", {}],
  ["scales of unknown adapters", "/lora-adapters", [{ id: 5, scale: 1 }]],
  ["scales of nothing", "/lora-adapters", [null]],

  ["a job of nothing", jobs, {}],
  ["a job without file", jobs, { model: "tiny" }],
  ["a job with a file that is not there", jobs, { model: "tiny", training_file: "file-0" }],
  ["a job with a path for a file", jobs, { model: "tiny", training_file: "../../etc/passwd" }],
  ["a file without form", "/v1/files", {}],
  ["a form without parts", "/v1/files", "x", { "content-type": "multipart/form-data; boundary=x" }],
  ["a form without boundary", "/v1/files", "x", { "content-type": "multipart/form-data" }],
  ["cancelling nothing", `${jobs}/ftjob-0/cancel`, {}],
  ["a path that is not served", "/v1/embeddings", {}],
  ["a path upwards", "/v1/../../etc/passwd", {}],
  ["a path of bad escapes", "/v1/models/%ff%zz", {}],
  ["a GET route", "/v1/models", {}],
];

async function goesOn(): Promise<void> {
  const response = await server.post(text, good);
  expect(response.status).toBe(200);
  await response.text();
}

test("every malformed request gets a 4xx with a reason", async () => {
  for (const [what, path, body, headers] of cases) {
    const response = await server.post(path, body, headers);
    const answer = await response.text();
    const place = { what, status: response.status, answer: answer.slice(0, 300) };
    const error = (answer.startsWith("{") ? JSON.parse(answer) : {}).error as {
      message?: string;
      type?: string;
    };
    expect({ ...place, refused: response.status >= 400 && response.status < 500 }).toEqual({
      ...place,
      refused: true,
    });
    expect({ ...place, reason: (error?.message ?? "").length > 10 && error?.type !== undefined }).toEqual({
      ...place,
      reason: true,
    });
  }
  await goesOn();
});

/** What the server says to bytes as they are. */
function raw(bytes: string | Uint8Array): Promise<string> {
  const port = Number(new URL(server.url).port);
  return new Promise((resolve) => {
    let said = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    const end = () => {
      socket.destroy();
      resolve(said);
    };
    socket.on("data", (data) => {
      said += data;
      if (/\r\n\r\n[\s\S]/.test(said) || /connection: close\r\n\r\n/i.test(said)) end();
    });
    socket.on("close", end);
    socket.on("error", end);
    setTimeout(end, 3000);
  });
}

const head = (path: string, ...more: string[]) =>
  `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n${more.map((line) => `${line}\r\n`).join("")}\r\n`;
const withBytes = (bytes: readonly number[], type = "application/json") =>
  Buffer.concat([
    Buffer.from(
      `POST ${text} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${type}\r\nContent-Length: ${bytes.length}\r\n\r\n`,
    ),
    Uint8Array.from(bytes),
  ]);
const quoted = (...bytes: number[]) => [...Buffer.from('{"prompt":"'), ...bytes, ...Buffer.from('"}')];

const rawCases: [string, string | Uint8Array][] = [
  ["garbage", "GARBAGE\r\n\r\n"],
  ["a length that is no number", head(text, "Content-Length: abc")],
  ["a negative length", head(text, "Content-Length: -5")],
  ["two lengths", head(text, "Content-Length: 5", "Content-Length: 6")],
  ["a length and chunks", head(text, "Content-Length: 5", "Transfer-Encoding: chunked")],
  ...["a b", "[::1", "x:y:z", "http://x", "\u0080", "%zz", "a/../b", ""].map((host): [string, string] => [
    `host ${JSON.stringify(host)}`,
    `GET /v1/models HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
  ]),
  ["no host", "GET /v1/models HTTP/1.1\r\n\r\n"],
  ["chunks that are none", `${head(text, "Transfer-Encoding: chunked")}ZZ\r\nhello`],
  ["a length beyond the limit", head(text, "Content-Length: 999999999999")],
  ["headers of 100 KB", head(text, `X-Long: ${"x".repeat(100_000)}`)],
  ["a thousand headers", head(text, ...Array.from({ length: 1000 }, (_, i) => `X-${i}: ${"y".repeat(50)}`))],
  ["a path of 100 KB", `GET /${"a".repeat(100_000)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`],
  ["a header without colon", head(text, "nonsense")],
  ["bad UTF-8: a lone continuation", withBytes(quoted(0x80))],
  ["bad UTF-8: overlong", withBytes(quoted(0xc0, 0xaf))],
  ["bad UTF-8: a surrogate", withBytes(quoted(0xed, 0xa0, 0x80))],
  ["bad UTF-8: cut off", withBytes(quoted(0xe2, 0x82))],
  ["UTF-16", withBytes([...Buffer.from('{"prompt":[1]}', "utf16le")])],
  ["a zero byte", withBytes([0])],
  ["a method that is not served", `PATCH ${text} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`],
];

test("so does every request that is hardly one", async () => {
  for (const [what, bytes] of rawCases) {
    const said = await raw(bytes);
    const status = /^HTTP\/1\.1 (\d+) (.*)/.exec(said);
    expect({ what, said: said.slice(0, 300), refused: status?.[1]?.startsWith("4") ?? false }).toMatchObject({
      what,
      refused: true,
    });
    expect(status![2]!.length).toBeGreaterThan(3);
  }
  await goesOn();
});

test("there are at least 200 of them", () => {
  expect(cases.length + rawCases.length).toBeGreaterThanOrEqual(200);
});

test("nothing of all that reached the engine, and no queue place is lost", () => {
  expect(base.engine.asked.every(({ options }) => options.maxTokens === 1)).toBe(true);
  expect(base.engine.running).toBe(0);
  expect(server.said).toEqual([]);
});
