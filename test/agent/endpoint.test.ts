import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endpointAddress } from "../../src/agent/endpoint/address.ts";
import { ChatEndpoint } from "../../src/agent/endpoint/chat-endpoint.ts";
import { endpointMessages, endpointModel } from "../../src/agent/endpoint/endpoint-model.ts";
import { chooseEndpoint } from "../../src/agent/endpoint/endpoint-options.ts";
import { GateKeeper } from "../../src/agent/endpoint/gate-keeper.ts";
import { backoff, retryAfter } from "../../src/agent/endpoint/pause.ts";
import { InfrastructureError } from "../../src/base/errors.ts";
import { completion, type Script, scriptedEndpoint } from "./scripted-endpoint.ts";

const folder = mkdtempSync(join(tmpdir(), "endpoint-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const KEY = "sk-very-secret-1234";
const hello = { messages: [{ role: "user", content: "hello" }] } as const;

function connect(
  url: string,
  more: { timeoutMs?: number; model?: string | undefined; cacheFolder?: string } = {},
) {
  return new ChatEndpoint(
    {
      url,
      model: "model" in more ? more.model : "m",
      key: KEY,
      timeoutMs: more.timeoutMs ?? 5000,
      concurrency: 8,
    },
    { cacheFolder: more.cacheFolder, patience: { baseMs: 5 } },
  );
}

async function failure(promise: Promise<unknown>): Promise<InfrastructureError> {
  const error = await promise.then(
    (value) => {
      throw new Error(`expected a failure, got ${JSON.stringify(value)}`);
    },
    (error) => error,
  );
  expect(error).toBeInstanceOf(InfrastructureError);
  expect(`${error.message} ${error.hint}`).not.toContain(KEY);
  return error;
}

const status = (code: number, message = "", headers: Record<string, string> = {}) =>
  Response.json({ error: { message } }, { status: code, headers });

test("a reply brings its content, usage, the server's name of the model, and the key went into the header", async () => {
  using server = scriptedEndpoint(() => "ls -l");
  const endpoint = connect(server.url);
  const reply = await endpoint.ask({
    ...hello,
    settings: { temperature: 0, maxTokens: 9, seed: 3, topP: 0.5 },
  });
  expect(reply).toEqual({
    content: "ls -l",
    finish: "stop",
    promptTokens: 11,
    completionTokens: 3,
    servedModel: "served-name",
    cached: false,
  });
  const { headers, body } = server.received[0]!;
  expect(headers.get("authorization")).toBe(`Bearer ${KEY}`);
  expect(body).toEqual({
    model: "m",
    messages: [{ role: "user", content: "hello" }],
    stream: false,
    temperature: 0,
    top_p: 0.5,
    seed: 3,
    max_tokens: 9,
  });
  expect(endpoint.spent).toEqual({ requests: 1, promptTokens: 11, completionTokens: 3, cached: 0 });
  const facts = await endpoint.describe();
  expect(facts).toMatchObject({ model: "m", server_models: ["served-name"], url: `${server.url}/v1` });
  expect(JSON.stringify(facts)).not.toContain(KEY);
});

test("an address is taken with and without /v1, as a whole route, as host:port, and as a socket", () => {
  for (const url of [
    "http://h:1",
    "http://h:1/",
    "http://h:1/v1",
    "http://h:1/v1/",
    "h:1",
    "http://h:1/v1/chat/completions",
  ])
    expect(endpointAddress(url)).toMatchObject({
      base: "http://h:1/v1",
      root: "http://h:1",
      socket: undefined,
    });
  expect(endpointAddress("https://h/api/v1").base).toBe("https://h/api/v1");
  expect(endpointAddress("https://h/v1beta/openai").base).toBe("https://h/v1beta/openai");
  expect(endpointAddress("unix:/run/s.sock")).toMatchObject({
    base: "http://localhost/v1",
    socket: "/run/s.sock",
  });
  expect(() => endpointAddress("ftp://h")).toThrow("--url: expected an address");
  expect(() => endpointAddress("http://me:word@h")).toThrow("without a name and password");
});

test("a server on a Unix socket is asked there", async () => {
  const path = join(folder, "s.sock");
  const server = Bun.serve({ unix: path, fetch: () => Response.json(completion("pwd")) });
  try {
    expect((await connect(`unix:${path}`).ask(hello)).content).toBe("pwd");
  } finally {
    await server.stop(true);
  }
});

test("429 and 503 wait as long as Retry-After says, in seconds and as a date", async () => {
  using seconds = scriptedEndpoint((n) =>
    n === 0 ? status(429, "slow down", { "retry-after": "1" }) : "ok",
  );
  const began = performance.now();
  expect((await connect(seconds.url).ask(hello)).content).toBe("ok");
  expect(performance.now() - began).toBeGreaterThan(990);
  expect(seconds.received).toHaveLength(2);
  const now = Date.parse("2026-01-01T00:00:00Z");
  const at = (value: string) => retryAfter(new Headers({ "retry-after": value }), now);
  expect(at("Thu, 01 Jan 2026 00:00:07 GMT")).toBe(7000);
  expect(at("Wed, 31 Dec 2025 00:00:07 GMT")).toBe(0);
  expect(at("2.5")).toBe(2500);
  expect(at("soon")).toBeUndefined();
  using busy = scriptedEndpoint((n) =>
    n < 2 ? status(503, "", { "retry-after": new Date().toUTCString() }) : "ok",
  );
  expect((await connect(busy.url).ask(hello)).content).toBe("ok");
});

test("a wait that is too long to be waited for is an error that says so", async () => {
  using server = scriptedEndpoint(() => status(429, "tomorrow", { "retry-after": "86400" }));
  const error = await failure(connect(server.url).ask(hello));
  expect(error).toMatchObject({ kind: "api_error" });
  expect(error.message).toContain("got asked for 86400 s");
  expect(server.received).toHaveLength(1);
});

test("server errors are tried again, and given up in the end", async () => {
  using once = scriptedEndpoint((n) => (n < 3 ? status([500, 502, 529][n]!, "oops") : "ok"));
  expect((await connect(once.url).ask(hello)).content).toBe("ok");
  using always = scriptedEndpoint(() => status(502, "bad gateway"));
  const error = await failure(connect(always.url).ask(hello));
  expect(error).toMatchObject({ kind: "api_error", retryable: true });
  expect(error.message).toContain("status 502: bad gateway");
  expect(always.received).toHaveLength(7);
});

test("a refused key is not tried again and not repeated in the message", async () => {
  for (const code of [401, 403]) {
    using server = scriptedEndpoint(() => status(code, `Incorrect API key provided: ${KEY}.`));
    const error = await failure(connect(server.url).ask(hello));
    expect(error).toMatchObject({ kind: "api_error", retryable: false });
    expect(error.message).toContain(`status ${code}: Incorrect API key provided: ***`);
    expect(error.hint).toContain("--key");
    expect(server.received).toHaveLength(1);
  }
});

test("an unknown model is told with the models that are served", async () => {
  for (const answer of [
    () => status(404, "model: expected a or b, got m"),
    () => status(400, "The model `m` does not exist"),
  ]) {
    using server = scriptedEndpoint(answer, { models: ["alpha", "beta"] });
    const error = await failure(connect(server.url).ask(hello));
    expect(error).toMatchObject({ kind: "api_error", retryable: false, hint: "it serves alpha, beta" });
    expect(error.message).toContain("expected a model that is served, got m");
  }
  using elsewhere = scriptedEndpoint(() => "never");
  const error = await failure(connect(`${elsewhere.url}/wrong/v1`).ask(hello));
  expect(error).toMatchObject({ retryable: false });
  expect(error.message).toContain("expected /chat/completions below it, got status 404");
});

test("without a name the only model is taken; of several one must be named", async () => {
  using one = scriptedEndpoint(() => "ok", { models: ["only"] });
  await connect(one.url, { model: undefined }).ask(hello);
  expect(one.received[0]!.body.model).toBe("only");
  using two = scriptedEndpoint(() => "ok", { models: ["a", "b"] });
  const error = await failure(connect(two.url, { model: undefined }).ask(hello));
  expect(error).toMatchObject({ retryable: false, hint: "it serves a, b" });
});

const malformed: Record<string, () => Response> = {
  "no choices": () => Response.json(completion("x", { choices: [] })),
  "a body without choices": () => Response.json({ hello: 1 }),
  "a choice without content": () => Response.json(completion(null)),
  "something that is not JSON": () => new Response("certainly! here you are"),
  "an HTML page": () => new Response("<!DOCTYPE html><html>login</html>"),
  "an empty body": () => new Response(""),
  "an error: overloaded": () => Response.json({ error: { message: "overloaded" } }),
  "something that is not JSON (cut)": () => new Response(JSON.stringify(completion("x")).slice(0, 40)),
};
for (const [what, make] of Object.entries(malformed))
  test(`${what} is tried again; for ever, it is an api_error`, async () => {
    using server = scriptedEndpoint((n) => (n === 0 ? make() : "fine"));
    expect((await connect(server.url).ask(hello)).content).toBe("fine");
    using hopeless = scriptedEndpoint(make);
    const error = await failure(connect(hopeless.url).ask(hello));
    expect(error.kind).toBe("api_error");
    expect(error.message).toContain(`expected a chat completion, got ${what.replace(" (cut)", "")}`);
    expect(hopeless.received).toHaveLength(3);
  });

test("empty text is an answer: a model may say nothing; text in parts is joined", async () => {
  using server = scriptedEndpoint((n) =>
    n === 0
      ? ""
      : Response.json(
          completion([
            { type: "text", text: "a" },
            { type: "text", text: "b" },
          ]),
        ),
  );
  const endpoint = connect(server.url);
  expect((await endpoint.ask(hello)).content).toBe("");
  expect((await endpoint.ask(hello)).content).toBe("ab");
});

test("a body that ends before its length, or a connection that is reset, is an api_error", async () => {
  for (const bytes of ['HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"choices":[', ""]) {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => {
        if (bytes === "") socket.resetAndDestroy();
        else socket.end(bytes);
      });
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as { port: number };
    const error = await failure(connect(`http://127.0.0.1:${port}`).ask(hello));
    expect(error.kind).toBe("api_error");
    server.close();
  }
});

test("nobody listening is an api_error with a hint", async () => {
  const server = scriptedEndpoint(() => "x");
  server[Symbol.dispose]();
  const error = await failure(connect(server.url).ask(hello));
  expect(error).toMatchObject({ kind: "api_error", retryable: true });
  expect(error.message).toContain("got no connection");
  expect(error.hint).toContain("--url");
});

test("silence is a timeout, before and in the middle of an answer", async () => {
  const never = () => new Promise<never>(() => {});
  const half = () =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode('{"choices":')),
      }),
    );
  for (const script of [never, half] as Script[]) {
    using server = scriptedEndpoint(script);
    const error = await failure(connect(server.url, { timeoutMs: 150 }).ask(hello));
    expect(error).toMatchObject({ kind: "timeout", retryable: true });
    expect(error.message).toContain("within 0.15 s");
    expect(server.received).toHaveLength(2);
  }
});

