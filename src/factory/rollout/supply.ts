// Where the scenarios of a rollout come from: files, once; or an author, as many as it takes.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { Scenario } from "../../data/scenario.ts";
import { readScenarios } from "../../data/scenario-files.ts";
import { hashScenario } from "../../data/scenario-json.ts";
import { builtinAuthor, isRefusal } from "../author/author.ts";
import type { Plan } from "../author/plan.ts";
import { archetypeNames } from "../taxonomy.ts";
import type { RolloutOptions } from "./options.ts";

/** Scenarios in a fixed order. */
export interface Supply {
  /** Plans that the author handed over, by scenario id. */
  readonly plans: ReadonlyMap<string, Plan>;
  /** The first `count` scenarios, or fewer when there are no more.
   *  @throws InfrastructureError, Interrupted */
  first(count: number, signal: AbortSignal): Promise<readonly Scenario[]>;
  /** How many there are; undefined when more can be made. */
  readonly size: number | undefined;
}

/** The bundles of --scenarios that the options ask for.
 *  @throws UserError when none is left, or one was never proven; DataError for one that is damaged */
export async function scenariosFromFiles(
  path: string,
  { archetypes, holdout, limit }: Pick<RolloutOptions, "archetypes" | "holdout" | "limit">,
): Promise<Supply> {
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
  return {
    plans: await knownPlans(path, scenarios),
    first: async (count) => scenarios.slice(0, count),
    size: scenarios.length,
  };
}

/** What the built-in author knew of scenarios that it wrote: made again from the seed in its folder's manifest, and taken only where
 *  the scenario comes out the same. */
async function knownPlans(path: string, scenarios: readonly Scenario[]): Promise<Map<string, Plan>> {
  const plans = new Map<string, Plan>();
  const seed = builtinSeed(path);
  if (seed === undefined) return plans;
  for (const { contentHash: _, proven: __, ...content } of scenarios) {
    const index = /-(\d+)$/.exec(content.id)?.[1];
    if (index === undefined || !(archetypeNames as readonly string[]).includes(content.archetype)) continue;
    const made = await builtinAuthor({ seed }).next(content.archetype, Number(index));
    if (!isRefusal(made) && made.plan && made.scenario.contentHash === hashScenario(content))
      plans.set(content.id, made.plan);
  }
  return plans;
}

/** The seed of a folder that `sekft author` filled without a model. */
function builtinSeed(path: string): number | undefined {
  try {
    const { settings } = JSON.parse(readFileSync(join(path, "manifest.json"), "utf8"));
    return settings.author === "builtin" && Number.isInteger(settings.seed) ? settings.seed : undefined;
  } catch {
    return undefined;
  }
}
