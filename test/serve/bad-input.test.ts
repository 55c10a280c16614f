// What stands in a server's way, and what it does about it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, existsSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { resolveOptions } from "../../src/base/resolve.ts";
import { ApiKeys } from "../../src/serve/api-keys.ts";
import { listen } from "../../src/serve/listen.ts";
import { serve } from "../../src/serve/resident.ts";
import { residentOptions } from "../../src/serve/resident-options.ts";
import type { TextFormat } from "../../src/serve/text-format.ts";
import { FakeBase } from "./fake-base.ts";
import { listening, type Running, run } from "./running.ts";
import { bareBase, otherAdapter, temporaryFolder, tinyAdapter } from "./tiny-base.ts";

const folder = temporaryFolder();
const format: TextFormat = { tokenizer: undefined, chat: undefined, textPrefix: [] };
const start = (flags: Record<string, unknown>) =>
  serve(resolveOptions(residentOptions, { base: bareBase, port: "0", ...flags }), listening().terminal);
const answer = async () => new Response("x");
const at = { host: "127.0.0.1", port: 0, socket: undefined };

describe("an address that cannot be had is refused before anything is loaded:", () => {
  test("a port in use", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as { port: number };
    await expect(start({ port: String(port) })).rejects.toThrow(
      `--port ${port}: expected a free port, got one in use`,
    );
    other.close();
  });

  test("a socket that exists, and a file in its place", async () => {
    const socket = join(folder, "taken.sock");
    const listener = listen({ ...at, socket }, answer);
    await expect(start({ socket })).rejects.toThrow("expected a path where nothing is, got a socket");
    await listener.stop(true);
    expect(existsSync(socket)).toBe(false);
    writeFileSync(socket, "");
    await expect(start({ socket })).rejects.toThrow("expected a path where nothing is, got a file");
    await expect(start({ socket: join(folder, "no", "such.sock") })).rejects.toThrow(
      "where a socket can be made",
    );
  });

  test("an address that others can reach, without a key", async () => {
    for (const host of ["0.0.0.0", "::", "192.168.0.1", "example.com"])
      await expect(start({ host })).rejects.toThrow(
        "expected --api-key-file for an address that others can reach",
      );
    await expect(start({ host: "203.0.113.9", apiKeyFile: keyFile })).rejects.toThrow(
      "expected an address of this machine",
    );
  });

  test("a key file without a key", async () => {
    const empty = join(folder, "empty.txt");
    writeFileSync(empty, "# none\n\n");
    await expect(start({ apiKeyFile: empty })).rejects.toThrow("expected a key on a line, got none");
    await expect(start({ apiKeyFile: join(folder, "nowhere") })).rejects.toThrow("got ENOENT");
  });

  test("adapters of one name, or of the base's", async () => {
    await expect(start({ adapter: ["a=x", "a=y"] })).rejects.toThrow("got a a second time");
    await expect(start({ adapter: ["tiny-llama=x"] })).rejects.toThrow("got tiny-llama a second time");
    await expect(start({ adapter: ["x"] })).rejects.toThrow("expected NAME=DIR, got x");
  });
});

test("--adapter may be given again and again", () => {
  // What the parser takes for a list: the placeholder must end in a word.
  expect(residentOptions.adapter.value).toMatch(/\w$/);
});

test("a base or a context that cannot be is refused before an address is taken", async () => {
  await expect(start({ base: "/nowhere", port: "1" })).rejects.toThrow(
    "expected a model directory or a .gguf file",
  );
  await expect(start({ contextTokens: "513" })).rejects.toThrow("--context-tokens: expected at most 512");
});

const keyFile = join(folder, "keys.txt");
writeFileSync(keyFile, "# mine\nsecret-one\n  secret-two  \n");

describe("with API keys", () => {
  let server: Running;
  beforeAll(async () => {
    server = await run({ format, open: async () => new FakeBase(), keys: ApiKeys.read(keyFile) });
  });
  afterAll(() => server.close());
  const ask = (authorization?: string, path = "/v1/models") =>
    fetch(`${server.url}${path}`, { headers: authorization === undefined ? {} : { authorization } });

  test("a request needs one of them", async () => {
    for (const wrong of [
      undefined,
      "",
      "Bearer",
      "Bearer ",
      "Bearer secret",
      "Bearer secret-one2",
      "Basic secret-one",
      "Bearer # mine",
    ]) {
      const response = await ask(wrong);
      expect({ wrong, status: response.status }).toEqual({ wrong, status: 401 });
      expect(await response.json()).toMatchObject({
        error: { code: "invalid_api_key", type: "authentication_error" },
      });
    }
    for (const right of ["Bearer secret-one", "bearer secret-two"])
      expect((await ask(right)).status).toBe(200);
  });

  test("only /health is open, and a path is not told apart from a missing key", async () => {
    expect((await ask(undefined, "/health")).status).toBe(200);
    for (const path of ["/nowhere", "/metrics", "/v1/files", "/lora-adapters"])
      expect((await ask(undefined, path)).status).toBe(401);
  });
});

