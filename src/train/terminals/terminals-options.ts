// The options of `sekft inspect terminals`.

import type { Options } from "../../base/options.ts";
import { dataOptions, endingOptions } from "../../data/data-options.ts";
import { deviceOptions } from "../../gpu/device-options.ts";

const models = "Bases and adapters";
const what = "Decision points";

export const terminalsOptions = {
  base: {
    type: "list",
    value: "[NAME=]DIR|FILE.gguf",
    required: true,
    group: models,
    aliases: ["model-name-or-path"],
    help: "base models to rank; the name is the folder's unless given",
  },
  adapter: {
    type: "list",
    value: "[NAME=]DIR",
    group: models,
    help: "PEFT adapters, each measured on the base that it fits",
  },
  load4bit: {
    type: "flag",
    group: models,
    aliases: ["load-in-4bit"],
    help: "hold the bases in 4 bits (NF4, double quantisation)",
  },
  data: { ...dataOptions.data, required: true },
  all: dataOptions.all,
  chatTemplate: dataOptions.chatTemplate,
  maxLength: dataOptions.maxLength,
  terminals: endingOptions.terminals,
  limit: {
    type: "int",
    min: 1,
    unit: "sessions",
    group: what,
    usual: "all of them",
    help: "how many sessions, spread evenly over the data",
  },
  controls: {
    type: "int",
    min: 0,
    default: 4,
    group: what,
    help: "earlier decision points of each session at which the same terminal is tried, spread evenly",
  },
  ...deviceOptions,
  out: { type: "string", value: "FILE.json", help: "also write the record to a file" },
} as const;

export type TerminalsOptions = Options<typeof terminalsOptions>;
