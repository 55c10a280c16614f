// What the list shows of a line: an episode of an eval, or a trajectory.

import type { Place } from "../base/errors.ts";
import { checkTrajectory, type TrajectoryRecord } from "../data/trajectory.ts";
import { checkRecord, type EpisodeRecord, isBroken, metricOf } from "../eval/record.ts";

/** Facts of one line. */
export interface RowFacts {
  /** Rows of one name stand side by side. */
  readonly name: string;
  readonly arm: string;
  readonly archetype: string;
  readonly outcome: string;
  readonly clean: boolean;
  readonly broken: boolean;
  readonly operated: boolean;
  readonly discovered: boolean;
  readonly verified: boolean | null;
  readonly terminal: string | null;
  readonly steps: number;
}

/** Reads the facts of a parsed line.
 *  @throws DataError naming line and field */
export type FactsReader = (value: unknown, place: Place) => RowFacts;

/** A line of an eval's episodes.jsonl. */
export const episodeFacts: FactsReader = (value, place) => {
  const record: EpisodeRecord = checkRecord(value, place);
  const { scenario_id, sample, arm, archetype, outcome, operated, discovered, verified, terminal, steps } =
    record;
  return {
    name: sample === 0 ? scenario_id : `${scenario_id}#${sample}`,
    arm,
    archetype,
    outcome,
    clean: metricOf.clean(record),
    broken: isBroken(record),
    operated,
    discovered,
    verified,
    terminal,
    steps,
  };
};

/** A line of training data. */
export const trajectoryFacts: FactsReader = (value, place) =>
  factsOfTrajectory(checkTrajectory(value, place));

/** A row of training data that was read already. */
export function factsOfTrajectory(record: TrajectoryRecord): RowFacts {
  const { id, archetype, outcome, verified, terminal, keep, turns } = record;
  return {
    name: id,
    arm: keep ? "kept" : "not kept",
    archetype: archetype ?? "unknown",
    outcome: outcome ?? "unknown",
    clean: outcome === undefined ? keep : outcome === "success" || outcome === "correct_panic",
    broken: outcome === "infrastructure_error",
    operated: false,
    discovered: false,
    verified: verified ?? null,
    terminal: terminal ?? null,
    steps: turns.filter(({ role }) => role === "assistant").length,
  };
}
