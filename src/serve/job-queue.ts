// Runs fine-tuning jobs one after the other on the hot base, and serves what comes out.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Terminal } from "../base/command.ts";
import { Interrupted } from "../base/errors.ts";
import type { TrainOptions } from "../train/options.ts";
import type { AdapterRegistry } from "./adapter-registry.ts";
import { ApiError } from "./api-error.ts";
import type { FileStore } from "./file-store.ts";
import type { HotBase } from "./hot-base.ts";
import { Job } from "./job.ts";
import { type JobRequest, trainOptionsOf } from "./job-options.ts";

/** Jobs that may wait. */
const MOST_WAITING = 64;

/** What jobs are made of. */
export interface JobParts {
  readonly hot: HotBase;
  readonly adapters: AdapterRegistry;
  readonly files: FileStore;
  readonly terminal: Terminal;
  readonly baseName: string;
  /** What every run on this server has. */
  readonly common: Pick<TrainOptions, "base" | "load4bit" | "chatTemplate">;
}

/** The jobs of a server. */
export class JobQueue {
  private readonly jobs: Job[] = [];
  private working: Promise<void> = Promise.resolve();
  private closing = false;

  constructor(private readonly parts: JobParts) {}

  /** Newest first. */
  get list(): Job[] {
    return this.jobs.toReversed();
  }

  /** Jobs by status. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { status } of this.jobs) counts.set(status, (counts.get(status) ?? 0) + 1);
    return counts;
  }

  /** @throws ApiError 404. */
  get(id: string): Job {
    const job = this.jobs.find((one) => one.id === id);
    if (job) return job;
    throw new ApiError(404, `fine_tuning_job: expected the id of a job, got ${id.slice(0, 80)}`, {
      code: "no_such_job",
    });
  }

  /** Puts a job in the queue.
   *  @throws ApiError for a model or name that will not do; UserError for options that contradict each other. */
  add(request: JobRequest): Job {
    const { adapters, files, baseName } = this.parts;
    if (this.jobs.filter(({ status }) => status === "queued").length >= MOST_WAITING)
      throw new ApiError(429, `expected at most ${MOST_WAITING} jobs that wait, got one more`, {
        retryAfter: 60,
      });
    if (request.model !== baseName && !adapters.get(request.model))
      throw new ApiError(
        404,
        `model: expected the base or a loaded adapter, got ${request.model.slice(0, 200)}`,
        {
          param: "model",
          code: "model_not_found",
        },
      );
    const held = this.parts.common.load4bit;
    if ((request.values.load4bit ?? held) !== held)
      throw new ApiError(
        400,
        `options.load_4bit: expected ${held}, as the base is held, got ${request.values.load4bit}`,
        { param: "options.load_4bit" },
      );
    if (request.suffix !== null) {
      adapters.checkName(request.suffix);
      if (this.jobs.some(({ name, over }) => name === request.suffix && !over))
        throw new ApiError(
          400,
          `suffix: expected a new name, got ${request.suffix}, which another job trains`,
          {
            param: "suffix",
            code: "already_loaded",
          },
        );
    }
    const number = this.jobs.length + 1;
    const name = request.suffix ?? `${baseName}-ft-${crypto.randomUUID().slice(0, 8)}`;
    const folder = join(
      files.folder,
      "jobs",
      `${new Date().toISOString().replace(/\D/g, "").slice(0, 14)}-${number}`,
    );
    const job = new Job(request, folder, name, this.optionsOf(request, folder, name).seed);
    this.jobs.push(job);
    job.say("info", `Created fine-tuning job: ${job.id}`);
    this.working = this.working.then(() => this.work(job));
    return job;
  }

  /** Ends a job: at once when it waits, after this micro-batch when it runs.
   *  @throws ApiError 400 when it is over. */
  cancel(job: Job): void {
    if (job.over)
      throw new ApiError(
        400,
        `fine_tuning_job: expected a job that goes on, got one that has ${job.status}`,
        {
          code: "job_over",
        },
      );
    job.cancelAsked = true;
    if (job.status === "queued") job.end("cancelled", "The job was cancelled before it began");
  }

