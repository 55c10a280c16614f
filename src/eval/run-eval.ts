// Arms x scenarios x samples, several episodes at once, each on the disk as soon as it ended.

import type { Episode, EpisodeLimits, Model } from "../agent/contract.ts";
import { runEpisode } from "../agent/episode.ts";
import { type RetryPolicy, withRetries } from "../agent/retries.ts";
import { InfrastructureError } from "../base/errors.ts";
import type { TerminalWords } from "../base/terminal-words.ts";
import type { Turn } from "../data/normalize.ts";
import type { Scenario } from "../data/scenario.ts";
import type { SandboxProvider } from "../sandbox/contract.ts";
import type { EpisodeLog } from "./episode-log.ts";
import type { Sampling } from "./manifest.ts";
import { type EpisodeRecord, isBroken, keyText, toRecord } from "./record.ts";

/** A model and what the run calls it. */
export interface Arm {
  readonly name: string;
  readonly model: Model;
}

/** What is run. */
export interface EvalRequest {
  readonly arms: readonly Arm[];
  readonly scenarios: readonly Scenario[];
  readonly provider: SandboxProvider;
  readonly sampling: Sampling;
  readonly limits: EpisodeLimits;
  readonly prime?: readonly Turn[] | undefined;
  /** The words that end a session; `exit` and `panic` when not given. */
  readonly terminals?: TerminalWords | undefined;
  /** Episodes at once. */
  readonly jobs: number;
  readonly retries: RetryPolicy;
  readonly log: EpisodeLog;
  readonly signal?: AbortSignal | undefined;
  /** Called with every episode that ended. */
  readonly onEpisode?: ((record: EpisodeRecord) => void) | undefined;
}

interface Task {
  readonly arm: Arm;
  readonly scenario: Scenario;
  readonly sample: number;
}

/** Runs the episodes that the log does not hold yet.
 *  @returns all of them, earlier ones included
 *  @throws Interrupted when `signal` is given up; InfrastructureError when nothing worked and no later try can help,
 *  e.g. a key that is refused.
 *  What had ended by then is in the log. */
export async function runEval(request: EvalRequest): Promise<EpisodeRecord[]> {
  const { log, sampling, arms, scenarios } = request;
  const records = [...log.done];
  const done = new Set(records.map(keyText));
  const tasks: Task[] = [];
  // Arms are innermost: base and adapter meet a scenario at about the same time, so that a run that was cut short still has pairs.
  for (let sample = 0; sample < sampling.samples; sample++)
    for (const scenario of scenarios)
      for (const arm of arms)
        if (!done.has(keyText({ scenario_id: scenario.id, arm: arm.name, sample })))
          tasks.push({ arm, scenario, sample });
  const stop = new AbortController();
  const signal = request.signal ? AbortSignal.any([request.signal, stop.signal]) : stop.signal;
  const queue = tasks.values();
  let failure: unknown;
  const worker = async () => {
    for (const task of queue) {
      try {
        const { record, error } = await runTask(task, request, signal);
        // A refused key or an unknown model before anything worked: the rest would end the same way.
        if (error?.retryable === false && records.every(isBroken))
          throw new InfrastructureError(error.kind, error.message, { retryable: false, hint: error.hint });
        log.append(record);
        records.push(record);
        request.onEpisode?.(record);
      } catch (error) {
        // The others are told to leave; what they throw on their way out is no news.
        failure ??= error;
        stop.abort(error);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, request.jobs) }, worker));
  if (failure !== undefined) throw failure;
  return records;
}

async function runTask(task: Task, request: EvalRequest, signal: AbortSignal) {
  const { arm, scenario, sample } = task;
  const { sampling, limits, prime, terminals, provider, retries, log } = request;
  const key = { arm: arm.name, sample };
  const kept: Episode[] = [];
  const { episode, failed } = await withRetries(
    async () => {
      const before = kept.at(-1);
      if (before) log.appendBroken(toRecord(key, before, kept.slice(0, -1)));
      const run = await runEpisode({
        scenario,
        provider,
        model: arm.model,
        limits,
        settings: {
          temperature: sampling.temperature,
          topP: sampling.top_p,
          // Samples of a scenario differ, arms do not.
          seed: sampling.seed + sample,
        },
        prime,
        terminals,
        signal,
      });
      kept.push(run);
      return run;
    },
    retries,
    signal,
  );
  return { record: toRecord(key, episode, failed), error: episode.error };
}
