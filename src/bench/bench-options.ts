// The options of `sekft bench` beside those of models, endpoints and sandboxes.

import type { Options } from "../base/options.ts";

const what = "What";
const sampling = "Sampling";
const running = "Running";

export const benchOptions = {
  benchmark: {
    type: "string",
    value: "smoke|humaneval|mbpp|json|diff|devops|all",
    required: true,
    group: what,
    help: "which benchmark, or all of them",
  },
  problems: {
    type: "string",
    value: "FILE|DIR|ORG/NAME",
    group: what,
    usual: "the small samples that ship with the program",
    help: "problems in the benchmark's own shape: JSON lines (also .gz), JSON or Parquet, a folder of these, or a data set of the Hub",
  },
  completions: {
    type: "string",
    value: "FILE.jsonl",
    group: what,
    help: 'score answers made elsewhere, {"task_id", "completion"} a line, in place of a model\'s',
  },
  against: {
    type: "string",
    value: "FILE|DIR",
    group: what,
    help: "compare problem by problem with an earlier result [default: the last other checkpoint in --out]",
  },
  out: {
    type: "string",
    value: "DIR",
    default: "results",
    group: what,
    help: "where <benchmark>.json and the history go",
  },
  label: {
    type: "string",
    value: "NAME",
    group: what,
    usual: "the adapter, or else the base, model or file",
    help: "what the history calls this checkpoint",
  },
  samples: { type: "int", min: 1, default: 1, group: sampling, help: "answers to each problem" },
  temperature: { type: "float", min: 0, default: 0, group: sampling, help: "0 = greedy" },
  topP: { type: "float", min: 0, max: 1, default: 1, group: sampling, help: "nucleus" },
  seed: {
    type: "int",
    min: 0,
    default: 0,
    group: sampling,
    help: "of the sampling; sample i draws with seed + i",
  },
  maxTokens: { type: "int", min: 1, default: 512, group: sampling, unit: "tokens", help: "longest answer" },
  ctxBudget: { type: "int", min: 64, default: 1536, group: sampling, unit: "tokens", help: "longest prompt" },
  jobs: {
    type: "int",
    min: 1,
    default: 4,
    group: running,
    help: "answers drawn, and programs judged, at once",
  },
} as const;

export type BenchOptions = Options<typeof benchOptions>;
