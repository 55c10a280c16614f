// The official openai client against a real engine: it works unchanged, fine-tuning included.

import { afterAll, beforeAll, describe, expect } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import OpenAI from "openai";
import type { ChatCompletionMessageParam } from "openai/resources/chat/completions";
import type { FineTuningJob } from "openai/resources/fine-tuning/jobs";
import { Interrupted } from "../../src/base/errors.ts";
import { resolveOptions } from "../../src/base/resolve.ts";
import { readTrajectories } from "../../src/data/read-records.ts";
import { checkTrajectory } from "../../src/data/trajectory.ts";
import { rowOf, trainOnResident } from "../../src/serve/train-on-resident.ts";
import { trainOptions } from "../../src/train/options.ts";
import { train } from "../../src/train/session.ts";
import { testDevice } from "../gpu.ts";
import { listening, type Running, runReal } from "./running.ts";
import { foreignAdapter, makeTalkingBase, otherAdapter, temporaryFolder, tinyAdapter } from "./tiny-base.ts";

const { gpuTest } = await testDevice();
const folder = temporaryFolder();
const base = makeTalkingBase(folder);
const rows = Array.from({ length: 12 }, (_, i) => ({
  id: `row-${i}`,
  messages: [
    { role: "user", content: `task ${i}` },
    { role: "assistant", content: `cat t${i}`, ...(i % 3 === 0 && { weight: 0.5 }) },
    { role: "user", content: "done?" },
    { role: "assistant", content: "exit" },
  ],
}));
const data = join(folder, "rows.jsonl");
writeFileSync(data, rows.map((row) => JSON.stringify(row)).join("\n"));

let server: Running;
let client: OpenAI;
// A machine without a device skips every test that needs the server.
const usable = await testDevice().then(
  ({ device }) => "facts" in device,
  () => false,
);
beforeAll(async () => {
  if (!usable) return;
  server = await runReal(base, { adapters: [{ name: "ops", path: tinyAdapter }] });
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
});
afterAll(() => server?.close());

const messages: ChatCompletionMessageParam[] = [{ role: "user", content: "hello there" }];
const greedy = { messages, temperature: 0, max_tokens: 12 } as const;

/** The client's promises are of its own kind, which `rejects` does not wait for. */
const plain = async <V>(promise: PromiseLike<V>): Promise<V> => await promise;

async function over(id: string): Promise<FineTuningJob> {
  for (;;) {
    const job = await client.fineTuning.jobs.retrieve(id);
    if (["succeeded", "failed", "cancelled"].includes(job.status)) return job;
    await Bun.sleep(20);
  }
}

const upload = () =>
  client.files.create({ file: new File([readFileSync(data)], "rows.jsonl"), purpose: "fine-tune" });