test("an answer without end is cut off", async () => {
  using server = scriptedEndpoint(
    () => new Response(new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(2 ** 20).fill(32)) })),
  );
  const error = await failure(connect(server.url, { timeoutMs: 20_000 }).ask(hello));
  expect(error.kind).toBe("api_error");
  expect(error.message).toContain("got more");
});

test("the caller's signal ends a request, a wait and a queue with its own reason", async () => {
  using server = scriptedEndpoint(() => status(429, "", { "retry-after": "60" }));
  const endpoint = connect(server.url);
  const stop = new AbortController();
  const asked = [
    endpoint.ask({ ...hello, signal: stop.signal }),
    endpoint.ask({ ...hello, signal: stop.signal }),
  ];
  setTimeout(() => stop.abort(new Error("enough")), 100);
  const ends = await Promise.allSettled(asked);
  expect(ends.map((end) => end.status === "rejected" && end.reason.message)).toEqual(["enough", "enough"]);
});

test("a schema is asked for as such, then as json_object, then not at all; what was learnt stays", async () => {
  using server = scriptedEndpoint((_, { body }) => {
    const type = body.response_format?.type;
    if (type === "json_schema") return status(400, "response_format json_schema is not supported");
    if (type === "json_object") return status(422, "unsupported");
    return "{}";
  });
  const endpoint = connect(server.url);
  const question = { ...hello, schema: { name: "bundle", schema: { type: "object" } } };
  expect((await endpoint.ask(question)).content).toBe("{}");
  expect(server.received.map(({ body }) => body.response_format?.type)).toEqual([
    "json_schema",
    "json_object",
    undefined,
  ]);
  expect(server.received[0]!.body.response_format.json_schema).toEqual({
    name: "bundle",
    strict: true,
    schema: { type: "object" },
  });
  await endpoint.ask(question);
  expect(server.received).toHaveLength(4);
  expect((await endpoint.describe()).adaptations).toEqual(["response_format: plain"]);
});

