// One row of a source as turns: what `sekft train` takes, and prompts with a response, which become messages.

import { DataError, type Place } from "../base/errors.ts";
import type { Turn } from "../data/normalize.ts";
import { checkTrajectory } from "../data/trajectory.ts";
import { complain, type Fields, isFields, stringField, turnsField } from "../data/turn-checks.ts";

/** A row that may go into the mix. */
export interface Conversation {
  /** As it is written, prompt and response as messages. */
  readonly fields: Fields;
  readonly turns: readonly Turn[];
  /** Its own id, undefined where it has none. */
  readonly id: string | undefined;
  /** False where the row itself says that it is not to be trained on. */
  readonly kept: boolean;
  /** A session with a verdict, whose id must be the only one. */
  readonly verdict: boolean;
  readonly archetype?: string;
  readonly scenarioId?: string;
}

const RESPONSES = ["response", "completion"] as const;

/** Checks one row.
 *  @throws DataError naming file, line and field */
export function readConversation(value: unknown, place: Place): Conversation {
  if (isFields(value) && "chosen" in value && "rejected" in value)
    throw new DataError(place, "expected a conversation, found a preference pair", {
      hint: "sekft train --method dpo reads pairs; a mix is of conversations",
    });
  const fields = isFields(value) ? asMessages(value, place) : value;
  const { shape, turns, keep, archetype, scenarioId } = checkTrajectory(fields, place);
  const row = fields as Fields;
  const { accepted } = row;
  if (accepted !== undefined && accepted !== null && typeof accepted !== "boolean")
    complain(place, "accepted", `expected true, false or null, found ${JSON.stringify(accepted)}`);
  return {
    fields: row,
    turns,
    id: row.id === undefined || row.id === null ? undefined : String(row.id),
    kept: keep && accepted !== false,
    verdict: shape === "trajectory",
    ...(archetype !== undefined && { archetype }),
    ...(scenarioId !== undefined && { scenarioId }),
  };
}

/** `prompt` and `response` as `messages`; other rows as they are. */
function asMessages(row: Fields, place: Place): Fields {
  const name = RESPONSES.find((one) => row[one] !== undefined);
  if (row.prompt === undefined || name === undefined) return row;
  for (const shape of ["messages", "turns", "conversations"])
    if (row[shape] !== undefined) throw new DataError(place, `both prompt and ${shape}`);
  const side = (key: string, role: "user" | "assistant"): Turn[] =>
    Array.isArray(row[key]) ? turnsField(row, key, place) : [{ role, content: stringField(row, key, place) }];
  const messages = [...side("prompt", "user"), ...side(name, "assistant")];
  const rest = Object.fromEntries(Object.entries(row).filter(([key]) => key !== "prompt" && key !== name));
  return { ...rest, messages };
}

/** All that is said in a conversation, in lower case; `own` is where the text after a leading system turn begins: an orientation that many
 *  rows share makes none of them alike. */
export function conversationText(turns: readonly Turn[]): { readonly text: string; readonly own: number } {
  const leading = turns.findIndex(({ role }) => role !== "system");
  const contents = turns.map(({ content }) => content.toLowerCase());
  const text = contents.join("\n");
  if (leading <= 0) return { text, own: 0 };
  return { text, own: contents.slice(0, leading).reduce((sum, { length }) => sum + length + 1, 0) };
}
