// A device that is really lost, under answers and under a training run.

import { describe, expect, spyOn } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { resolveOptions } from "../../src/base/resolve.ts";
import { Device } from "../../src/gpu/device.ts";
import { trainOptions } from "../../src/train/options.ts";
import { train } from "../../src/train/session.ts";
import { testDevice } from "../gpu.ts";
import { listening, type Running, runReal } from "./running.ts";
import { makeTalkingBase, temporaryFolder, tinyAdapter } from "./tiny-base.ts";

const { gpuTest } = await testDevice();
const folder = temporaryFolder();
const base = makeTalkingBase(folder);
const data = join(folder, "rows.jsonl");
const rows = Array.from({ length: 8 }, (_, i) => ({
  messages: [
    { role: "user", content: `task ${i}` },
    { role: "assistant", content: `done ${i}` },
  ],
}));
writeFileSync(data, rows.map((row) => JSON.stringify(row)).join("\n"));

/** Runs `work` with a server whose device can be pulled. */
async function withServer(work: (server: Running, pull: () => void) => Promise<void>): Promise<void> {
  const open = Device.open.bind(Device);
  const opened: Device[] = [];
  const spy = spyOn(Device, "open").mockImplementation(async (options) => {
    const device = await open(options);
    opened.push(device);
    return device;
  });
  const server = await runReal(base, { adapters: [{ name: "ops", path: tinyAdapter }] });
  try {
    await work(server, () => opened.at(-1)!.gpu.destroy());
  } finally {
    await server.close();
    spy.mockRestore();
  }
}

const ask = (server: Running, max_tokens: number) =>
  server.post("/v1/completions", {
    model: "ops",
    prompt: [5, 6, 7],
    max_tokens,
    temperature: 0,
    return_token_ids: true,
  });

async function ready(server: Running): Promise<void> {
  const deadline = Date.now() + 30_000;
  while ((await server.get("/health")).status !== 200) {
    if (Date.now() > deadline) throw new Error(`not ready: ${server.said.join("\n")}`);
    await Bun.sleep(20);
  }
}

describe("a device that is pulled", () => {
  gpuTest(
    "under an answer: the client hears of it, the base is loaded again, and says the same as before",
    () =>
      withServer(async (server, pull) => {
        const before = await (await ask(server, 20)).json();
        const caught = ask(server, 400);
        await Bun.sleep(50);
        pull();
        const response = await caught;
        expect(response.status).toBe(503);
        expect(await response.json()).toMatchObject({ error: { code: "device_lost" } });
        await ready(server);
        const after = (await (await ask(server, 20)).json()) as { choices: unknown };
        expect(after.choices).toEqual((before as typeof after).choices);
        expect(server.said.join("\n")).toContain("the device was lost");
      }),
  );

  gpuTest("under a training run: it goes on from its last checkpoint, to the very same adapter", () =>
    withServer(async (server, pull) => {
      const body = new FormData();
      body.append("purpose", "fine-tune");
      body.append("file", new File([readFileSync(data)], "rows.jsonl"));
      const file = (await (await fetch(`${server.url}/v1/files`, { method: "POST", body })).json()) as {
        id: string;
      };
      const options = {
        lora_r: 4,
        max_steps: 30,
        save_steps: 4,
        lora_dropout: 0.1,
        gradient_accumulation_steps: 2,
      };
      const created = await server.post("/v1/fine_tuning/jobs", {
        model: "tiny",
        training_file: file.id,
        suffix: "tuned",
        options,
      });
      expect(created.status).toBe(200);
      const job = server.server.jobs.list[0]!;
      while (!job.events.some(({ message }) => message.startsWith("Step 9:"))) await Bun.sleep(1);
      pull();
      while (!job.over) await Bun.sleep(20);
      expect(job.error).toBeNull();
      expect(job.events.map(({ message }) => message)).toContain(
        "The device was lost; the job goes on from its last checkpoint",
      );
      expect(job.events.some(({ message }) => /^resume: from step [48] of 30$/.test(message))).toBe(true);
      const out = join(folder, "whole");
      const flags = Object.fromEntries(Object.entries(options).map(([name, value]) => [name, String(value)]));
      const keys = { loraR: flags.lora_r, maxSteps: flags.max_steps, saveSteps: flags.save_steps };
      const more = {
        loraDropout: flags.lora_dropout,
        gradientAccumulationSteps: flags.gradient_accumulation_steps,
      };
      await train(resolveOptions(trainOptions, { base, data, out, ...keys, ...more }), listening().terminal);
      const adapter = (where: string) => readFileSync(join(where, "adapter_model.safetensors"));
      expect(adapter(job.out)).toEqual(adapter(out));
      expect((await ask(server, 3)).status).toBe(200);
    }),
  );
});
