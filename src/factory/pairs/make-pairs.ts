// Preference pairs from trajectories: a kept and a rejected sample of one scenario, cut at the first turn that differs.

import { normalizeForTemplate, type Turn } from "../../data/normalize.ts";
import type { Outcome, TrajectoryRecord } from "../../data/trajectory.ts";

/** One message, as chat templates and TRL take them. */
interface Message {
  readonly role: "user" | "assistant";
  readonly content: string;
}

/** One line of the file: TRL's conversational preference format with an explicit prompt, and where it comes from. */
export interface PreferencePair {
  /** What both samples share, normalised as training normalises it; ends in a user turn. */
  readonly prompt: readonly Message[];
  /** The kept sample's next command. */
  readonly chosen: readonly Message[];
  /** The rejected sample's next command. */
  readonly rejected: readonly Message[];
  readonly scenario_id: string;
  readonly archetype: string;
  readonly chosen_id: string;
  readonly rejected_id: string;
  readonly rejected_outcome: Outcome;
}

/** Why two samples gave no pair. */
const LEFT_OUT = [
  "same_commands",
  "world_differed",
  "nothing_said",
  "command_also_kept",
  "duplicate",
  "contradiction",
  "over_the_cap",
] as const;
export type LeftOut = (typeof LEFT_OUT)[number];

/** The pairs and what became of everything else. */
export interface PairSet {
  readonly pairs: readonly PreferencePair[];
  readonly leftOut: Readonly<Record<LeftOut, number>>;
  /** Rows that carry no scenario or are no episodes of the machinery's liking, by reason. */
  readonly ignored: { readonly infrastructure: number; readonly no_scenario: number };
  readonly scenarios: { readonly all: number; readonly only_kept: number; readonly only_rejected: number };
}

/** Pairs every kept sample with every rejected one of its scenario. A pair is left out when the rejected command is what another
 *  kept sample did at the same place (it was not the mistake), when it says the opposite of another pair, and when it stands there
 *  already. Of more than `maxPerScenario` those with the longest common history are taken: their turns differ last and say most.
 *  @param maxPerScenario 0 = all */
export function makePairs(records: readonly TrajectoryRecord[], maxPerScenario: number): PairSet {
  const leftOut = Object.fromEntries(LEFT_OUT.map((why) => [why, 0])) as Record<LeftOut, number>;
  const ignored = { infrastructure: 0, no_scenario: 0 };
  const byScenario = new Map<string, { kept: TrajectoryRecord[]; rejected: TrajectoryRecord[] }>();
  for (const record of records) {
    if (record.outcome === "infrastructure_error") ignored.infrastructure++;
    else if (record.scenarioId === undefined || record.outcome === undefined) ignored.no_scenario++;
    else {
      const group = byScenario.get(record.scenarioId) ?? { kept: [], rejected: [] };
      group[record.keep ? "kept" : "rejected"].push(record);
      byScenario.set(record.scenarioId, group);
    }
  }
  const candidates: Candidate[] = [];
  for (const { kept, rejected } of byScenario.values()) {
    const keptMoves = new Set(kept.flatMap(movesOf));
    for (const good of kept)
      for (const bad of rejected) {
        const candidate = compare(good, bad);
        if (typeof candidate === "string") leftOut[candidate]++;
        else if (keptMoves.has(move(candidate.pair.prompt, candidate.pair.rejected)))
          leftOut.command_also_kept++;
        else candidates.push(candidate);
      }
  }
  const pairs = cap(unique(candidates, leftOut), maxPerScenario, leftOut);
  const groups = [...byScenario.values()];
  const scenarios = {
    all: groups.length,
    only_kept: groups.filter(({ rejected }) => rejected.length === 0).length,
    only_rejected: groups.filter(({ kept }) => kept.length === 0).length,
  };
  return { pairs, leftOut, ignored, scenarios };
}

interface Candidate {
  readonly pair: PreferencePair;
  /** Turns that both samples share. */
  readonly shared: number;
}

/** The pair of two samples, or why there is none. */
function compare(good: TrajectoryRecord, bad: TrajectoryRecord): Candidate | LeftOut {
  const shared = good.turns.findIndex((turn, i) => !sameTurn(turn, bad.turns[i]));
  const a = good.turns[shared];
  const b = bad.turns[shared];
  if (shared < 0 || a === undefined || b === undefined) return "same_commands";
  // The same commands, and yet the screen says something else: nothing that a preference could teach.
  if (a.role !== "assistant" || b.role !== "assistant") return "world_differed";
  // An empty reply has no token to prefer or to avoid.
  if ([a, b].some(({ content }) => content.trim() === "")) return "nothing_said";
  const pair = {
    prompt: messages(good.turns.slice(0, shared)),
    chosen: [message(a)],
    rejected: [message(b)],
    scenario_id: good.scenarioId!,
    archetype: good.archetype!,
    chosen_id: good.id,
    rejected_id: bad.id,
    rejected_outcome: bad.outcome!,
  };
  return { pair, shared };
}

function sameTurn(a: Turn, b: Turn | undefined): boolean {
  return b !== undefined && a.role === b.role && a.content === b.content;
}

/** Each history of a sample with the command that followed. */
function movesOf(record: TrajectoryRecord): string[] {
  return record.turns.flatMap((turn, i) =>
    turn.role === "assistant" ? [move(messages(record.turns.slice(0, i)), [message(turn)])] : [],
  );
}

function move(prompt: readonly Message[], next: readonly Message[]): string {
  return JSON.stringify([prompt, next]);
}

function messages(turns: readonly Turn[]): Message[] {
  return normalizeForTemplate(turns).map(({ role, content }) => ({ role, content }));
}

function message(turn: Turn): Message {
  return { role: "assistant", content: turn.content };
}

/** Each preference once, and none beside its opposite. */
function unique(candidates: readonly Candidate[], leftOut: Record<LeftOut, number>): Candidate[] {
  const key = ({ pair }: Candidate) => JSON.stringify([pair.prompt, pair.chosen, pair.rejected]);
  const opposite = ({ pair }: Candidate) => JSON.stringify([pair.prompt, pair.rejected, pair.chosen]);
  const all = new Set(candidates.map(key));
  const seen = new Set<string>();
  return candidates.filter((candidate) => {
    const name = key(candidate);
    if (seen.has(name)) leftOut.duplicate++;
    else if (all.has(opposite(candidate))) leftOut.contradiction++;
    else {
      seen.add(name);
      return true;
    }
    return false;
  });
}

function cap(
  candidates: readonly Candidate[],
  most: number,
  leftOut: Record<LeftOut, number>,
): PreferencePair[] {
  const used = new Map<string, number>();
  const ranked = candidates
    .map((candidate, order) => ({ ...candidate, order }))
    .sort((a, b) => b.shared - a.shared || a.order - b.order);
  const taken = ranked.filter(({ pair }) => {
    const count = (used.get(pair.scenario_id) ?? 0) + 1;
    used.set(pair.scenario_id, count);
    if (most === 0 || count <= most) return true;
    leftOut.over_the_cap++;
    return false;
  });
  return taken.sort((a, b) => a.order - b.order).map(({ pair }) => pair);
}
