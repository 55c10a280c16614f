// The folder of a rollout: what is in it when a run goes on, and how finished samples get there whole, once and for good.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Episode, Step } from "../../agent/contract.ts";
import { writeFileAtomic } from "../../base/atomic.ts";
import { Journal } from "../../base/journal.ts";
import { ROLLOUT_FILES } from "../../data/rollout-folder.ts";
import type { SampleRecord } from "./keep.ts";

/** A sample that the machinery failed, one line of failures.jsonl. */
export interface FailureRecord {
  readonly id: string;
  readonly scenario_id: string;
  readonly archetype: string;
  readonly sample: number;
  readonly kind: string;
  readonly message: string;
  readonly attempts: number;
  readonly at: string;
}

/** The journals of a rollout. The folder must be locked. */
export class RolloutFolder implements Disposable {
  private readonly trajectories: Journal;
  private readonly episodes: Journal;
  private readonly failures: Journal;
  /** Bytes that a kill had left half-written. */
  readonly tornBytes: number;

  constructor(readonly path: string) {
    this.trajectories = new Journal(join(path, ROLLOUT_FILES.trajectories));
    // A sample counts when its trajectory is on the disk; steps without one were cut off in between and come again.
    dropUncounted(join(path, ROLLOUT_FILES.episodes), new Set(this.finished.map(({ id }) => id)));
    this.episodes = new Journal(join(path, ROLLOUT_FILES.episodes));
    this.failures = new Journal(join(path, ROLLOUT_FILES.failures));
    this.tornBytes = this.trajectories.tornBytes + this.episodes.tornBytes + this.failures.tornBytes;
  }

  /** Samples that earlier runs finished. */
  get finished(): readonly SampleRecord[] {
    return this.trajectories.records as readonly SampleRecord[];
  }

  /** Puts a finished sample on the disk. */
  add(record: SampleRecord, episode: Episode, attempts: number): void {
    this.episodes.append(stepLog(record, episode, attempts));
    this.trajectories.append(record);
  }

  /** Notes a sample that the machinery failed. */
  fail(failure: FailureRecord): void {
    this.failures.append(failure);
  }

  [Symbol.dispose](): void {
    this.trajectories[Symbol.dispose]();
    this.episodes[Symbol.dispose]();
    this.failures[Symbol.dispose]();
  }
}

function dropUncounted(path: string, counted: ReadonlySet<string>): void {
  if (!existsSync(path)) return;
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  const kept = lines.filter((line) => counted.has((JSON.parse(line) as { id: string }).id));
  if (kept.length < lines.length) writeFileAtomic(path, kept.map((line) => `${line}\n`).join(""));
}

/** What the turns do not tell: replies as they came, statuses, sizes, hashes, times. */
function stepLog(record: SampleRecord, episode: Episode, attempts: number): unknown {
  return {
    id: record.id,
    scenario_id: record.scenario_id,
    archetype: record.archetype,
    sample: record.sample,
    model: record.model,
    outcome: record.outcome,
    verified: record.verified,
    terminal: record.terminal,
    operated: episode.operated,
    discovered: episode.discovered,
    keep: record.keep,
    attempts,
    wall_ms: Math.round(episode.wallMs),
    steps: episode.steps.map(stepFields),
  };
}

function stepFields(step: Step): unknown {
  return {
    // Only where it was more than the command.
    ...(step.reply === step.command ? {} : { reply: step.reply }),
    command: step.command,
    prose: step.prose,
    status: step.status,
    timed_out: step.timedOut,
    output_bytes: step.outputBytes,
    output_sha256: step.outputSha256,
    truncated: step.truncated,
    prompt_tokens: step.promptTokens ?? null,
    completion_tokens: step.completionTokens ?? null,
    model_ms: Math.round(step.modelMs),
    command_ms: Math.round(step.commandMs),
  };
}
