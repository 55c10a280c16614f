// Who writes scenarios: the interface that the teacher and the built-in author share, and the built-in author.

import { closest, UserError } from "../../base/errors.ts";
import { type ArchetypeName, archetypeNames, type LevelName } from "../taxonomy.ts";
import { componentsOf } from "./archetypes/two-step.ts";
import { composeScenario } from "./compose.ts";
import type { AuthoredScenario } from "./plan.ts";

export { recallPlan } from "./compose.ts";
export type { AuthoredScenario, Plan } from "./plan.ts";

/** No scenario, and why. */
export interface Refusal {
  readonly archetype: string;
  readonly index: number;
  /** The gate that refused, e.g. `structure`. */
  readonly gate: string;
  readonly reason: string;
  /** What was refused, as far as it got. */
  readonly draft?: unknown;
}

/** Writes scenarios. The same author gives the same scenario for the same archetype and index, in whatever order and
 *  however many at a time are asked for. */
export interface Author {
  readonly name: string;
  /** Archetypes that it writes, those held out left out. */
  readonly archetypes: readonly string[];
  next(archetype: string, index: number, signal?: AbortSignal): Promise<AuthoredScenario | Refusal>;
}

/** True for a refusal. */
export function isRefusal(result: AuthoredScenario | Refusal): result is Refusal {
  return "reason" in result;
}

/** The author that needs no model: composes scenarios out of the taxonomy, reproducible from a seed.
 *  @throws UserError for an archetype that it does not know, or when none is left. */
export function builtinAuthor(settings: {
  readonly seed: number;
  /** Default: all. */
  readonly archetypes?: readonly string[] | undefined;
  /** Left out. */
  readonly holdout?: readonly string[] | undefined;
  /** Default: full. */
  readonly level?: LevelName | undefined;
}): Author {
  const held = new Set(knownArchetypes(settings.holdout ?? []));
  const archetypes = knownArchetypes(settings.archetypes ?? archetypeNames).filter((name) => !held.has(name));
  if (archetypes.length === 0)
    throw new UserError("author: expected an archetype that is not held out, got none");
  return {
    name: "builtin",
    archetypes,
    next: async (archetype, index) => {
      const [name] = knownArchetypes([archetype]);
      const authored = composeScenario(settings.seed, name!, index, settings.level);
      const { variant } = authored.scenario.axes;
      const leak = componentsOf(variant ?? "").find((part) => held.has(part as ArchetypeName));
      return leak === undefined
        ? authored
        : {
            archetype,
            index,
            gate: "holdout",
            reason: `a part of it is ${leak}, which is held out`,
            draft: authored,
          };
    },
  };
}

/** The names as archetypes of the taxonomy, each once.
 *  @throws UserError naming the first that is unknown. */
function knownArchetypes(names: readonly string[]): ArchetypeName[] {
  const known: readonly string[] = archetypeNames;
  for (const name of names) {
    if (known.includes(name)) continue;
    const near = closest(name, known);
    throw new UserError(`author: expected an archetype, got ${JSON.stringify(name)}`, {
      hint: near ? `did you mean ${near}?` : `one of ${known.join(", ")}`,
    });
  }
  return [...new Set(names)] as ArchetypeName[];
}
