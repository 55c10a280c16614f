// Which samples are trained on: everything has to be right, and what was not is written down.

import type { Episode } from "../../agent/contract.ts";
import { isClean } from "../../agent/outcome.ts";
import { toTrajectoryRecord, type WrittenTrajectory } from "../../agent/record.ts";
import { plainTerminals, recordedTerminals, type TerminalWords } from "../../base/terminal-words.ts";
import { findDefects } from "../../data/defects.ts";
import type { Scenario } from "../../data/scenario.ts";
import { checkTrajectory } from "../../data/trajectory.ts";
import { findTrace } from "./wrapper-traces.ts";

/** A finished sample as it stands in trajectories.jsonl. */
export interface SampleRecord extends WrittenTrajectory {
  /** Why it is not kept; absent when it is. */
  readonly reason?: string;
  /** What the endings are called in its turns, where that is not `exit` and `panic`. */
  readonly terminals?: TerminalWords;
}

/** Judges an episode that the machinery did not break, and makes its record. */
export function judgeSample(
  episode: Episode,
  scenario: Scenario,
  sample: number,
  terminals: TerminalWords = plainTerminals,
): SampleRecord {
  const kept = { ...toTrajectoryRecord(episode, sample, true), ...recordedTerminals(terminals) };
  const reasons = reasonsAgainst(episode, scenario, kept, terminals);
  return reasons.length === 0 ? kept : { ...kept, keep: false, reason: reasons.join("; ") };
}

function reasonsAgainst(
  episode: Episode,
  scenario: Scenario,
  kept: WrittenTrajectory,
  terminals: TerminalWords,
): string[] {
  const reasons: string[] = [];
  if (!isClean(episode.outcome)) reasons.push(`outcome ${episode.outcome}`);
  else if (episode.verified !== true) reasons.push("not verified");
  if (!episode.operated) reasons.push("never called the provider");
  if (scenario.directive !== null && !episode.discovered) reasons.push("the directive was never shown");
  else if (scenario.directive === null && !episode.discovered) reasons.push("the provider never answered");
  const talk = episode.steps.filter(({ prose }) => prose).length;
  if (talk > 0) reasons.push(`prose in ${talk} of ${episode.steps.length} replies`);
  if (episode.limitsHit.length > 0) reasons.push(`limit ${episode.limitsHit.join(", ")}`);
  const trace = findTrace(episode.turns);
  if (trace !== undefined) reasons.push(`trace of the harness: ${trace}`);
  // The rest of the list says it better for episodes that went wrong.
  if (reasons.length === 0)
    for (const { complaint } of findDefects(checkTrajectory(kept, { file: kept.id }), terminals))
      reasons.push(complaint);
  return reasons;
}
