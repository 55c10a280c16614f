// Preference pairs as TRL's data sets hold them: `prompt`, `chosen` and `rejected` as messages or as plain text, or with the
// prompt inside both completions.

import { DataError, type Place } from "../../base/errors.ts";
import type { Turn } from "../normalize.ts";
import { readValues } from "../read-records.ts";
import { complain, type Fields, isFields, kindOf, stringField, turnsField } from "../turn-checks.ts";

/** One pair. */
export type PairRecord = (ChatPair | TextPair) & {
  /** The row's place, which names it. */
  readonly place: Place;
  readonly scenarioId?: string;
  readonly archetype?: string;
};

/** A pair of continuations of a conversation. */
interface ChatPair {
  readonly kind: "chat";
  readonly prompt: readonly Turn[];
  readonly chosen: readonly Turn[];
  readonly rejected: readonly Turn[];
}

/** A pair of continuations of a text, without a chat template. */
interface TextPair {
  readonly kind: "text";
  readonly prompt: string;
  readonly chosen: string;
  readonly rejected: string;
}

/** Reads all pairs of a JSONL, JSON or Parquet file, checked.
 *  @throws UserError when nothing is there; DataError naming file, line and field of the first row that is wrong. */
export async function* readPairs(path: string): AsyncGenerator<PairRecord> {
  let rows = 0;
  for await (const { value, place } of readValues(path, ["chosen"])) {
    rows++;
    yield checkPair(value, place);
  }
  if (rows === 0) throw new DataError({ file: path }, "no records");
}

/** Checks one row.
 *  @throws DataError naming the field. */
function checkPair(value: unknown, place: Place): PairRecord {
  if (!isFields(value)) throw new DataError(place, `expected an object, found ${kindOf(value)}`);
  for (const name of ["chosen", "rejected"])
    if (value[name] === undefined)
      throw new DataError({ ...place, field: join(place, name) }, "missing", {
        hint: `a preference pair has prompt, chosen and rejected; this row has ${Object.keys(value).slice(0, 8).join(", ") || "nothing"}`,
      });
  const text = typeof value.chosen === "string";
  const pair = text ? textPair(value, place) : chatPair(value, place);
  const named = {
    ...(typeof value.scenario_id === "string" && { scenarioId: value.scenario_id }),
    ...(typeof value.archetype === "string" && { archetype: value.archetype }),
  };
  return { ...pair, place, ...named };
}

/** Refuses a pair that prefers nothing. */
export function refuseEqual(place: Place, what: string): never {
  throw new DataError(
    { ...place, field: join(place, "rejected") },
    `expected another ${what} than chosen, found the same`,
    {
      hint: "a pair whose two sides are equal prefers nothing; leave the row out",
    },
  );
}

function textPair(value: Fields, place: Place): TextPair {
  let chosen = stringField(value, "chosen", place);
  let rejected = stringField(value, "rejected", place);
  if (chosen === rejected) refuseEqual(place, "completion");
  let prompt: string;
  if (value.prompt === undefined) {
    // TRL's extract_prompt: the longest common beginning, less a blank at its end.
    let shared = 0;
    while (shared < Math.min(chosen.length, rejected.length) && chosen[shared] === rejected[shared]) shared++;
    if (chosen[shared - 1] === " ") shared--;
    if (shared === 0) noSharedPrompt(place);
    prompt = chosen.slice(0, shared);
    chosen = chosen.slice(shared);
    rejected = rejected.slice(shared);
  } else prompt = stringField(value, "prompt", place);
  if (prompt === "") complain(place, "prompt", "expected text, found an empty string");
  for (const [name, side] of [["chosen", chosen] as const, ["rejected", rejected] as const])
    if (side.trim() === "") complain(place, name, "expected a completion, found none");
  return { kind: "text", prompt, chosen, rejected };
}

function chatPair(value: Fields, place: Place): ChatPair {
  let chosen: readonly Turn[] = turnsField(value, "chosen", place);
  let rejected: readonly Turn[] = turnsField(value, "rejected", place);
  if (sameTurns(chosen, rejected)) refuseEqual(place, "completion");
  let prompt: readonly Turn[];
  let skipped = 0;
  if (value.prompt === undefined) {
    const shortest = Math.min(chosen.length, rejected.length);
    while (skipped < shortest && sameTurns([chosen[skipped]!], [rejected[skipped]!])) skipped++;
    // One conversation may be the beginning of the other; a completion has at least one turn.
    skipped = Math.min(skipped, shortest - 1);
    prompt = chosen.slice(0, Math.max(0, skipped));
    chosen = chosen.slice(prompt.length);
    rejected = rejected.slice(prompt.length);
    if (prompt.length === 0 && chosen.length > 0 && rejected.length > 0) noSharedPrompt(place);
  } else if (typeof value.prompt === "string")
    throw new DataError(
      { ...place, field: join(place, "prompt") },
      "expected messages as in chosen, found a string",
      {
        hint: "leave prompt out where chosen and rejected hold the whole conversation",
      },
    );
  else prompt = turnsField(value, "prompt", place);
  if (prompt.length === 0) complain(place, "prompt", "expected at least one message, found none");
  checkCompletion(chosen, "chosen", prompt.length > 0 ? skipped : 0, place);
  checkCompletion(rejected, "rejected", skipped, place);
  return { kind: "chat", prompt, chosen, rejected };
}

function checkCompletion(turns: readonly Turn[], name: string, skipped: number, place: Place): void {
  const first = turns[0];
  if (first === undefined) complain(place, name, "expected a completion, found none");
  if (first.role !== "assistant")
    complain(
      place,
      `${name}[${skipped}].role`,
      `expected an assistant turn after the prompt, found ${first.role}`,
    );
  const last = turns.at(-1)!;
  if (last.role !== "assistant")
    complain(
      place,
      `${name}[${skipped + turns.length - 1}].role`,
      `expected the completion to end in an assistant turn, found ${last.role}`,
    );
  for (const [i, turn] of turns.entries()) {
    const path = `${name}[${skipped + i}]`;
    if (turn.role === "assistant" && turn.content.trim() === "")
      complain(place, `${path}.content`, "expected a completion, found an empty turn");
    if (turn.weight !== undefined && turn.weight !== 0 && turn.weight !== 1)
      complain(place, `${path}.weight`, `expected 0 or 1 in a preference pair, found ${turn.weight}`);
  }
}

function noSharedPrompt(place: Place): never {
  throw new DataError(place, "no prompt, and chosen and rejected do not begin alike", {
    hint: "a preference is one between two answers to the same prompt: give it as prompt, or at the start of both",
  });
}

function sameTurns(a: readonly Turn[], b: readonly Turn[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ role, content }, i) => role === b[i]!.role && content === b[i]!.content)
  );
}

function join(place: Place, name: string): string {
  return place.field === undefined ? name : `${place.field}.${name}`;
}