  /** Loads a checkpoint or a finished adapter that was unloaded, by name; false when no job made one of that name. */
  async loadKnown(name: string): Promise<boolean> {
    for (const job of this.jobs) {
      const found = job.checkpoints().find((checkpoint) => checkpoint.fine_tuned_model_checkpoint === name);
      if (!found) continue;
      await this.parts.adapters.load(name, found.path);
      return true;
    }
    return false;
  }

  /** Cancels everything and waits for it. */
  async close(): Promise<void> {
    this.closing = true;
    for (const job of this.jobs) if (!job.over) this.cancel(job);
    await this.working;
  }

  private async work(job: Job): Promise<void> {
    if (job.over) return;
    const { adapters, files, terminal } = this.parts;
    job.status = "running";
    terminal.note(`resident: job ${job.id} trains ${job.name}`);
    try {
      await this.train(job);
      job.trainedTokens = trainedTokens(job.out);
      job.results = files.addRun(job.out).map(({ id }) => id);
      await adapters.load(job.name, job.out);
      job.end("succeeded", `The job has succeeded; ${job.name} is served`);
    } catch (error) {
      if (error instanceof Interrupted) job.end("cancelled", "The job was cancelled");
      else job.end("failed", (error as Error).message);
    }
    terminal.note(`resident: job ${job.id} has ${job.status}${job.error ? `: ${job.error.message}` : ""}`);
  }

  /** Trains; a run whose device was lost goes on from its last checkpoint when the base is loaded again. */
  private async train(job: Job): Promise<void> {
    const { hot, files } = this.parts;
    const { initAdapter } = job.request;
    if (initAdapter)
      files.copyInto(join(job.folder, "init-adapter"), {
        "adapter_config.json": initAdapter.config,
        "adapter_model.safetensors": initAdapter.weights,
      });
    const hooks = {
      interrupted: () => job.cancelAsked || this.closing,
      onLog: (entry: Readonly<Record<string, number>>) => job.log(entry),
    };
    let options = this.optionsOf(job.request, job.folder, job.name);
    for (;;) {
      const losses = hot.losses;
      try {
        await hot.settled();
        return await hot.current.train(options, jobTerminal(job), hooks);
      } catch (error) {
        await hot.explain(error);
        if (hot.losses === losses) throw error;
        job.say("warn", "The device was lost; the job goes on from its last checkpoint");
        options = { ...options, resume: existsSync(job.out) };
      }
    }
  }

  private optionsOf(request: JobRequest, folder: string, name: string): TrainOptions {
    const { files, adapters, common } = this.parts;
    const training = files.path(request.trainingFile);
    const validation = request.validationFile === null ? undefined : files.path(request.validationFile);
    const from = adapters.get(request.model)?.path;
    if (from !== undefined && request.initAdapter)
      throw new ApiError(400, "init_adapter: expected the base as model, got an adapter", {
        param: "init_adapter",
      });
    const initAdapter = request.initAdapter ? join(folder, "init-adapter") : from;
    const { chatTemplate } = request;
    return trainOptionsOf(request, {
      ...common,
      ...(chatTemplate !== undefined && { chatTemplate: files.path(chatTemplate) }),
      ...(request.tokenized
        ? { tokenized: training, evalTokenized: validation }
        : { data: training, evalData: validation }),
      ...(initAdapter !== undefined && { initAdapter }),
      out: join(folder, name),
    });
  }
}

/** Tokens that went through the model, from the run's own log. */
function trainedTokens(out: string): number | null {
  const lines = readFileSync(join(out, "log.jsonl"), "utf8").trimEnd().split("\n");
  const entries = lines.map((line) => JSON.parse(line) as { tokens?: number });
  return entries.findLast(({ tokens }) => tokens !== undefined)?.tokens ?? null;
}

/** What a run says becomes the job's events. */
function jobTerminal(job: Job): Terminal {
  return {
    out: () => undefined,
    note: (line) => job.say("info", line),
    warn: (line) => job.say("warn", line),
    interactive: false,
    color: false,
    json: true,
    quiet: false,
    columns: 200,
  };
}
