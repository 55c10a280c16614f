// Runs samples side by side until all are there, or enough are kept; each one is on the disk before the next takes its place.

import type { EpisodeLimits, GenerateSettings, Model } from "../../agent/contract.ts";
import { runEpisode } from "../../agent/episode.ts";
import { type RetryPolicy, withRetries } from "../../agent/retries.ts";
import { type FailureKind, InfrastructureError } from "../../base/errors.ts";
import type { TerminalWords } from "../../base/terminal-words.ts";
import type { Scenario } from "../../data/scenario.ts";
import type { SandboxProvider } from "../../sandbox/contract.ts";
import type { RolloutFolder } from "./folder.ts";
import { judgeSample } from "./keep.ts";
import type { Tally } from "./summary.ts";
import { weighWork } from "./work-weight.ts";

/** How many samples in a row the machinery may fail before the run stops: then it is not the samples. */
const STREAK = 5;

/** One sample to run. */
export interface Job {
  readonly scenario: Scenario;
  readonly sample: number;
}

/** Name of a sample, also that of its record. */
export function sampleId({ scenario, sample }: Job): string {
  return `${scenario.id}.s${sample}`;
}

/** What runs samples. */
export interface Rolling {
  readonly folder: RolloutFolder;
  readonly tally: Tally;
  readonly provider: SandboxProvider;
  /** A model for one session. */
  readonly operator: (job: Job) => Model;
  /** Sent before each session, never recorded. */
  readonly scaffold: string | undefined;
  readonly limits: EpisodeLimits;
  /** The words that end a session. */
  readonly terminals: TerminalWords;
  readonly sampling: (job: Job) => Omit<GenerateSettings, "maxTokens">;
  /** Factor on the loss of what is done between the directive and the ending. */
  readonly workWeight: number;
  readonly retries: RetryPolicy;
  /** Samples at once. */
  readonly width: number;
  /** Stop when so many are kept; undefined = run all. */
  readonly goal: number | undefined;
  readonly signal: AbortSignal;
  /** Called when a sample is done, finished or failed. */
  readonly onDone: (line: string | undefined) => void;
}

/** Runs the jobs that have no record yet.
 *  @throws Interrupted when the signal is given up; InfrastructureError when trying on makes no sense; everything that is finished
 *  is on the disk. */
export async function roll(jobs: readonly Job[], rolling: Rolling): Promise<void> {
  const { tally, goal, width, signal } = rolling;
  const running = new Set<Promise<void>>();
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  let failure: unknown;
  let streak = 0;
  const start = (job: Job) => {
    const run = runSample(job, rolling, both)
      .then((failed) => {
        streak = failed === undefined ? 0 : streak + 1;
        if (failed?.error && (failed.error.retryable === false || streak >= STREAK))
          throw givingUp(failed.error, streak);
      })
      .catch((error: unknown) => {
        failure ??= error;
        stop.abort();
      })
      .finally(() => running.delete(run));
    running.add(run);
  };
  // Whoever is under way is taken to be kept, so that there are never more than asked for.
  const enough = () => goal !== undefined && tally.kept + running.size >= goal;
  for (let at = 0; ; ) {
    while (failure === undefined && !signal.aborted && running.size < width && at < jobs.length && !enough())
      start(jobs[at++]!);
    if (running.size === 0) break;
    await Promise.race(running);
  }
  if (failure !== undefined) throw failure;
}

interface Failed {
  readonly error: {
    readonly kind: FailureKind;
    readonly message: string;
    readonly retryable?: boolean;
    readonly hint?: string | undefined;
  } | null;
}

/** Runs one sample to its record; what comes back is a failure of the machinery. */
async function runSample(job: Job, rolling: Rolling, signal: AbortSignal): Promise<Failed | undefined> {
  const { scenario, sample } = job;
  const { folder, tally, onDone } = rolling;
  const { episode, failed } = await withRetries(
    () =>
      runEpisode({
        scenario,
        provider: rolling.provider,
        model: rolling.operator(job),
        limits: rolling.limits,
        terminals: rolling.terminals,
        settings: rolling.sampling(job),
        scaffold: rolling.scaffold,
        stripProse: true,
        signal,
      }),
    rolling.retries,
    signal,
  );
  const attempts = failed.length + 1;
  if (episode.error === null) {
    const judged = judgeSample(episode, scenario, sample, rolling.terminals);
    const record = weighWork(judged, scenario, rolling.workWeight);
    folder.add(record, episode, attempts);
    tally.add(record);
    onDone(undefined);
    return undefined;
  }
  const { kind, message } = episode.error;
  const id = sampleId(job);
  folder.fail({
    id,
    scenario_id: scenario.id,
    archetype: scenario.archetype,
    sample,
    kind,
    message,
    attempts,
    at: new Date().toISOString(),
  });
  tally.fail(id, kind);
  onDone(`${id}: ${kind}: ${message}`);
  return episode;
}

function givingUp(
  { kind, message, retryable, hint }: NonNullable<Failed["error"]>,
  streak: number,
): InfrastructureError {
  const many = retryable === false ? "" : `${streak} samples in a row failed, the last one: `;
  return new InfrastructureError(kind, `rollout: ${many}${message}`, {
    hint: `${hint === undefined ? "" : `${hint}; `}finished samples are kept: the same command goes on where this one stopped`,
    retryable: false,
  });
}