test("fields that a server does not take are left out, and said so", async () => {
  using server = scriptedEndpoint((_, { body }) => {
    if (body.max_tokens)
      return status(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.");
    if (body.temperature !== undefined)
      return status(400, "Unsupported value: 'temperature' is not supported");
    return "ok";
  });
  const endpoint = connect(server.url);
  await endpoint.ask({ ...hello, settings: { temperature: 0, maxTokens: 5 } });
  expect(server.received.at(-1)!.body).toMatchObject({ max_completion_tokens: 5 });
  expect((await endpoint.describe()).adaptations).toEqual(["max_completion_tokens", "no temperature"]);
});

test("a request that is wrong for good is told once, in the server's words", async () => {
  using server = scriptedEndpoint(() => status(400, "This model's maximum context length is 128 tokens"));
  const error = await failure(connect(server.url).ask(hello));
  expect(error).toMatchObject({ kind: "api_error", retryable: false });
  expect(error.message).toContain("maximum context length");
  expect(server.received).toHaveLength(1);
});

test("the cache answers the same question again, and no other one; a broken entry is asked anew", async () => {
  using server = scriptedEndpoint((n) => `answer ${n}`);
  const cacheFolder = join(folder, "cache");
  const ask = (more: object = {}) => connect(server.url, { cacheFolder }).ask({ ...hello, ...more });
  expect((await ask()).content).toBe("answer 0");
  expect(await ask()).toMatchObject({ content: "answer 0", cached: true, servedModel: "served-name" });
  expect((await ask({ epoch: 1 })).content).toBe("answer 1");
  expect((await ask({ settings: { temperature: 1 } })).content).toBe("answer 2");
  expect((await ask({ schema: { name: "a", schema: {} } })).content).toBe("answer 3");
  expect((await ask({ messages: [{ role: "user", content: "other" }] })).content).toBe("answer 4");
  const files = readdirSync(cacheFolder, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".json"));
  expect(files).toHaveLength(5);
  for (const name of files) {
    expect(readFileSync(join(cacheFolder, name), "utf8")).not.toContain(KEY);
    writeFileSync(join(cacheFolder, name), "{half");
  }
  expect((await ask()).content).toBe("answer 5");
  expect((await connect(server.url).ask(hello)).content).toBe("answer 6");
});

