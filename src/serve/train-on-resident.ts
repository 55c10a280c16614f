// `sekft train --resident URL`: the same run, on the base that a resident server holds, through OpenAI's fine-tuning routes.

import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { basename, isAbsolute, join, normalize, resolve } from "node:path";
import { writeFileAtomic } from "../base/atomic.ts";
import type { Terminal } from "../base/command.ts";
import { DataError, Interrupted, UserError } from "../base/errors.ts";
import { formatNumber } from "../base/format.ts";
import { serialiseOptions } from "../base/options.ts";
import { type Progress, startProgress } from "../base/progress.ts";
import { readTrajectories } from "../data/read-records.ts";
import type { TrajectoryRecord } from "../data/trajectory.ts";
import { openBase } from "../formats/base-weights.ts";
import { Interrupt } from "../train/interrupt.ts";
import { type TrainOptions, trainOptions } from "../train/options.ts";
import { checkFolder, clearRun } from "../train/run-folder.ts";
import { jobOptionKeys } from "./job-options.ts";
import { type RemoteEvent, type RemoteJob, type RemoteModel, ResidentClient } from "./resident-client.ts";

const POLL_MS = 300;
const jobs = "/v1/fine_tuning/jobs";

/** Trains on a resident server and brings the run's files home to --out; there the adapter is served under that folder's name.
 *  @throws UserError when the server or its base is another than asked for, or refuses; Interrupted after Ctrl-C. */
export async function trainOnResident(url: string, options: TrainOptions, terminal: Terminal): Promise<void> {
  const { out } = options;
  if (out === undefined)
    throw new UserError("--out: expected a folder for the adapter, got nothing", {
      hint: "give it as --out DIR",
    });
  if (options.resume || options.resumeFromCheckpoint !== undefined)
    throw new UserError("--resume: expected a run without --resident, got one with it", {
      hint: "checkpoints of a resident's runs stay on the server",
    });
  if ((options.data === undefined) === (options.tokenized === undefined))
    throw new UserError("--data: expected either --data or --tokenized, got both or none");
  checkFolder(out, options.base, { resume: false, overwrite: options.overwrite });
  const client = new ResidentClient(url);
  const base = await findBase(client, options.base);
  const name = basename(resolve(out)).replace(/[^\w.+-]/g, "_");
  if (options.overwrite) await unload(client, name);
  const body = await request(client, options, base.id, name);
  const job = await client.post<RemoteJob>(jobs, body);
  terminal.note(`resident: ${url} trains ${name} as ${job.id}`);
  const done = await follow(client, job, terminal);
  if (options.overwrite) clearRun(out);
  mkdirSync(out, { recursive: true });
  for (const id of done.result_files) {
    const { name: path, content } = await client.download(id);
    writeFileAtomic(join(out, safePath(path)), content);
  }
  if (terminal.json) terminal.out(JSON.stringify({ out, model: done.fine_tuned_model, job: job.id }));
  else terminal.note(`train: the adapter is in ${out}, and served as ${done.fine_tuned_model}`);
}

/** The server's base, which must be the one that the command line names.
 *  @throws UserError when it is another. */
export async function findBase(client: ResidentClient, base: string): Promise<RemoteModel> {
  const { data } = await client.get<{ data: RemoteModel[] }>("/v1/models");
  const served = data.find(({ parent }) => parent === null);
  if (!served) throw new UserError(`--resident ${client.url}: expected a server of sekft's, got another`);
  if (existsSync(base)) {
    using files = openBase(base);
    if (served.fingerprint !== undefined && files.fingerprint() !== served.fingerprint)
      throw new UserError(
        `--base ${base}: expected the base that the server holds (${served.id}), got another`,
      );
  } else if (base !== served.id)
    throw new UserError(
      `--base ${base}: expected the server's base, ${served.id}, or a copy of it, got neither`,
    );
  return served;
}

async function unload(client: ResidentClient, name: string): Promise<void> {
  const { data } = await client.get<{ data: RemoteModel[] }>("/v1/models");
  if (data.some(({ id, parent }) => id === name && parent !== null))
    await client.post("/v1/unload_lora_adapter", { lora_name: name });
}

