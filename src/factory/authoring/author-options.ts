// The options of `sekft author`.

import { endpointOptions } from "../../agent/endpoint/endpoint-options.ts";
import type { Options } from "../../base/options.ts";
import { sandboxOptions } from "../../sandbox/sandbox-options.ts";
import { gateSets } from "../gates/judge.ts";
import { levelNames } from "../taxonomy.ts";

const teacher = "Endpoint";
const what = "Scenarios";
const run = "Run";

export const authorOptions = {
  n: { type: "int", min: 1, default: 150, group: what, help: "scenarios to make" },
  out: {
    type: "string",
    value: "DIR",
    required: true,
    group: what,
    help: "where bundles go; its own folder is gone on with",
  },
  archetypes: { type: "list", group: what, help: "kinds of work [default all]" },
  holdout: {
    type: "list",
    group: what,
    help: "kinds of work that stay out of --out, for an eval on work that was never trained",
  },
  holdoutOut: {
    type: "string",
    value: "DIR",
    group: what,
    help: "where scenarios of the kinds in --holdout go; without it none are made",
  },
  holdoutN: {
    type: "int",
    min: 1,
    group: what,
    help: "scenarios for --holdout-out [default as many of each kind as in --out]",
  },
  seed: { type: "int", min: 0, default: 0, group: what, help: "the same seed makes the same scenarios" },

  level: {
    type: "string",
    choices: levelNames,
    default: "full",
    group: what,
    help: "plain: programs whose --help says all, announced at once, work of one step",
  },
  gates: {
    type: "string",
    choices: gateSets,
    default: "all",
    group: what,
    help: "proof asks only whether a scenario can be solved and is not solved already: much faster, for training data, never for an eval",
  },

  ...endpointOptions,
  repairs: {
    type: "int",
    min: 0,
    default: 3,
    group: teacher,
    help: "times that a model is told what is wrong with a scenario and may correct it",
  },
  temperature: {
    type: "float",
    min: 0,
    max: 2,
    default: 0.8,
    group: teacher,
    help: "of the model's answers",
  },
  maxRequests: {
    type: "int",
    min: 1,
    group: teacher,
    help: "requests after which to stop; what is made is kept",
  },
  maxSpent: {
    type: "int",
    min: 1,
    unit: "tokens",
    group: teacher,
    help: "tokens, prompts and answers, after which to stop",
  },
  cache: {
    type: "flag",
    default: true,
    group: teacher,
    help: "keep answers in --out and never pay for one twice",
  },

  jobs: {
    type: "int",
    min: 1,
    group: run,
    help: "scenarios judged at once [default one a processor]; changes nothing in them",
  },

  ...sandboxOptions,
  sandbox: {
    ...sandboxOptions.sandbox,
    choices: [...sandboxOptions.sandbox.choices, "none"],
    negated: "none",
    help: `${sandboxOptions.sandbox.help}; none asks only the gates that run nothing, and marks bundles unproven: no rollout takes them`,
  },
} as const;

export type AuthorOptions = Options<typeof authorOptions>;