test("failures are not cached", async () => {
  using server = scriptedEndpoint((n) => (n === 0 ? status(401, "no") : "yes"));
  const endpoint = connect(server.url, { cacheFolder: join(folder, "failures") });
  await failure(endpoint.ask(hello));
  expect((await endpoint.ask(hello)).content).toBe("yes");
});

test("the limit on requests grows by one a round and halves when the server is busy", async () => {
  const gate = new GateKeeper(6);
  expect(gate.width).toBe(4);
  for (let i = 0; i < 4; i++) gate.succeeded();
  expect(gate.width).toBe(5);
  for (let i = 0; i < 50; i++) gate.succeeded();
  expect(gate.width).toBe(6);
  gate.refused(0, 1000);
  gate.refused(0, 1001);
  expect(gate.width).toBe(3);
  for (let i = 0; i < 5; i++) gate.refused(0, 2000 + 1000 * i);
  expect(gate.width).toBe(1);
});

test("no more requests are under way than the limit allows, and all are answered", async () => {
  let running = 0;
  let most = 0;
  using server = scriptedEndpoint(async () => {
    most = Math.max(most, ++running);
    await Bun.sleep(20);
    running--;
    return "ok";
  });
  const endpoint = new ChatEndpoint({
    url: server.url,
    model: "m",
    key: undefined,
    timeoutMs: 5000,
    concurrency: 3,
  });
  const replies = await Promise.all(Array.from({ length: 20 }, () => endpoint.ask(hello)));
  expect(replies.every(({ content }) => content === "ok")).toBe(true);
  expect(most).toBe(3);
});

