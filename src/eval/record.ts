// One line of episodes.jsonl: everything that was seen and judged in one episode.

import type { Episode } from "../agent/contract.ts";
import { isClean } from "../agent/outcome.ts";
import { DataError, type Place, show } from "../base/errors.ts";
import type { Turn } from "../data/normalize.ts";
import { TERMINALS } from "../data/trajectory.ts";
import { booleanField, complain, isFields, stringField, turnsField } from "../data/turn-checks.ts";

/** A run of the episode that the machinery broke before the one that counts. */
export interface FailedAttempt {
  readonly kind: string;
  readonly message: string;
  readonly steps: number;
  readonly wall_ms: number;
}

/** One episode as it stands in the file. */
export interface EpisodeRecord {
  readonly scenario_id: string;
  readonly scenario_hash: string;
  readonly archetype: string;
  readonly arm: string;
  readonly sample: number;
  readonly model: string;
  readonly outcome: string;
  /** null: never judged. */
  readonly verified: boolean | null;
  readonly terminal: string | null;
  readonly operated: boolean;
  readonly discovered: boolean;
  /** Commands. */
  readonly steps: number;
  readonly turns: readonly Turn[];
  readonly limits_hit: readonly string[];
  /** Of all requests; null where the server does not count. */
  readonly tokens: { readonly prompt: number | null; readonly completion: number | null };
  readonly wall_ms: number;
  readonly error: { readonly kind: string; readonly message: string } | null;
  readonly attempts: readonly FailedAttempt[];
  /** Each command beside what the turns hold. */
  readonly step_log: readonly Readonly<Record<string, unknown>>[];
}

/** What tells one episode of a run from the others. */
export interface EpisodeKey {
  readonly scenario_id: string;
  readonly arm: string;
  readonly sample: number;
}

/** One text for a key. */
export function keyText({ scenario_id, arm, sample }: EpisodeKey): string {
  return JSON.stringify([arm, scenario_id, sample]);
}

/** The machinery failed: not scored. */
export function isBroken(record: EpisodeRecord): boolean {
  return record.outcome === "infrastructure_error";
}

/** The metrics of an eval, in the order of its table. */
export const metricNames = ["operate", "discover", "terminate", "verified", "clean"] as const;
export type MetricName = (typeof metricNames)[number];

/** Whether an episode has each of them. */
export const metricOf: Readonly<Record<MetricName, (record: EpisodeRecord) => boolean>> = {
  operate: (record) => record.operated,
  discover: (record) => record.discovered,
  terminate: (record) => record.terminal !== null,
  verified: (record) => record.verified === true,
  clean: (record) => isClean(record.outcome as Parameters<typeof isClean>[0]),
};

/** The record of an episode and of the attempts before it. */
export function toRecord(
  key: { readonly arm: string; readonly sample: number },
  episode: Episode,
  failed: readonly Episode[],
): EpisodeRecord {
  const { steps } = episode;
  const sum = (name: "promptTokens" | "completionTokens") =>
    steps.some((step) => step[name] === undefined)
      ? null
      : steps.reduce((all, step) => all + (step[name] ?? 0), 0);
  return {
    scenario_id: episode.scenarioId,
    scenario_hash: episode.scenarioHash,
    archetype: episode.archetype,
    arm: key.arm,
    sample: key.sample,
    model: episode.model,
    outcome: episode.outcome,
    verified: episode.verified,
    terminal: episode.terminal,
    operated: episode.operated,
    discovered: episode.discovered,
    steps: steps.length,
    turns: episode.turns,
    limits_hit: episode.limitsHit,
    tokens: { prompt: sum("promptTokens"), completion: sum("completionTokens") },
    wall_ms: Math.round(episode.wallMs),
    error: episode.error && { kind: episode.error.kind, message: episode.error.message },
    attempts: failed.map(({ error, steps: done, wallMs }) => ({
      kind: error?.kind ?? "unknown",
      message: error?.message ?? "",
      steps: done.length,
      wall_ms: Math.round(wallMs),
    })),
    step_log: steps.map((step) => ({
      reply: step.reply,
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
    })),
  };
}

/** Checks what results are counted from; the rest of a line is taken as it is.
 *  @throws DataError naming the field */
export function checkRecord(value: unknown, place: Place): EpisodeRecord {
  if (!isFields(value)) throw new DataError(place, `expected an episode, got ${show(value)}`);
  for (const name of ["scenario_id", "scenario_hash", "archetype", "arm", "outcome"])
    stringField(value, name, place);
  for (const name of ["operated", "discovered"]) booleanField(value, name, place);
  turnsField(value, "turns", place);
  for (const name of ["sample", "steps"])
    if (typeof value[name] !== "number") complain(place, name, `expected a number, got ${show(value[name])}`);
  if (value.verified !== null) booleanField(value, "verified", place);
  if (value.terminal !== null && !TERMINALS.some((word) => word === value.terminal))
    complain(place, "terminal", `expected ${TERMINALS.join(", ")} or null, got ${show(value.terminal)}`);
  return value as unknown as EpisodeRecord;
}
