// The options about data that commands share: `...dataOptions` in a command's own table.

import { parseTerminals, terminalsOption } from "../base/terminal-words.ts";
import type { DatasetOptions } from "./dataset.ts";

const group = "Data";

/** What to read, and what to do with rows that are too long or odd. */
export const dataOptions = {
  data: {
    type: "string",
    value: "DIR|FILE",
    group,
    help: "trajectories: a directory of JSON, a JSONL, JSON or Parquet file",
  },
  all: { type: "flag", group, help: "take every trajectory, not only those with keep: true" },
  holdout: {
    type: "list",
    value: "ARCHETYPES",
    group,
    help: "refuse training rows of these archetypes, by their archetype or by the id of their scenario",
  },
  chatTemplate: {
    type: "string",
    value: "FILE.jinja",
    group,
    help: "a chat template in place of the base's own",
  },
  maxLength: {
    type: "int",
    min: 2,
    default: 4096,
    unit: "tokens",
    group,
    aliases: ["max-seq-length"],
    help: "longest sequence",
  },
  overlong: {
    type: "string",
    choices: ["drop", "truncate-left", "error"],
    default: "drop",
    group,
    help: "what happens to longer ones; the last turn is never cut",
  },
  strictPrefix: { type: "flag", group, help: "refuse rows whose prompt a server would tokenise differently" },
  specialInContent: {
    type: "string",
    choices: ["keep", "refuse"],
    default: "keep",
    group,
    help: "rows with a turn that spells a special token",
  },
} as const;

/** How rows tell their endings, and what these count: for commands that train or show what is trained. */
export const endingOptions = {
  terminals: {
    ...terminalsOption,
    group,
    help: "words that sessions are to end in, in place of exit and panic: renamed as the rows are read",
  },
  terminalWeight: {
    type: "float",
    min: 0,
    default: 1,
    group,
    help: "factor on the loss of the turn that ends a session; 0: context only",
  },
} as const;

/** The values of {@link dataOptions}, and of {@link endingOptions} where a command has them, as `loadDataset` takes them. The parser has checked the choices. */
export function toDatasetOptions(values: {
  readonly data: string;
  readonly all: boolean;
  readonly holdout: readonly string[] | undefined;
  readonly maxLength: number;
  readonly overlong: string;
  readonly strictPrefix: boolean;
  readonly specialInContent: string;
  readonly terminals?: string | undefined;
  readonly terminalWeight?: number;
  readonly keepBase?: number;
}): DatasetOptions {
  const { data, all, holdout, maxLength, strictPrefix, terminalWeight = 1, keepBase = 0 } = values;
  return {
    data,
    all,
    holdout: holdout ?? [],
    maxLength,
    strictPrefix,
    terminals: parseTerminals(values.terminals),
    terminalWeight,
    keepBase,
    overlong: values.overlong as DatasetOptions["overlong"],
    specialInContent: values.specialInContent as DatasetOptions["specialInContent"],
  };
}
