// The options of `sekft eval` beside those of models, endpoints, limits and sandboxes.

import { episodeJobs, episodeOptions } from "../agent/episode-options.ts";
import type { Options } from "../base/options.ts";

const what = "What";
const sampling = "Sampling";
const running = "Running";

export const evalOptions = {
  scenarios: {
    type: "string",
    value: "DIR|FILE",
    required: true,
    group: what,
    help: "proven scenario bundles, or Harbor tasks",
  },
  n: {
    type: "int",
    min: 1,
    group: what,
    unit: "scenarios",
    usual: "all of them",
    help: "how many, spread evenly over the archetypes; the same ones every time",
  },
  archetypes: { type: "list", value: "NAMES", group: what, help: "only these archetypes" },
  prime: {
    type: "string",
    value: "FILE",
    group: what,
    help: "an earlier session (a trajectory, or plain text) that is shown to every arm before its own",
  },
  out: {
    type: "string",
    value: "DIR",
    group: what,
    usual: "eval-<hash of the settings>",
    help: "where results go; a run that was cut short goes on there",
  },
  samples: { type: "int", min: 1, default: 1, group: sampling, help: "sessions of each scenario and arm" },
  temperature: { type: "float", min: 0, default: 0, group: sampling, help: "0 = greedy" },
  topP: { type: "float", min: 0, max: 1, default: 1, group: sampling, help: "nucleus" },
  seed: {
    type: "int",
    min: 0,
    default: 0,
    group: sampling,
    help: "of the sampling, and of the report's resampling",
  },
  ...episodeOptions,
  jobs: { ...episodeJobs, group: running },
  retries: {
    type: "int",
    min: 0,
    default: 1,
    group: running,
    help: "further tries of a session that the machinery failed",
  },
} as const;

export type EvalOptions = Options<typeof evalOptions>;
