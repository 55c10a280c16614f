// An episode as a trajectory record, version 1: the field order and names are the corpus's.

import type { Turn } from "../data/normalize.ts";
import type { Episode } from "./contract.ts";

/** Version of the record that is written. */
const VERSION = 1;

/** A record as it stands in a file. */
export interface WrittenTrajectory {
  readonly version: number;
  readonly id: string;
  readonly scenario_id: string;
  readonly scenario_hash: string;
  readonly archetype: string;
  readonly sample: number;
  readonly model: string;
  readonly turns: readonly Turn[];
  readonly outcome: string;
  readonly verified: boolean;
  readonly terminal: string | null;
  readonly keep: boolean;
  readonly limits_hit: readonly string[];
}

/** The record of sample `sample`. A state that was never judged counts as not verified. */
export function toTrajectoryRecord(episode: Episode, sample: number, keep: boolean): WrittenTrajectory {
  return {
    version: VERSION,
    id: `${episode.scenarioId}.s${sample}`,
    scenario_id: episode.scenarioId,
    scenario_hash: episode.scenarioHash,
    archetype: episode.archetype,
    sample,
    model: episode.model,
    turns: episode.turns,
    outcome: episode.outcome,
    verified: episode.verified ?? false,
    terminal: episode.terminal,
    keep,
    limits_hit: episode.limitsHit,
  };
}
