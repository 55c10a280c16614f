// Which options of other commands a file of an experiment may set: their own tables, without what the experiment itself decides.

import { endpointOptions } from "../agent/endpoint/endpoint-options.ts";
import type { OptionTable } from "../base/options.ts";
import { evalOptions } from "../eval/eval-options.ts";
import { authorOptions } from "../factory/authoring/author-options.ts";
import { rolloutOptions } from "../factory/rollout/options.ts";
import { sandboxOptions } from "../sandbox/sandbox-options.ts";
import { fullOptions } from "../train/full/full-options.ts";
import { gateOptions } from "../train/gates/gate-options.ts";
import { trainOptions } from "../train/options.ts";

function without(table: OptionTable, names: readonly string[]): OptionTable {
  return Object.fromEntries(Object.entries(table).filter(([name]) => !names.includes(name)));
}

const sandboxNames = Object.keys(sandboxOptions);

/** `data.<set>.author`: author and operator together. The key of an endpoint never stands in a file: $SEKFT_KEY. */
export const sessionTable: OptionTable = {
  ...without(authorOptions, ["out", "holdout", "holdoutOut", "holdoutN", "key", ...sandboxNames]),
  ...without(rolloutOptions, ["out", "scenarios", "limit", "holdout", "key", "terminals"]),
};

/** `arms.<arm>.dpo.rollout` and `arms.<arm>.star.rollout`: what is about a student that plays scenarios which are there. */
export const studentTable: OptionTable = without(rolloutOptions, [
  ...[
    "scenarios",
    "out",
    "n",
    "holdout",
    "archetypeWeights",
    "level",
    "gates",
    "opModel",
    "scaffold",
    "detours",
    "trim",
    "oneRoutine",
    "faults",
  ],
  ...["terminals", ...Object.keys(endpointOptions)],
]);

/** `scenarios.<set>.author`. */
export const scenarioTable: OptionTable = without(authorOptions, [
  "out",
  "holdout",
  "holdoutOut",
  "holdoutN",
  "gates",
  "key",
  ...sandboxNames,
]);

/** `training` and `arms.<arm>.training`. Seeds stand under `seeds`. */
export const trainingTable: OptionTable = without(trainOptions, [
  "method",
  "base",
  "data",
  "holdout",
  "all",
  "hub",
  "corpusVersion",
  "tokenized",
  "inspect",
  "out",
  "resume",
  "resumeFromCheckpoint",
  "overwrite",
  "seed",
  "terminals",
  ...Object.keys(gateOptions),
  ...Object.keys(fullOptions),
]);

const { load4bit, chatTemplate, tier, requireGpu } = trainOptions;

/** How a base is held, the same for training and eval unless both are said. */
export const holdingOptions = { load4bit, chatTemplate, tier, requireGpu } as const;

/** `eval`. */
export const evalTable: OptionTable = {
  ...holdingOptions,
  ...without(evalOptions, ["scenarios", "n", "archetypes", "prime", "out", "terminals"]),
};

/** `sandbox_options`. */
export const sandboxTable: OptionTable = sandboxOptions;
