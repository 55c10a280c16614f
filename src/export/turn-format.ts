// What a chat template writes around turns: the part of Jinja that other programs' templates can say too, as a record.

import { pythonStrip } from "../data/chat/jinja.ts";

/** How a turn's text is written: as it is, or without white space at its ends (Python's `strip`, `lstrip`, `rstrip`). */
export type Trim = "none" | "both" | "left" | "right";

/** A turn as templates see it. */
export interface Turn {
  readonly role: string;
  readonly content: string;
}

/** Turns in any order, each with its own text around it. */
export interface FreeFormat {
  readonly kind: "free";
  /** Before the first turn, unless that is a system turn. */
  readonly head: string;
  /** Before and behind a system turn that comes first. */
  readonly firstSystem: readonly [string, string];
  readonly around: Readonly<Record<"system" | "user" | "assistant", readonly [string, string]>>;
  /** At the end, for the assistant to go on. */
  readonly generation: string;
  readonly trim: Readonly<Record<"system" | "user" | "assistant", Trim>>;
}

/** User and assistant in turns, after at most one system turn. */
export interface AlternatingFormat {
  readonly kind: "alternating";
  /** Before the first user turn. */
  readonly head: string;
  /** User to assistant, assistant to user. */
  readonly toAssistant: string;
  readonly toUser: string;
  /** At the end, behind a user turn and behind an assistant turn. */
  readonly afterUser: string;
  readonly afterAssistant: string;
  /** Where a system turn's text goes: before the first user turn; into the last user turn; or the template has no place for it,
   *  and it is joined with the first user turn as sekft does before training. */
  readonly system:
    | { readonly place: "first"; readonly before: string; readonly between: string }
    | {
        readonly place: "last";
        /** When the last user turn is the first one. */
        readonly alone: readonly [string, string];
        readonly later: readonly [string, string];
      }
    | { readonly place: "folded" };
  readonly trim: Readonly<Record<"system" | "user" | "userAfterSystem" | "assistant", Trim>>;
}

export type TurnFormat = FreeFormat | AlternatingFormat;

/** `text` as `trim` leaves it. */
export function trimmed(text: string, trim: Trim): string {
  if (trim === "none") return text;
  return pythonStrip(text, trim);
}

/** The text that the Go template of this format writes; undefined where that refuses. */
export function renderTurns(format: TurnFormat, turns: readonly Turn[]): string | undefined {
  return format.kind === "free" ? renderFree(format, turns) : renderAlternating(format, turns);
}

function renderFree(format: FreeFormat, turns: readonly Turn[]): string | undefined {
  let text = turns[0]?.role === "system" ? "" : format.head;
  for (const [i, { role, content }] of turns.entries()) {
    if (role !== "system" && role !== "user" && role !== "assistant") return undefined;
    const [before, behind] = role === "system" && i === 0 ? format.firstSystem : format.around[role];
    text += before + trimmed(content, format.trim[role]) + behind;
  }
  return text + format.generation;
}

function renderAlternating(format: AlternatingFormat, turns: readonly Turn[]): string | undefined {
  const { system, trim } = format;
  const first = turns[0]?.role === "system" ? turns[0] : undefined;
  const rest = first === undefined ? turns : turns.slice(1);
  let text = "";
  for (const [i, { role, content }] of rest.entries()) {
    if (role !== (i % 2 === 0 ? "user" : "assistant")) return undefined;
    if (role === "assistant") {
      text += format.toAssistant + trimmed(content, trim.assistant);
      continue;
    }
    const join = i === 0 ? format.head : format.toUser;
    const said = first && trimmed(first.content, trim.system);
    if (said === undefined) text += join + trimmed(content, trim.user);
    else if (system.place === "folded")
      text += join + trimmed(i === 0 ? folded(said, content) : content, trim.user);
    else if (system.place === "last" && i === rest.length - 1) {
      const [before, between] = i === 0 ? system.alone : system.later;
      text += before + said + between + trimmed(content, trim.userAfterSystem);
    } else if (system.place === "first" && i === 0)
      text += system.before + said + system.between + trimmed(content, trim.userAfterSystem);
    else text += join + trimmed(content, trim.user);
  }
  return text + (rest.at(-1)?.role === "assistant" ? format.afterAssistant : format.afterUser);
}

/** sekft's own rule for a system turn in front of the first user turn (`normalizeForTemplate`). */
function folded(system: string, user: string): string {
  if (system === "" || user === "") return system + user;
  return system.endsWith("\n") ? system + user : `${system}\n${user}`;
}
