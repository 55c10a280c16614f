// What a server does not serve: adapters whose format probe failed, and answers for which training left no memory.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { appendFileSync, cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { resolveOptions } from "../../src/base/resolve.ts";
import { writeFormatProbe } from "../../src/formats/format-probe.ts";
import { ChatRoom } from "../../src/serve/chat-room.ts";
import { serve } from "../../src/serve/resident.ts";
import { residentOptions } from "../../src/serve/resident-options.ts";
import type { TextFormat } from "../../src/serve/text-format.ts";
import { FakeBase } from "./fake-base.ts";
import { listening, type Running, run } from "./running.ts";
import { bareBase, temporaryFolder, tinyAdapter } from "./tiny-base.ts";

const folder = temporaryFolder();
const format: TextFormat = { tokenizer: undefined, chat: undefined, textPrefix: [] };

/** A copy of the tiny adapter with a record beside it. */
function probed(name: string, passed: boolean): string {
  const directory = join(folder, name);
  cpSync(tinyAdapter, directory, { recursive: true });
  writeFormatProbe(directory, { passed, reasons: passed ? [] : ["json 0/8, expected at least 0.8"] });
  return directory;
}
const failed = probed("failed", false);
const passed = probed("passed", true);

const load = (server: Running, lora_name: string, lora_path: string, more = {}) =>
  server.post("/v1/load_lora_adapter", { lora_name, lora_path, ...more });
const served = async (server: Running) =>
  (
    (await (await server.get("/v1/models")).json()) as { data: { id: string; experimental?: true }[] }
  ).data.map(({ id, experimental = false }) => ({ id, experimental }));

describe("an adapter whose format probe failed", () => {
  let server: Running;
  const base = new FakeBase();
  beforeAll(async () => {
    server = await run({ format, open: async () => base });
  });
  afterAll(() => server.close());

  test("is refused with the shares that fell short, and its weights are not read", async () => {
    const response = await load(server, "bad", failed);
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({
      error: {
        code: "format_probe_failed",
        message: expect.stringContaining("json 0/8, expected at least 0.8"),
      },
    });
    expect(base.engine.loaded.has("bad")).toBe(false);
    expect((await load(server, "good", passed)).status).toBe(200);
    expect((await load(server, "unknown", tinyAdapter)).status).toBe(200);
  });

  test("is served when the request calls it experimental, and the list says so", async () => {
    expect((await load(server, "bad", failed, { experimental: true })).status).toBe(200);
    expect(await served(server)).toEqual([
      { id: "tiny", experimental: false },
      { id: "good", experimental: false },
      { id: "unknown", experimental: false },
      { id: "bad", experimental: true },
    ]);
  });

  test("counts as not probed once its weights are others", async () => {
    const changed = probed("changed", false);
    appendFileSync(join(changed, "adapter_model.safetensors"), " ");
    expect((await load(server, "changed", changed)).status).toBe(200);
  });

  test("is served by a server that was started so, and refused at the start of another", async () => {
    const open = await run({ format, open: async () => new FakeBase(), experimental: true });
    expect((await load(open, "bad", failed)).status).toBe(200);
    expect((await served(open)).at(-1)).toEqual({ id: "bad", experimental: true });
    await open.close();
    const options = resolveOptions(residentOptions, { base: bareBase, port: "0", adapter: [`a=${failed}`] });
    await expect(serve(options, listening().terminal)).rejects.toThrow(
      /--adapter a: expected one whose format probe passed, got .*json 0\/8/,
    );
  });
});

test("a model whose format probe failed is refused as a base, until its weights are others", async () => {
  const model = join(folder, "model");
  cpSync(bareBase, model, { recursive: true });
  writeFormatProbe(model, { passed: false, reasons: ["stop 3/32, expected at least 0.8"] });
  const start = (more = {}) =>
    serve(resolveOptions(residentOptions, { base: model, port: "0", ...more }), listening().terminal);
  await expect(start()).rejects.toThrow(/--base: expected one whose format probe passed, got .*stop 3\/32/);
  // Refused for another reason, and later.
  await expect(start({ contextTokens: "513", experimental: true })).rejects.toThrow("--context-tokens");
  const config = join(model, "config.json");
  writeFileSync(
    config,
    readFileSync(config, "utf8").replace('"rms_norm_eps": 1e-05', '"rms_norm_eps": 1e-06'),
  );
  await expect(start({ contextTokens: "513" })).rejects.toThrow("--context-tokens");
});

describe("while a job trains", () => {
  const ask = (server: Running) => server.post("/v1/completions", { prompt: [1, 2], max_tokens: 2 });

  test("answers are refused when too little memory is left, and come again when the job has ended", async () => {
    const ending = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const base = new FakeBase();
    base.train = async () => {
      begun.resolve();
      await ending.promise;
      throw new Error("ended by the test");
    };
    const server = await run({ format, open: async () => base, chatBytes: 1000 });
    const form = new FormData();
    form.set("purpose", "fine-tune");
    form.set("file", new File(['[{"input_ids": [1, 2], "labels": [1, 2]}]'], "rows.json"));
    const file = (await (await fetch(`${server.url}/v1/files`, { method: "POST", body: form })).json()) as {
      id: string;
    };
    base.left = 10;
    expect((await ask(server)).status).toBe(200);
    const job = await server.post("/v1/fine_tuning/jobs", {
      model: "tiny",
      training_file: file.id,
      tokenized: true,
    });
    expect(job.status).toBe(200);
    await begun.promise;
    const refused = await ask(server);
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toBe("30");
    expect(await refused.json()).toMatchObject({
      error: {
        code: "training",
        message: expect.stringContaining("a job trains on this device and leaves 10 B"),
      },
    });
    ending.resolve();
    while (server.server.jobs.counts().has("running")) await Bun.sleep(1);
    expect((await ask(server)).status).toBe(200);
    await server.close();
  });

  test("the device is asked at most once a second, and its silence is no reason", () => {
    let [looks, now, left] = [0, 0, 5 as number | undefined];
    const look = () => {
      looks++;
      return left;
    };
    const room = new ChatRoom(
      () => true,
      look,
      10,
      () => now,
    );
    expect(() => room.check()).toThrow("leaves 5 B");
    left = 10;
    now = 999;
    expect(() => room.check()).toThrow("leaves 5 B");
    now = 1000;
    room.check();
    expect(looks).toBe(2);
    left = undefined;
    now = 3000;
    room.check();
    new ChatRoom(
      () => true,
      () => 0,
      0,
    ).check();
    new ChatRoom(
      () => false,
      () => 0,
      10,
    ).check();
  });
});
