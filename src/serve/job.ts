// One fine-tuning job and what OpenAI's routes say about it: its state, its events, its checkpoints.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { readManifest } from "../train/manifest.ts";
import { newId, now } from "./file-store.ts";
import type { JobRequest } from "./job-options.ts";

/** OpenAI's states. */
export type JobStatus = "validating_files" | "queued" | "running" | "succeeded" | "failed" | "cancelled";

/** What happened in a job. */
export interface JobEvent {
  readonly object: "fine_tuning.job.event";
  readonly id: string;
  readonly created_at: number;
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly type: "message" | "metrics";
  readonly data: Readonly<Record<string, number>> | null;
}

/** A job from its request to its end. */
export class Job {
  readonly id = newId("ftjob");
  readonly created = now();
  status: JobStatus = "queued";
  finished: number | null = null;
  error: { readonly code: string; readonly message: string; readonly param: null } | null = null;
  /** Ids of the files of the run. */
  results: readonly string[] = [];
  trainedTokens: number | null = null;
  cancelAsked = false;
  /** Newest first. */
  readonly events: JobEvent[] = [];
  private readonly losses = new Map<number, Record<string, number>>();

  /** @param folder the job's own.
   *  @param name under which the adapter will be served. */
  constructor(
    readonly request: JobRequest,
    readonly folder: string,
    readonly name: string,
    readonly seed: number,
  ) {}

  /** The run folder. */
  get out(): string {
    return join(this.folder, this.name);
  }

  get over(): boolean {
    return this.finished !== null;
  }

  say(level: JobEvent["level"], message: string): void {
    this.push(level, message, "message", null);
  }

  /** An entry of the log history. */
  log(entry: Readonly<Record<string, number>>): void {
    const { step = 0, loss, eval_loss, learning_rate, grad_norm, epoch } = entry;
    if (loss === undefined && eval_loss === undefined) return;
    const data: Record<string, number> = {
      step,
      ...(epoch !== undefined && { epoch }),
      ...(loss !== undefined && { train_loss: loss }),
      ...(eval_loss !== undefined && { valid_loss: eval_loss }),
      ...(learning_rate !== undefined && { learning_rate }),
      ...(grad_norm !== undefined && { grad_norm }),
    };
    this.losses.set(step, { ...this.losses.get(step), ...data });
    const what = loss === undefined ? `validation loss=${eval_loss}` : `training loss=${loss}`;
    this.push("info", `Step ${step}: ${what}`, "metrics", data);
  }

  end(status: "succeeded" | "failed" | "cancelled", message: string): void {
    this.status = status;
    this.finished = now();
    if (status === "failed") this.error = { code: "training_failed", message, param: null };
    this.say(status === "failed" ? "error" : "info", message);
  }

  /** The checkpoints that are on the disk, newest first. */
  checkpoints() {
    if (!existsSync(this.out)) return [];
    return readdirSync(this.out)
      .flatMap((name) => /^checkpoint-(\d+)$/.exec(name)?.[1] ?? [])
      .map(Number)
      .sort((a, b) => b - a)
      .map((step) => ({
        object: "fine_tuning.job.checkpoint" as const,
        id: `ftckpt-${this.id.slice("ftjob-".length)}-${step}`,
        created_at: this.created,
        fine_tuning_job_id: this.id,
        fine_tuned_model_checkpoint: checkpointName(this.name, step),
        step_number: step,
        metrics: this.losses.get(step) ?? { step },
        path: join(this.out, `checkpoint-${step}`),
      }));
  }

  /** The job in OpenAI's shape. */
  shape(): Record<string, unknown> {
    const { request, status } = this;
    return {
      object: "fine_tuning.job",
      id: this.id,
      created_at: this.created,
      finished_at: this.finished,
      status,
      model: request.model,
      fine_tuned_model: status === "succeeded" ? this.name : null,
      organization_id: "sekft",
      training_file: request.trainingFile,
      validation_file: request.validationFile,
      result_files: this.results,
      trained_tokens: this.trainedTokens,
      total_steps: this.totalSteps(),
      hyperparameters: request.hyperparameters,
      method: { type: "supervised", supervised: { hyperparameters: request.hyperparameters } },
      seed: this.seed,
      user_provided_suffix: request.suffix,
      estimated_finish: null,
      integrations: [],
      metadata: request.metadata,
      error: this.error,
    };
  }

  /** Updates of the whole run; null before it has begun. */
  private totalSteps(): number | null {
    return existsSync(join(this.out, "manifest.json")) ? readManifest(this.out).totalSteps : null;
  }

  private push(
    level: JobEvent["level"],
    message: string,
    type: JobEvent["type"],
    data: JobEvent["data"],
  ): void {
    const facts = { object: "fine_tuning.job.event", id: newId("ftevent"), created_at: now() } as const;
    this.events.unshift({ ...facts, level, message, type, data });
  }
}

/** OpenAI's way to name the model of a checkpoint. */
function checkpointName(model: string, step: number): string {
  return `${model}:ckpt-step-${step}`;
}
