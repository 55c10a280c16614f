// Finds what a chat template writes around turns by asking it. A format is believed only after it has written the same text
// as the template for every probe.

import { RefusedError } from "../data/refused.ts";
import {
  type AlternatingFormat,
  type FreeFormat,
  renderTurns,
  type Trim,
  type Turn,
  type TurnFormat,
  trimmed,
} from "./turn-format.ts";
import { type Probe, probesOf } from "./turn-probes.ts";

/** Renders a conversation that the assistant is to continue; throws when the template refuses. */
export type Render = (turns: readonly Turn[]) => string;

/** The format that writes what `render` writes, or the reason why there is none. `differs` lists conversations of rare kinds
 *  for which the two still differ. */
export function findTurnFormat(
  render: Render,
): { readonly format: TurnFormat; readonly differs: readonly string[] } | { readonly reason: string } {
  let worst = "it refuses even one user turn";
  for (const derive of [freeFormat, alternatingFormat]) {
    const format = attempt(() => derive(render));
    if (format === undefined) continue;
    const differs: string[] = [];
    const broken = probesOf(format).find((probe) => {
      const same = sameText(format, render, probe);
      if (!same && probe.rare) differs.push(probe.name);
      return !same && !probe.rare;
    });
    if (broken === undefined) return { format, differs: [...new Set(differs)] };
    worst = `it writes ${broken.name} in a way of its own`;
  }
  return { reason: worst };
}

function sameText(format: TurnFormat, render: Render, { turns, mayRefuse }: Probe): boolean {
  const expected = attempt(() => render(turns));
  if (expected === undefined) return mayRefuse === true;
  return renderTurns(format, turns) === expected;
}

/** What a refusal of the template makes of `run`: undefined. */
function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof RefusedError || error instanceof NoFormat) return undefined;
    throw error;
  }
}

class NoFormat extends Error {}

/** Contents that no template contains, one a turn. */
const mark = (i: number) => `\ue000${i}\ue001`;

/** The text between the contents of a conversation with these roles, in the order in which the contents appear. */
function pieces(render: Render, roles: readonly string[], order = roles.map((_, i) => i)): string[] {
  const text = render(roles.map((role, i) => ({ role, content: mark(i) })));
  const found: string[] = [];
  let at = 0;
  for (const i of order) {
    const next = text.indexOf(mark(i), at);
    if (next < 0) throw new NoFormat();
    found.push(text.slice(at, next));
    at = next + mark(i).length;
  }
  return [...found, text.slice(at)];
}

function without(text: string, end: string): string {
  if (!text.endsWith(end)) throw new NoFormat();
  return text.slice(0, text.length - end.length);
}
function after(text: string, start: string): string {
  if (!text.startsWith(start)) throw new NoFormat();
  return text.slice(start.length);
}

function freeFormat(render: Render): FreeFormat {
  const [u, a, s] = ["user", "assistant", "system"];
  const [start, userUser, end] = pieces(render, [u, u]) as [string, string, string];
  const [, userAssistant, assistantUser] = pieces(render, [u, a, u]) as [string, string, string, string];
  const [, userSystem, systemUser] = pieces(render, [u, s, u]) as [string, string, string, string];
  const [leadingSystem, firstUser] = pieces(render, [s, u]) as [string, string, string];
  // What all ways out of a user turn share closes it; cut where a special token or a line ends.
  const shared = [userUser, userAssistant, userSystem, end].reduce(sharedStart);
  const behind = shared.slice(0, /^.*?(?:>\n|\n|>)/s.exec(shared)?.[0].length ?? shared.length);
  const before = after(userUser, behind);
  const generation = after(end, behind);
  return {
    kind: "free",
    head: without(start, before),
    firstSystem: [leadingSystem, without(firstUser, before)],
    around: {
      user: [before, behind],
      assistant: [after(userAssistant, behind), without(assistantUser, before)],
      system: [after(userSystem, behind), without(systemUser, before)],
    },
    generation,
    trim: {
      user: trimOf(render, [u], 0),
      assistant: trimOf(render, [u, a, u], 1),
      system: trimOf(render, [s, u], 0),
    },
  };
}

function alternatingFormat(render: Render): AlternatingFormat {
  const [u, a] = ["user", "assistant"];
  const [head, afterUser] = pieces(render, [u]) as [string, string];
  const [, toAssistant, toUser] = pieces(render, [u, a, u]) as [string, string, string, string];
  const [, , afterAssistant] = pieces(render, [u, a]) as [string, string, string];
  const system = attempt(() => systemPlace(render)) ?? { place: "folded" };
  const own = system.place !== "folded";
  return {
    kind: "alternating",
    head,
    toAssistant,
    toUser,
    afterUser,
    afterAssistant,
    system,
    trim: {
      user: trimOf(render, [u], 0),
      userAfterSystem: own ? trimOf(render, ["system", u], 1) : "none",
      assistant: trimOf(render, [u, a, u], 1),
      system: own ? trimOf(render, ["system", u], 0) : "none",
    },
  };
}

function systemPlace(render: Render): AlternatingFormat["system"] {
  const [before, between] = pieces(render, ["system", "user"]) as [string, string, string];
  const roles = ["system", "user", "assistant", "user"];
  if (attempt(() => pieces(render, roles)) !== undefined) return { place: "first", before, between };
  const late = pieces(render, roles, [1, 2, 0, 3]);
  return { place: "last", alone: [before, between], later: [late[2]!, late[3]!] };
}

/** What happens to white space at the ends of turn `i`. */
function trimOf(render: Render, roles: readonly string[], i: number): Trim {
  const marked = `${mark(i)} \n${mark(i)}`;
  const content = `\n \u2003${marked}\u2003 \n`;
  const text = render(roles.map((role, j) => ({ role, content: j === i ? content : mark(j) })));
  const kept = (trim: Trim) => text.includes(trimmed(content, trim));
  if (kept("none")) return "none";
  if (kept("left")) return "left";
  return kept("right") ? "right" : "both";
}

function sharedStart(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return a.slice(0, length);
}
