// The options of every command that runs episodes: when one of them ends by itself.

import type { Options } from "../base/options.ts";
import { terminalsOption } from "../base/terminal-words.ts";
import { defaultEpisodeLimits, type EpisodeLimits } from "./contract.ts";

const group = "Limits";

/** `--max-steps --ctx-budget --max-tokens --wall-seconds --output-tokens --consecutive-errors --terminals`. */
export const episodeOptions = {
  maxSteps: {
    type: "int",
    min: 1,
    default: defaultEpisodeLimits.maxSteps,
    group,
    unit: "commands",
    help: "longest session",
  },
  ctxBudget: {
    type: "int",
    min: 64,
    default: defaultEpisodeLimits.ctxBudget,
    group,
    unit: "tokens",
    help: "longest history that the model is shown; older turns are left out",
  },
  maxTokens: {
    type: "int",
    min: 1,
    default: defaultEpisodeLimits.maxTokens,
    group,
    unit: "tokens",
    help: "longest reply",
  },
  wallSeconds: {
    type: "float",
    min: 1,
    default: defaultEpisodeLimits.wallSeconds,
    group,
    unit: "seconds",
    help: "longest session",
  },
  outputTokens: {
    type: "int",
    min: 1,
    group,
    unit: "tokens",
    usual: "unlimited",
    help: "what the model may write in all of a session",
  },
  consecutiveErrors: {
    type: "int",
    min: 1,
    default: defaultEpisodeLimits.consecutiveErrors,
    group,
    help: "failing commands in a row that end a session",
  },
  terminals: { ...terminalsOption, group: "Endings" },
} as const;

/** `--jobs` of a command that runs many episodes. */
export const episodeJobs = {
  type: "int",
  min: 1,
  default: 4,
  help: "sessions, each in a sandbox of its own, at once",
} as const;

/** The limits that the options mean. */
export function episodeLimits(options: Options<typeof episodeOptions>): EpisodeLimits {
  const { maxSteps, ctxBudget, maxTokens, wallSeconds, outputTokens, consecutiveErrors } = options;
  return { maxSteps, ctxBudget, maxTokens, wallSeconds, outputTokens, consecutiveErrors };
}