describe("the openai client", () => {
  gpuTest("chats, and a stream says the same as a whole answer", async () => {
    const whole = await client.chat.completions.create({ model: "tiny", ...greedy });
    const stream = await client.chat.completions.create({
      model: "tiny",
      ...greedy,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let tokens = 0;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      tokens = chunk.usage?.completion_tokens ?? tokens;
    }
    expect(text).toBe(whole.choices[0]!.message.content!);
    expect(tokens).toBe(whole.usage!.completion_tokens);
    expect(text.length).toBeGreaterThan(2);
    const helper = client.chat.completions.stream({ model: "tiny", ...greedy });
    expect((await helper.finalChatCompletion()).choices[0]!.message.content).toBe(text);
  });

  gpuTest("an adapter answers under its name, otherwise than the base", async () => {
    const ids = async (model: string) => {
      const body = { model, prompt: [5, 6, 7], max_tokens: 10, temperature: 0, return_token_ids: true };
      const { choices } = (await client.completions.create(body as never)) as unknown as {
        choices: { token_ids: number[] }[];
      };
      return choices[0]!.token_ids;
    };
    expect(await ids("ops")).not.toEqual(await ids("tiny"));
  });

  gpuTest("lists models, and hears of mistakes in its own classes", async () => {
    const models = await client.models.list();
    expect(models.data.map(({ id }) => id).slice(0, 2)).toEqual(["tiny", "ops"]);
    await expect(plain(client.chat.completions.create({ model: "none", messages }))).rejects.toBeInstanceOf(
      OpenAI.NotFoundError,
    );
    const wrong = client.chat.completions.create({ model: "tiny", messages: [] });
    await expect(plain(wrong)).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    await expect(plain(wrong)).rejects.toMatchObject({ param: "messages", type: "invalid_request_error" });
  });

  gpuTest("a seed repeats an answer, and logprobs are those of the likeliest tokens", async () => {
    const ask = (seed: number) =>
      client.chat.completions.create({
        model: "tiny",
        messages,
        max_tokens: 8,
        seed,
        logprobs: true,
        top_logprobs: 3,
      });
    const [a, b] = [await ask(5), await ask(5)];
    expect(a.choices[0]!.message.content).toBe(b.choices[0]!.message.content!);
    for (const { logprob, top_logprobs } of a.choices[0]!.logprobs!.content!) {
      expect(top_logprobs).toHaveLength(3);
      expect(logprob).toBeLessThanOrEqual(top_logprobs[0]!.logprob + 1e-6);
    }
  });

  gpuTest("files come, are listed, read and go", async () => {
    const file = await upload();
    expect(file).toMatchObject({
      filename: "rows.jsonl",
      purpose: "fine-tune",
      bytes: readFileSync(data).byteLength,
    });
    expect((await client.files.list()).data.map(({ id }) => id)).toContain(file.id);
    expect(await (await client.files.content(file.id)).text()).toBe(readFileSync(data, "utf8"));
    await client.files.delete(file.id);
    await expect(plain(client.files.retrieve(file.id))).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  gpuTest("trains a job to the end, while answers go on, and chats with the new adapter", async () => {
    const file = await upload();
    const job = await client.fineTuning.jobs.create({
      model: "tiny",
      training_file: file.id,
      validation_file: file.id,
      suffix: "tuned",
      seed: 7,
      method: {
        type: "supervised",
        supervised: { hyperparameters: { n_epochs: 12, batch_size: 2, learning_rate_multiplier: 100 } },
      },
    });
    expect(["queued", "running"]).toContain(job.status);
    const alone = await client.chat.completions.create({ model: "ops", ...greedy });
    let during = 0;
    while ((await client.fineTuning.jobs.retrieve(job.id)).finished_at === null) {
      const answer = await client.chat.completions.create({ model: "ops", ...greedy });
      expect(answer.choices[0]!.message).toEqual(alone.choices[0]!.message);
      during++;
    }
    expect(during).toBeGreaterThan(2);
    const done = await over(job.id);
    expect(done).toMatchObject({ status: "succeeded", fine_tuned_model: "tuned", error: null, seed: 7 });
    expect(done.trained_tokens).toBeGreaterThan(100);
    const events = (await client.fineTuning.jobs.listEvents(job.id, { limit: 500 })).data;
    const losses = events.flatMap(({ message }) => /^Step (\d+): training loss=(.*)/.exec(message) ?? []);
    expect(losses.length / 3).toBe(72);
    // Newest first.
    expect(Number(losses[2])).toBeLessThan(Number(losses.at(-1)) / 2);
    const checkpoints = (await client.fineTuning.jobs.checkpoints.list(job.id)).data;
    expect(checkpoints.map(({ step_number }) => step_number)).toEqual([72]);
    expect(checkpoints[0]!.metrics.valid_loss).toBeGreaterThan(0);
    const models = (await client.models.list()).data as (OpenAI.Model & { parent: string })[];
    expect(models.find(({ id }) => id === "tuned")?.parent).toBe("tiny");
    const chat = (model: string) =>
      client.chat.completions.create({
        model,
        messages: [
          { role: "user", content: "task 3" },
          { role: "assistant", content: "cat t3" },
          { role: "user", content: "done?" },
        ],
        temperature: 0,
        max_tokens: 12,
      });
    const learnt = (await chat("tuned")).choices[0]!;
    expect(learnt.message.content).toBe("exit");
    expect(learnt.finish_reason).toBe("stop");
    expect((await chat(checkpoints[0]!.fine_tuned_model_checkpoint)).choices[0]!.message.content).toBe(
      "exit",
    );
    expect((await chat("tiny")).choices[0]!.message.content).not.toBe("exit");
  });

  gpuTest("a job that is cancelled stops and serves nothing", async () => {
    const file = await upload();
    const body = { model: "tiny", training_file: file.id, suffix: "never", options: { max_steps: 100000 } };
    const job = await client.fineTuning.jobs.create(body as never);
    const waiting = await client.fineTuning.jobs.create({
      model: "tiny",
      training_file: file.id,
      suffix: "later",
    });
    await expect(
      plain(client.fineTuning.jobs.create({ model: "tiny", training_file: file.id, suffix: "later" })),
    ).rejects.toThrow("which another job trains");
    while ((await client.fineTuning.jobs.listEvents(job.id)).data[0]?.message.startsWith("Step") !== true)
      await Bun.sleep(10);
    expect((await client.fineTuning.jobs.cancel(waiting.id)).status).toBe("cancelled");
    await client.fineTuning.jobs.cancel(job.id);
    expect((await over(job.id)).status).toBe("cancelled");
    await expect(plain(client.fineTuning.jobs.cancel(job.id))).rejects.toThrow("expected a job that goes on");
    const names = (await client.models.list()).data.map(({ id }) => id);
    expect(names).not.toContain("never");
    expect(names).not.toContain("later");
  });

  gpuTest("a job that cannot be done fails with the reason, and memory comes back", async () => {
    const memory = () => [...server.server.hot.current.memory().values()].reduce((a, b) => a + b, 0);
    const before = memory();
    const file = await client.files.create({
      file: new File(['{"messages": 1}'], "bad.jsonl"),
      purpose: "fine-tune",
    });
    const job = await over(
      (await client.fineTuning.jobs.create({ model: "tiny", training_file: file.id })).id,
    );
    expect(job).toMatchObject({ status: "failed", fine_tuned_model: null });
    expect(job.error!.message).toContain("bad.jsonl:1: messages: expected an array, found a number");
    const body = (options: object) => ({ model: "tiny", training_file: file.id, options }) as never;
    await expect(plain(client.fineTuning.jobs.create(body({ out: "/x" })))).rejects.toThrow(
      "this one is the server's",
    );
    await expect(plain(client.fineTuning.jobs.create(body({ lora_rank: 3 })))).rejects.toThrow(
      "did you mean lora-",
    );
    await expect(plain(client.fineTuning.jobs.create(body({ lora_r: 0 })))).rejects.toThrow(
      "options.lora_r: expected a whole number",
    );
    await expect(plain(client.fineTuning.jobs.create(body({ load_4bit: true })))).rejects.toThrow(
      "expected false, as the base is held, got true",
    );
    expect(memory()).toBe(before);
  });

  gpuTest("an adapter of another base is refused, and the server goes on", async () => {
    const load = (path: string) =>
      server.post("/v1/load_lora_adapter", { lora_name: "foreign", lora_path: path });
    const response = await load(foreignAdapter);
    expect(response.status).toBe(400);
    expect(((await response.json()) as { error: { message: string } }).error.message).toMatch(
      /expected (shape|a tensor|no such tensor)/,
    );
    expect((await load(otherAdapter)).status).toBe(200);
    await client.chat.completions.create({ model: "foreign", ...greedy });
    await server.post("/v1/unload_lora_adapter", { lora_name: "foreign" });
  });
});

describe("sekft train --resident", () => {
  const flags = {
    base,
    data,
    loraR: "4",
    loraDropout: "0.1",
    numTrainEpochs: "2",
    learningRate: "1e-3",
    saveSteps: "2",
  };
  const optionsFor = (more: object) => resolveOptions(trainOptions, { ...flags, ...more });

  gpuTest("trains the very adapter that train itself does, and brings the run home", async () => {
    const [home, remote] = [join(folder, "home"), join(folder, "remote")];
    await train(optionsFor({ out: home }), listening().terminal);
    const { terminal, said } = listening();
    await trainOnResident(server.url, optionsFor({ out: remote }), terminal);
    const read = (where: string, name: string) => readFileSync(join(where, name));
    expect(read(remote, "adapter_model.safetensors")).toEqual(read(home, "adapter_model.safetensors"));
    for (const name of [
      "adapter_config.json",
      "tokenizer.json",
      "trainer_state.json",
      "log.jsonl",
      "options.json",
      "manifest.json",
    ])
      expect(read(remote, name).byteLength).toBeGreaterThan(0);
    expect(said.join("\n")).toContain(`the adapter is in ${remote}, and served as remote`);
    const answer = await client.chat.completions.create({ model: "remote", ...greedy });
    expect(answer.usage!.completion_tokens).toBeGreaterThan(0);
    await expect(trainOnResident(server.url, optionsFor({ out: remote }), terminal)).rejects.toThrow(
      "another run",
    );
  });

  gpuTest("starts from given weights, on ids, with validation", async () => {
    const tokenized = join(folder, "ids.json");
    writeFileSync(tokenized, JSON.stringify([{ input_ids: [5, 6, 7, 8], labels: [-100, 6, 7, 8] }]));
    const more = {
      data: undefined,
      tokenized,
      evalTokenized: tokenized,
      initAdapter: tinyAdapter,
      loraR: undefined,
      loraDropout: "0",
    };
    const [home, remote] = [join(folder, "home-ids"), join(folder, "remote-ids")];
    await train(optionsFor({ ...more, out: home }), listening().terminal);
    await trainOnResident(server.url, optionsFor({ ...more, out: remote }), listening().terminal);
    for (const name of ["adapter_model.safetensors"])
      expect(readFileSync(join(remote, name))).toEqual(readFileSync(join(home, name)));
  });

  gpuTest("leaves no memory behind", async () => {
    const bytes: number[] = [];
    for (const name of ["once", "twice", "thrice"]) {
      await trainOnResident(
        server.url,
        optionsFor({ out: join(folder, name), maxSteps: "2" }),
        listening().terminal,
      );
      await server.post("/v1/unload_lora_adapter", { lora_name: name });
      bytes.push([...server.server.hot.current.memory().values()].reduce((a, b) => a + b, 0));
    }
    expect(bytes[1]).toBe(bytes[0]!);
    expect(bytes[2]).toBe(bytes[0]!);
  });

  gpuTest("refuses another base, a resume, and a server that is not there", async () => {
    const { terminal } = listening();
    const out = join(folder, "refused");
    const other = makeTalkingBase(join(folder, "other"));
    const config = join(other, "config.json");
    writeFileSync(config, readFileSync(config, "utf8").replace("10000.0", "20000.0"));
    const rejects = (url: string, more: object, message: string) =>
      expect(trainOnResident(url, optionsFor({ out, ...more }), terminal)).rejects.toThrow(message);
    await rejects(server.url, { base: other }, "expected the base that the server holds (tiny), got another");
    await rejects(server.url, { base: "nowhere" }, "expected the server's base, tiny");
    await rejects(server.url, { resume: true }, "expected a run without --resident");
    await rejects("http://127.0.0.1:9", {}, "expected a server that answers, got none");
    await rejects("ftp://x", {}, "expected a URL such as");
  });

  gpuTest("is cancelled by Ctrl-C", async () => {
    const out = join(folder, "stopped");
    const { terminal, said } = listening();
    const running = trainOnResident(server.url, optionsFor({ out, maxSteps: "100000" }), terminal);
    let ended = false;
    running.catch(() => {
      ended = true;
    });
    const current = () => server.server.jobs.list[0]!;
    const begun = () =>
      said.some((line) => line.includes("trains stopped as")) &&
      current().events.some(({ message }) => message.startsWith("Step"));
    while (!begun() && !ended) await Bun.sleep(10);
    process.emit("SIGINT", "SIGINT");
    await expect(running).rejects.toBeInstanceOf(Interrupted);
    expect(said).toContain("train: cancelling the job; once more to leave at once");
    expect(server.server.jobs.list[0]!.status).toBe("cancelled");
  });

  gpuTest("sends rows that read back as they were", async () => {
    const corpus = join(import.meta.dir, "..", "golden", "corpus", "shapes");
    for (const name of ["messages.jsonl", "sharegpt.jsonl", "directory"])
      for await (const record of readTrajectories(join(corpus, name))) {
        const back = checkTrajectory(JSON.parse(JSON.stringify(rowOf(record))), record.place);
        expect(back).toEqual(record);
      }
  });
});
