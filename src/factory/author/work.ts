// A piece of work as an archetype composes it, before a provider and an announcement are put around it.

import type { Fixture } from "../../data/scenario.ts";
import type { Terminal } from "../../data/trajectory.ts";

/** One command of a solution. */
export interface Step {
  readonly command: string;
  /** `act`: without it the checker fails. `look` and `verify` only read, before and after. `ask` talks to the provider
   *  between two parts: the checker does not miss it, but nobody could know the next part without it. */
  readonly kind: "act" | "look" | "verify" | "ask";
}

/** One way to do the work. */
export type Solution = readonly Step[];

/** What an archetype makes. */
export interface Work {
  /** `null`: the provider hands out nothing; `answer` says what it says instead. */
  readonly directive: string | null;
  /** Parts that the provider hands out only after `done` was said for the part before: the first is `directive`. */
  readonly parts?: readonly string[];
  /** The provider's words when it has nothing: on stdout with status 0, or on stderr with another. */
  readonly answer?: { readonly words: string; readonly status: number };
  readonly dirs: readonly { readonly path: string; readonly mode?: string }[];
  readonly fixtures: readonly Fixture[];
  readonly env?: Readonly<Record<string, string>>;
  /** sh conditions that all have to hold in the end. */
  readonly checks: readonly string[];
  /** Different ways, the plainest first; no discovery, no terminal. `@done` and `@next` stand for the provider's own words
   *  in work of several parts. */
  readonly solutions: readonly Solution[];
  /** Harmless looks that a careful operator may take before acting. */
  readonly look: readonly string[];
  /** Looks at the result. */
  readonly verify: readonly string[];
  /** Commands that fail and change nothing, as a typing error or a wrong guess does. */
  readonly slips: readonly string[];
  readonly terminal: Terminal;
  /** Which kind within the archetype. */
  readonly variant: string;
}

/** Steps from commands: `?` in front marks a look, `=` a verification; the rest act. */
export function steps(...commands: readonly string[]): Solution {
  return commands.map((command) => {
    if (command.startsWith("? ")) return { command: command.slice(2), kind: "look" };
    if (command.startsWith("= ")) return { command: command.slice(2), kind: "verify" };
    return { command, kind: "act" };
  });
}
