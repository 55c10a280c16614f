// Where the scenarios of a rollout come from: files, once; or an author, as many as it takes.

import { UserError } from "../../base/errors.ts";
import type { Scenario } from "../../data/scenario.ts";
import { readScenarios } from "../../data/scenario-files.ts";
import type { RolloutOptions } from "./options.ts";

/** Scenarios in a fixed order. */
export interface Supply {
  /** The first `count` scenarios, or fewer when there are no more.
   *  @throws InfrastructureError, Interrupted */
  first(count: number, signal: AbortSignal): Promise<readonly Scenario[]>;
  /** How many there are; undefined when more can be made. */
  readonly size: number | undefined;
}

/** The bundles of --scenarios that the options ask for.
 *  @throws UserError when none is left, or one was never proven; DataError for one that is damaged */
export function scenariosFromFiles(
  path: string,
  { archetypes, holdout, limit }: Pick<RolloutOptions, "archetypes" | "holdout" | "limit">,
): Supply {
  const all = readScenarios(path);
  const wanted = all.filter(
    ({ archetype }) => (archetypes?.includes(archetype) ?? true) && !holdout?.includes(archetype),
  );
  if (wanted.length === 0)
    throw new UserError(
      `${path}: expected scenarios of the archetypes asked for, got ${all.length} of others`,
      {
        hint: `it holds ${[...new Set(all.map(({ archetype }) => archetype))].join(", ")}`,
      },
    );
  const scenarios = wanted.slice(0, limit);
  const unproven = scenarios.filter(({ proven }) => proven === false);
  const [first] = unproven;
  if (first !== undefined)
    throw new UserError(
      `${path}: expected proven scenarios, got ${unproven.length} that were never run, the first one ${first.id}`,
      { hint: "they were made with --no-sandbox: make them again with a sandbox" },
    );
  return { first: async (count) => scenarios.slice(0, count), size: scenarios.length };
}
