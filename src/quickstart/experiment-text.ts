// A quickstart as the experiment that it is: the file that `sekft experiment run` takes.

import { flagName } from "../base/options.ts";
import { embeddedName } from "../embedded/name.ts";
import { type Budget, seedsOf } from "./budget.ts";
import { evaluation, heldOut, type Recipe } from "./recipe.ts";

/** What the file is made of. */
export interface ExperimentParts {
  readonly base: string;
  readonly recipe: Recipe;
  readonly budget: Pick<Budget, "sessions" | "replay">;
  readonly scenarios: number;
  readonly seed: number;
  readonly sandbox: string;
}

/** Names in it that the quickstart looks for again. */
export const names = { data: "main", scenarios: "heldout", base: "base", adapter: "adapter" } as const;

/** The YAML text. */
export function experimentText(parts: ExperimentParts): string {
  const { base, recipe, budget, scenarios, sandbox } = parts;
  const seeds = seedsOf(parts.seed);
  const list = (words: readonly string[]) => `[${words.join(", ")}]`;
  const replay =
    budget.replay === 0
      ? []
      : [
          "    # Rows of the base's own training text, so that it does not forget what it can do.",
          `    replay: { file: ${embeddedName}, n: ${budget.replay} }`,
        ];
  const training = Object.entries(recipe.training).map(
    ([key, value]) => `  ${flagName(key).replaceAll("-", "_")}: ${JSON.stringify(value)}`,
  );
  const { contextTokens, replyTokens } = recipe.evalLimits;
  return `${[
    "# What `sekft quickstart` ran: `sekft experiment run` with this file does the same again.",
    "name: quickstart",
    `base: ${JSON.stringify(base)}`,
    "# Kinds of work that no data set may hold, replay included. The eval is about these alone.",
    `holdout: ${list(heldOut)}`,
    `sandbox: ${sandbox}`,
    "data:",
    `  ${names.data}:`,
    "    # The built-in author and operator; every session is really run, and kept when the checker passes.",
    "    author:",
    `      n: ${budget.sessions}`,
    `      seed: ${seeds.training}`,
    "      samples: 1",
    "      gates: proof",
    "      trim: true",
    `      level: ${recipe.level}`,
    `      detours: ${recipe.detours}`,
    `      one_routine: ${recipe.oneRoutine}`,
    `      work_weight: ${recipe.workWeight}`,
    `      archetypes: ${list(recipe.archetypes)}`,
    ...(Object.keys(recipe.archetypeWeights).length === 0
      ? []
      : [`      archetype_weights: ${JSON.stringify(recipe.archetypeWeights)}`]),
    ...replay,
    "training:",
    ...training,
    `seeds: [${parts.seed}]`,
    "scenarios:",
    `  ${names.scenarios}:`,
    "    # Another seed than that of the data.",
    `    author: { n: ${scenarios}, seed: ${seeds.eval}, level: ${recipe.level}, archetypes: ${list(heldOut)} }`,
    "eval:",
    "  temperature: 0",
    "  samples: 1",
    `  max_steps: ${evaluation.maxCommands}`,
    `  ctx_budget: ${contextTokens}`,
    `  max_tokens: ${replyTokens}`,
    `  jobs: ${recipe.evalJobs}`,
    "arms:",
    `  ${names.base}: {}`,
    `  ${names.adapter}: { data: ${names.data} }`,
  ].join("\n")}\n`;
}
