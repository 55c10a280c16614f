// The first half of the render contract: what turns become before a chat template sees them. Training and serving share it.

import { show } from "../base/errors.ts";
import { refuse } from "./refused.ts";

/** Who speaks in a turn. */
export type Role = "system" | "user" | "assistant";

/** One recorded turn. */
export interface Turn {
  readonly role: Role;
  readonly content: string;
  /** Factor on the loss of an assistant turn; 0 = context only. */
  readonly weight?: number;
  /** `false`: a slip, context as with `weight: 0`, and never an example of anything. */
  readonly train?: boolean;
}

/** A stretch of a merged turn that came from one recorded turn, newline of the join included. */
export interface TurnPart {
  /** UTF-16 code units of the merged content. */
  readonly length: number;
  readonly weight: number;
  /** Its weight was set to 0: context that is as it should be, unlike a turn with `train: false`. */
  readonly context: boolean;
}

/** A turn as the template gets it. */
export interface NormalizedTurn {
  readonly role: "user" | "assistant";
  readonly content: string;
  readonly parts: readonly TurnPart[];
}

/** Merges consecutive turns of a role and folds a leading system turn into the first user turn, because templates
 *  such as Mistral's refuse both. Parts are joined by one newline unless the left one ends with one: as a terminal
 *  shows them. Nothing is trimmed.
 *  @throws RefusedError `bad_role`, `bad_content` or `system_not_leading`. */
export function normalizeForTemplate(turns: readonly Turn[]): NormalizedTurn[] {
  const merged: { role: Role; content: string; parts: readonly TurnPart[] }[] = [];
  for (const [i, turn] of turns.entries()) {
    if (turn.role !== "system" && turn.role !== "user" && turn.role !== "assistant")
      refuse("bad_role", `turns[${i}].role: expected system, user or assistant, got ${show(turn.role)}`);
    if (typeof turn.content !== "string")
      refuse("bad_content", `turns[${i}].content: expected a string, got ${show(turn.content)}`);
    const own = {
      role: turn.role,
      content: turn.content,
      parts: [{ length: turn.content.length, weight: weightOf(turn), context: isContext(turn) }],
    };
    const last = merged.at(-1);
    if (last?.role === turn.role) merged[merged.length - 1] = join(last, own, turn.role);
    else merged.push(own);
  }
  if (merged[0]?.role === "system") {
    if (merged[1]?.role === "user") merged.splice(0, 2, join(merged[0], merged[1], "user"));
    else merged[0] = { ...merged[0], role: "user" };
  }
  for (const [i, turn] of merged.entries())
    if (turn.role === "system") refuse("system_not_leading", `turn ${i}: a system turn after the first turn`);
  return merged as NormalizedTurn[];
}

function weightOf(turn: Turn): number {
  return turn.train === false ? 0 : (turn.weight ?? 1);
}

function isContext({ train, weight }: Turn): boolean {
  return train !== false && weight === 0;
}

type Piece = { content: string; parts: readonly TurnPart[] };

function join<R extends Role>(left: Piece, right: Piece, role: R): Piece & { role: R } {
  if (left.content === "" || right.content === "") {
    const kept = left.content === "" ? right : left;
    return { role, content: kept.content, parts: kept.parts };
  }
  const glue = left.content.endsWith("\n") ? "" : "\n";
  const last = left.parts.at(-1)!;
  const parts = [...left.parts.slice(0, -1), { ...last, length: last.length + glue.length }, ...right.parts];
  return { role, content: left.content + glue + right.content, parts };
}