describe("a Unix socket", () => {
  test("is its owner's alone, answers, and is gone at the end", async () => {
    const socket = join(folder, "own.sock");
    const listener = listen({ ...at, socket }, answer);
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(await (await fetch("http://localhost/", { unix: socket })).text()).toBe("x");
    await listener.stop(true);
    expect(existsSync(socket)).toBe(false);
  });
});

describe("adapters", () => {
  const base = new FakeBase();
  let server: Running;
  beforeAll(async () => {
    server = await run({ format, open: async () => base });
  });
  afterAll(() => server.close());
  const load = (lora_name: string, lora_path = tinyAdapter) =>
    server.post("/v1/load_lora_adapter", { lora_name, lora_path });
  const unload = (lora_name: string) => server.post("/v1/unload_lora_adapter", { lora_name });
  const names = () => server.server.adapters.list.map(({ name }) => name);

  test("load and unload as in vLLM, and a name is there once", async () => {
    expect(await (await load("a")).text()).toBe("Success: LoRA adapter 'a' added successfully.");
    const twice = await load("a", otherAdapter);
    expect(twice.status).toBe(400);
    expect(((await twice.json()) as { error: { message: string } }).error.message).toContain(
      "already loaded",
    );
    expect(base.engine.loaded.get("a")).toBe(tinyAdapter);
    expect(await (await unload("a")).text()).toBe("Success: LoRA adapter 'a' removed successfully.");
    expect((await unload("a")).status).toBe(404);
    expect(names()).toEqual([]);
  });

  test("two loads of one name at once: one wins", async () => {
    const answers = await Promise.all([load("b"), load("b")]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
    await unload("b");
  });

  test("one whose directory changes while it loads is refused and not kept", async () => {
    const moving = join(folder, "moving");
    cpSync(tinyAdapter, moving, { recursive: true });
    base.engine.onLoad = () => utimesSync(join(moving, "adapter_model.safetensors"), 1, 1);
    const response = await load("c", moving);
    base.engine.onLoad = () => undefined;
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({ error: { code: "changed_while_loading" } });
    expect(names()).toEqual([]);
    expect(base.engine.loaded.has("c")).toBe(false);
    expect((await load("c", moving)).status).toBe(200);
    await unload("c");
  });

  test("unloading waits for the answers that use it, and lets no new one in", async () => {
    await load("d");
    base.engine.pace = 10;
    const answering = server.post("/v1/completions", { model: "d", prompt: [1], max_tokens: 20 });
    while (base.engine.running === 0) await Bun.sleep(1);
    let done = false;
    const unloading = unload("d").then((response) => {
      done = true;
      return response;
    });
    await Bun.sleep(30);
    expect(done).toBe(false);
    expect((await server.post("/v1/completions", { model: "d", prompt: [1] })).status).toBe(404);
    expect((await load("d")).status).toBe(400);
    const { usage } = (await (await answering).json()) as { usage: { completion_tokens: number } };
    expect(usage.completion_tokens).toBe(20);
    expect((await unloading).status).toBe(200);
    base.engine.pace = 0;
  });
});

describe("limits", () => {
  const base = new FakeBase();
  let server: Running;
  beforeAll(async () => {
    const limits = {
      maxRequestBytes: 4096,
      maxFileBytes: 4096,
      maxSequences: 1,
      maxQueue: 2,
      timeoutMs: 400,
    };
    server = await run({ format, open: async () => base, limits });
  });
  afterAll(() => server.close());
  const ask = (more: object = {}, signal?: AbortSignal) =>
    fetch(`${server.url}/v1/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ prompt: [1], max_tokens: 400, ...more }),
      ...(signal && { signal }),
    });

  test("a full queue is 429, and places come back", async () => {
    base.engine.pace = 50;
    const held = Array.from({ length: 3 }, () => ask());
    while (base.engine.running < 3) await Bun.sleep(1);
    const full = await ask();
    expect(full.status).toBe(429);
    expect(full.headers.get("retry-after")).toBe("1");
    await full.text();
    for (const response of await Promise.all(held)) {
      expect(response.status).toBe(504);
      expect(((await response.json()) as { error: { message: string } }).error.message).toContain(
        "within 0.4 s",
      );
    }
    base.engine.pace = 0;
    expect((await ask()).status).toBe(200);
  });

  test("a stream that takes too long ends with the reason", async () => {
    base.engine.pace = 50;
    const lines = (await (await ask({ stream: true })).text()).trimEnd().split("\n\n");
    base.engine.pace = 0;
    expect(JSON.parse(lines.at(-1)!.slice("data: ".length))).toMatchObject({ error: { code: "timeout" } });
  });

  test("a client that hangs up frees its place, streaming or not", async () => {
    base.engine.pace = 20;
    for (const stream of [false, true]) {
      const hangUp = new AbortController();
      const gone = ask({ stream, n: 3 }, hangUp.signal).then((response) => response.text());
      while (base.engine.running < 3) await Bun.sleep(1);
      hangUp.abort();
      await expect(gone).rejects.toThrow();
      const deadline = Date.now() + 300;
      while (base.engine.running > 0 && Date.now() < deadline) await Bun.sleep(1);
      expect(base.engine.running).toBe(0);
      base.engine.pace = 0;
      expect((await ask({ n: 3, max_tokens: 1 })).status).toBe(200);
      base.engine.pace = 20;
    }
    base.engine.pace = 0;
  });

  test("a request whose length nobody told is counted while it comes", async () => {
    const piece = new TextEncoder().encode(" ".repeat(1000));
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent++ < 100) controller.enqueue(piece);
        else controller.close();
      },
    });
    const headers = { "content-type": "application/json" };
    const response = await fetch(`${server.url}/v1/completions`, { method: "POST", headers, body });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ error: { code: "request_too_large" } });
  });

  test("a file that is too large is refused while it comes", async () => {
    const body = new FormData();
    body.append("purpose", "fine-tune");
    body.append("file", new File(["x".repeat(5000)], "a.jsonl"));
    const response = await fetch(`${server.url}/v1/files`, { method: "POST", body });
    expect(response.status).toBe(413);
    expect(((await response.json()) as { error: { message: string } }).error.message).toContain(
      "at most 4096 bytes",
    );
  });
});

describe("a lost device", () => {
  test("is said, the base loaded again with its adapters, and the server goes on", async () => {
    const bases: FakeBase[] = [];
    const gate = Promise.withResolvers<void>();
    const server = await run({
      format,
      adapters: [{ name: "ops", path: tinyAdapter }],
      open: async () => {
        if (bases.length > 0) await gate.promise;
        const base = new FakeBase();
        bases.push(base);
        return base;
      },
    });
    const ask = () => server.post("/v1/completions", { model: "ops", prompt: [1], max_tokens: 3 });
    expect((await ask()).status).toBe(200);
    bases[0]!.engine.pace = 5;
    const caught = ask();
    bases[0]!.lose();
    const failed = await caught;
    expect(failed.status).toBe(503);
    expect(await failed.json()).toMatchObject({ error: { code: "device_lost", type: "server_error" } });
    expect((await server.get("/health")).status).toBe(503);
    expect((await ask()).status).toBe(503);
    gate.resolve();
    while (!server.server.hot.ready) await Bun.sleep(1);
    expect(bases).toHaveLength(2);
    expect(bases[0]!.closed).toBe(true);
    expect(bases[1]!.engine.loaded.get("ops")).toBe(tinyAdapter);
    expect((await ask()).status).toBe(200);
    expect(await (await server.get("/metrics")).text()).toContain("sekft_device_lost_total 1");
    expect(server.said.join("\n")).toMatch(
      /the device was lost .*pulled.*loading the base again[\s\S]*loaded again/,
    );
    await server.close();
  });

  test("that does not come back ends the server", async () => {
    let opened = 0;
    const base = new FakeBase();
    const server = await run({
      format,
      open: async () => {
        if (opened++ > 0) throw new Error("no adapter");
        return base;
      },
    });
    base.lose();
    expect((await server.post("/v1/completions", { prompt: [1] })).status).toBe(503);
    while (!server.said.some((line) => line.startsWith("dead"))) await Bun.sleep(1);
    expect(opened).toBe(4);
    expect(server.said.at(-1)).toBe("dead: no adapter");
    await server.close();
  });
});
