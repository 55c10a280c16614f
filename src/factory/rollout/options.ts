// The options of `sekft rollout`.

import { endpointOptions } from "../../agent/endpoint/endpoint-options.ts";
import { episodeJobs, episodeOptions } from "../../agent/episode-options.ts";
import type { Options } from "../../base/options.ts";
import { gateSets } from "../gates/judge.ts";
import { levelNames } from "../taxonomy.ts";

const what = "What";
const operator = "Operator";
const running = "Running";

export const rolloutOptions = {
  scenarios: {
    type: "string",
    value: "DIR|FILE",
    group: what,
    help: "proven scenario bundles; without it the built-in author makes them until --n are kept",
  },
  out: {
    type: "string",
    value: "DIR",
    required: true,
    group: what,
    help: "where trajectories go; goes on in its own folder",
  },
  n: {
    type: "int",
    min: 1,
    group: what,
    unit: "trajectories",
    help: "stop when so many are kept [default: all samples of --scenarios]",
  },
  samples: { type: "int", min: 1, default: 3, group: what, help: "sessions of each scenario" },
  limit: { type: "int", min: 1, group: what, unit: "scenarios", help: "only the first of --scenarios" },
  archetypes: { type: "list", value: "NAMES", group: what, help: "only these archetypes" },
  archetypeWeights: {
    type: "string",
    map: true,
    value: "NAME=W,...",
    group: what,
    help: "of the scenarios that the built-in author makes: blocked=0.3 is written a third as often as the others, which weigh 1",
  },
  holdout: {
    type: "list",
    value: "NAMES",
    group: what,
    help: "not these archetypes: they are kept for the eval",
  },
  level: {
    type: "string",
    choices: levelNames,
    default: "full",
    group: what,
    help: "of the scenarios that the built-in author makes: plain has programs whose --help says all, announced at once, and work of one step",
  },
  gates: {
    type: "string",
    choices: gateSets,
    default: "all",
    group: what,
    help: "of the scenarios that the built-in author makes: proof asks only whether one can be solved and is not solved already, much faster",
  },
  seed: { type: "int", min: 0, default: 0, group: what, help: "decides scenarios, operator and sampling" },

  opModel: {
    type: "string",
    value: "NAME",
    group: operator,
    help: "model that operates, if another than --model; builtin = no model [default $SEKFT_OP_MODEL]",
  },
  ...endpointOptions,
  apiConcurrency: { ...endpointOptions.apiConcurrency, aliases: ["api-jobs"] },
  temperature: {
    type: "float",
    min: 0,
    default: 0.7,
    group: operator,
    help: "of the endpoint's replies; 0 = greedy",
  },
  topP: {
    type: "float",
    min: 0,
    max: 1,
    default: 1,
    group: operator,
    help: "nucleus of the endpoint's replies",
  },
  scaffold: {
    type: "flag",
    default: true,
    group: operator,
    help: "explain the routine to the endpoint's model; never recorded (--no-scaffold for a trained one)",
  },
  detours: {
    type: "float",
    min: 0,
    max: 1,
    default: 0.5,
    group: operator,
    help: "how much the built-in operator explores, slips and recovers",
  },
  trim: {
    type: "flag",
    group: operator,
    help: "the built-in operator goes from the directive straight to work: it looks first only where it could not know without",
  },
  oneRoutine: {
    type: "flag",
    group: operator,
    help: "the built-in operator goes to its directive always in the same way, and only the work varies; a very small model learns that sooner",
  },
  faults: {
    type: "float",
    min: 0,
    max: 1,
    default: 0,
    group: operator,
    help: "share of the built-in operator's sessions with a mistake in them, for preference pairs",
  },
  workWeight: {
    type: "float",
    min: 0,
    max: 1,
    default: 1,
    group: operator,
    help: "factor on the loss of the commands between directive and ending: at 0 an adapter learns the routine alone, and a small base does not forget how to work",
  },

  ...episodeOptions,

  jobs: { ...episodeJobs, group: running },
  retries: {
    type: "int",
    min: 0,
    default: 2,
    group: running,
    help: "further tries of a session that the machinery failed",
  },
} as const;

export type RolloutOptions = Options<typeof rolloutOptions>;
