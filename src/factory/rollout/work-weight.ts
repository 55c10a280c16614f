// How much of the work is trained. A small base that learns the work of its sessions too forgets the work that is in none of them; with
// the work as context only, it learns the way to the directive and when to leave, and works as it always did.

import { shows } from "../../agent/provider-use.ts";
import type { Scenario } from "../../data/scenario.ts";
import type { SampleRecord } from "./keep.ts";

/** The record with `weight` on every command between the directive and the ending: factor on their loss, 0 = context only. A session
 *  without a directive has no work. */
export function weighWork(
  record: SampleRecord,
  { directive }: Pick<Scenario, "directive">,
  weight: number,
): SampleRecord {
  if (weight === 1 || directive === null) return record;
  const told = record.turns.findIndex(({ role, content }) => role === "user" && shows(content, directive));
  if (told < 0) return record;
  const ending =
    record.terminal === null ? -1 : record.turns.findLastIndex(({ role }) => role === "assistant");
  const turns = record.turns.map((turn, i) =>
    turn.role === "assistant" && i > told && i !== ending ? { ...turn, weight } : turn,
  );
  return { ...record, turns };
}
