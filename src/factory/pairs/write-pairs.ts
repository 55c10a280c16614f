// From a folder of trajectories to a file of preference pairs; refuses to write a file with nothing in it.

import { writeFileAtomic } from "../../base/atomic.ts";
import { UserError } from "../../base/errors.ts";
import { plainTerminals, type TerminalWords } from "../../base/terminal-words.ts";
import { readTrajectories } from "../../data/read-records.ts";
import { renameTurns } from "../../data/rename-terminals.ts";
import type { TrajectoryRecord } from "../../data/trajectory.ts";
import { type Balance, balanceOf } from "./balance.ts";
import { makePairs, type PairSet } from "./make-pairs.ts";

/** Reads all samples, kept and rejected, and writes the pairs as JSON lines.
 *  @param terminals what the pairs call the endings; the rows' own words when not given
 *  @throws UserError saying why there is nothing to pair. */
export async function writePairs(
  trajectories: string,
  out: string,
  maxPerScenario: number,
  terminals?: TerminalWords,
): Promise<Balance> {
  const read = await Array.fromAsync(readTrajectories(trajectories));
  const words = terminals ?? read.find((record) => record.terminals)?.terminals ?? plainTerminals;
  const records = read.map((record) => renamed(record, words, terminals !== undefined));
  const set = makePairs(records, maxPerScenario);
  const kept = records.filter(({ keep }) => keep).length;
  if (set.pairs.length === 0) throw nothingToPair(trajectories, set, kept, records.length - kept);
  writeFileAtomic(out, set.pairs.map((pair) => `${JSON.stringify(pair)}\n`).join(""));
  return balanceOf(set, words);
}

/** The record with the pairs' words.
 *  @throws UserError for one that has others */
function renamed(record: TrajectoryRecord, words: TerminalWords, asked: boolean): TrajectoryRecord {
  const { exit, panic } = record.terminals ?? plainTerminals;
  if (exit === words.exit && panic === words.panic) return record;
  if (record.terminals === undefined && asked)
    return { ...record, turns: renameTurns(record.turns, words), terminals: words };
  throw new UserError(
    `${record.id}: expected sessions that end in ${words.exit} or ${words.panic}, got one that ends in ${exit} or ${panic}`,
    { hint: "pair each kind by itself; --terminals renames those that end in exit or panic" },
  );
}

/** Why no pair came of some records.
 *  @param path what they are called
 *  @param kept, rejected how many there were */
export function nothingToPair(path: string, set: PairSet, kept: number, rejected: number): UserError {
  const who = `${path}: expected kept and rejected samples of one scenario`;
  const { scenarios, ignored } = set;
  if (scenarios.all === 0)
    return new UserError(`${who}, got ${kept + rejected} rows that no pair can be made of`, {
      hint:
        ignored.infrastructure > 0
          ? "all are infrastructure failures: run the rollout again"
          : "pairs need trajectory records with scenario_id and outcome, as `sekft rollout` writes them",
    });
  if (kept === 0)
    return new UserError(`${who}, got ${rejected} rejected and none kept`, {
      hint: "roll out with an operator that succeeds now and then",
    });
  if (rejected - ignored.infrastructure - ignored.no_scenario <= 0)
    return new UserError(`${who}, got ${kept} kept and none rejected`, {
      hint: "more --samples, a higher --temperature or a weaker operator; the built-in one makes mistakes with --faults 0.3",
    });
  if (scenarios.only_kept + scenarios.only_rejected === scenarios.all)
    return new UserError(
      `${who}, got ${scenarios.only_kept} scenarios with only kept and ${scenarios.only_rejected} with only rejected ones`,
      {
        hint: "roll out again with more --samples a scenario",
      },
    );
  const why = Object.entries(set.leftOut).flatMap(([name, count]) => (count > 0 ? [`${name} ${count}`] : []));
  return new UserError(`${who} that differ in a command, got none (${why.join(", ")})`, {
    hint: "samples that are the same up to their end teach no preference; roll out with more --samples",
  });
}