async function request(client: ResidentClient, options: TrainOptions, model: string, suffix: string) {
  const { initAdapter, chatTemplate } = options;
  const upload = (path: string) => client.upload(basename(path), readFileSync(path));
  const rows = async (data: string | undefined, tokenized: string | undefined) => {
    if (tokenized !== undefined) return upload(tokenized);
    return data === undefined ? undefined : client.upload("rows.jsonl", await rowsOf(data));
  };
  if (options.tokenized !== undefined && options.evalData !== undefined)
    throw new UserError("--eval-data: expected --eval-tokenized beside --tokenized, got trajectories");
  if (options.data !== undefined && options.evalTokenized !== undefined)
    throw new UserError("--eval-tokenized: expected --eval-data beside --data, got ids");
  const all = serialiseOptions(trainOptions, options);
  const named = serialiseOptions(
    trainOptions,
    Object.fromEntries(jobOptionKeys.map((key) => [key, options[key as keyof TrainOptions]])),
  );
  return {
    model,
    suffix,
    training_file: await rows(options.data, options.tokenized),
    validation_file: await rows(options.evalData, options.evalTokenized),
    tokenized: options.tokenized !== undefined,
    ...(initAdapter !== undefined && {
      init_adapter: {
        config: await upload(join(initAdapter, "adapter_config.json")),
        weights: await upload(join(initAdapter, "adapter_model.safetensors")),
      },
    }),
    ...(chatTemplate !== undefined && { chat_template: await upload(chatTemplate) }),
    options: Object.fromEntries(
      Object.keys(all).flatMap((key) => ((named[key] ?? null) === null ? [] : [[key, named[key]]])),
    ),
  };
}

/** Rows of any supported shape as JSONL: what the server reads back is what is read here. */
async function rowsOf(data: string): Promise<string> {
  const lines: string[] = [];
  for await (const record of readTrajectories(data)) lines.push(JSON.stringify(rowOf(record)));
  return `${lines.join("\n")}\n`;
}

/** A row that reads back as `record`. */
export function rowOf(record: TrajectoryRecord): Record<string, unknown> {
  const { id, turns, keep, shape, scenarioId, archetype, outcome, verified, terminal } = record;
  if (shape !== "trajectory") return { id, [shape]: turns, keep, archetype };
  return { version: 1, id, scenario_id: scenarioId, archetype, turns, outcome, verified, terminal, keep };
}

/** Shows a job until it is over; Ctrl-C cancels it. */
async function follow(client: ResidentClient, job: RemoteJob, terminal: Terminal): Promise<RemoteJob> {
  using interrupt = new Interrupt(() =>
    terminal.note("train: cancelling the job; once more to leave at once"),
  );
  const seen = new Set<string>();
  let bar: Progress | undefined;
  let cancelled = false;
  for (;;) {
    const now = await client.get<RemoteJob>(`${jobs}/${job.id}`);
    const { data } = await client.get<{ data: RemoteEvent[] }>(`${jobs}/${job.id}/events?limit=1000`);
    if (bar === undefined && now.total_steps !== null)
      bar = startProgress(terminal, { label: "train", total: now.total_steps, unit: "steps" });
    for (const event of data.filter(({ id }) => !seen.has(id)).reverse()) {
      seen.add(event.id);
      showEvent(event, bar, terminal);
    }
    if (["succeeded", "failed", "cancelled"].includes(now.status)) {
      bar?.end();
      if (now.status === "succeeded") return now;
      if (now.status === "cancelled") throw new Interrupted("train: the job was cancelled");
      throw new UserError(`train: the job failed: ${now.error?.message ?? "for an unknown reason"}`);
    }
    if (interrupt.signal !== undefined && !cancelled) {
      cancelled = true;
      await client.post(`${jobs}/${job.id}/cancel`, {});
    }
    await Bun.sleep(POLL_MS);
  }
}

function showEvent(
  { type, level, message, data }: RemoteEvent,
  bar: Progress | undefined,
  terminal: Terminal,
): void {
  if (type !== "metrics" || data === null) {
    if (level === "info") (bar ?? terminal).note(message);
    else terminal.warn(message);
    return;
  }
  const { step = 0, train_loss: loss, valid_loss: held, learning_rate: rate } = data;
  if (held !== undefined) (bar ?? terminal).note(`eval: step ${step}  eval_loss ${formatNumber(held, 5)}`);
  if (loss === undefined) return;
  bar?.update(step, `loss ${formatNumber(loss, 4)}${rate === undefined ? "" : `  lr ${formatNumber(rate)}`}`);
}

/** A path within the run folder, whatever the server says. */
function safePath(path: string): string {
  const plain = normalize(path);
  if (isAbsolute(plain) || plain.startsWith("..") || plain === ".")
    throw new DataError({ file: path }, "expected a name within the run's folder, got this");
  return plain;
}