test("the wait between tries doubles, is never less than half of that, and has a bound", () => {
  expect(backoff(0, 500, 0)).toBe(250);
  expect(backoff(0, 500, 1)).toBe(500);
  expect(backoff(3, 500, 1)).toBe(4000);
  expect(backoff(30, 500, 1)).toBe(30_000);
});

test("as a model it sends what the trainer renders: the system turn folded in, turns of a role joined", async () => {
  using server = scriptedEndpoint(() =>
    Response.json(
      completion("exit", { choices: [{ message: { content: "exit" }, finish_reason: "length" }] }),
    ),
  );
  const turns = [
    { role: "system", content: "sek 0.1.0" },
    { role: "user", content: "Welcome.\n" },
    { role: "user", content: "alice@sek:~$ " },
    { role: "assistant", content: "ls" },
    { role: "user", content: "alice@sek:~$ " },
  ] as const;
  const messages = [
    { role: "user", content: "sek 0.1.0\nWelcome.\nalice@sek:~$ " },
    { role: "assistant", content: "ls" },
    { role: "user", content: "alice@sek:~$ " },
  ] as const;
  expect(endpointMessages(turns)).toEqual([...messages]);
  const model = await endpointModel(connect(server.url));
  expect(model.name).toBe("m");
  const reply = await model.generate(turns, { temperature: 0, topP: 1, seed: undefined, maxTokens: 7 });
  expect(reply).toEqual({ content: "exit", finish: "length", promptTokens: 11, completionTokens: 3 });
  expect(server.received[0]!.body.messages).toEqual([...messages]);
});

test("tokens are counted by the server when it can, and estimated, rather high, when it cannot", async () => {
  using counting = scriptedEndpoint(() => "x", { tokenize: 123 });
  expect(
    await (await endpointModel(connect(counting.url))).countTokens!([{ role: "user", content: "hi" }]),
  ).toBe(123);
  using silent = scriptedEndpoint(() => Response.json(completion("x", { usage: { prompt_tokens: 400 } })));
  const model = await endpointModel(connect(silent.url));
  const turns = [{ role: "user", content: "a b c d ".repeat(100) }] as const;
  expect(await model.countTokens!(turns)).toBeGreaterThan(280);
  await model.generate(turns, { temperature: 0, topP: 1, seed: undefined, maxTokens: 1 });
  expect(await model.countTokens!(turns)).toBe(400);
});

test("options go before the environment; a model without an address is refused", () => {
  const env = { SEKFT_URL: "http://e", SEKFT_MODEL: "em", SEKFT_KEY: "ek" };
  expect(chooseEndpoint({}, {})).toBeUndefined();
  expect(chooseEndpoint({}, env)).toMatchObject({
    url: "http://e",
    model: "em",
    key: "ek",
    timeoutMs: 300_000,
  });
  expect(chooseEndpoint({ url: "http://o", model: "om", key: "ok" }, env)).toMatchObject({
    url: "http://o",
    model: "om",
    key: "ok",
  });
  expect(() => chooseEndpoint({ model: "m" }, {})).toThrow("--model m: expected --url with it, got none");
});
