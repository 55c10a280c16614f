// The options of `sekft critic`.

import { cpus } from "node:os";
import { endpointOptions } from "../agent/endpoint/endpoint-options.ts";
import type { Options } from "../base/options.ts";
import { LABELS } from "./candidate.ts";

const judging = "Judging";
const repair = "Repair";

export const criticOptions = {
  in: {
    type: "string",
    value: "FILE.jsonl",
    required: true,
    help: "candidates: prompt and response, or messages; with what they have to be",
  },
  out: {
    type: "string",
    value: "FILE.jsonl",
    required: true,
    help: "the same rows in one shape, with labels and evidence; train takes the accepted ones",
  },
  require: {
    type: "list",
    value: "LABELS",
    group: judging,
    help: `labels that must be true for a row to be accepted, where null would do: ${LABELS.slice(0, -1).join(", ")}`,
  },
  sandbox: {
    type: "string",
    choices: ["auto", "bubblewrap", "none"],
    default: "auto",
    group: judging,
    help: "where programs run; none runs nothing: Python is read by ruff, tests stay null",
  },
  jobs: {
    type: "int",
    min: 1,
    group: judging,
    usual: "the number of cores",
    help: "candidates that are judged at once",
  },
  testTimeout: {
    type: "float",
    min: 0.1,
    default: 10,
    unit: "seconds",
    group: judging,
    help: "time of tests without a reference; with one it is four times the reference's, at least 4 s",
  },
  memory: { type: "int", min: 64, default: 512, unit: "MiB", group: judging, help: "memory of one program" },
  allowSecrets: {
    type: "string",
    value: "FILE",
    group: judging,
    help: "SHA-256 of planted fakes that are no secrets, one a line",
  },
  repair: {
    type: "flag",
    group: repair,
    help: "give what failed and the evidence back to a model, and keep what then passes",
  },
  repairs: {
    type: "string",
    value: "FILE.jsonl",
    group: repair,
    usual: "--out with .repairs before its ending",
    help: "where repair traces go",
  },
  repairAttempts: {
    type: "int",
    min: 1,
    default: 2,
    group: repair,
    help: "answers that a model may give for one row",
  },
  repairMaxTokens: {
    type: "int",
    min: 1,
    default: 2048,
    group: repair,
    unit: "tokens",
    help: "longest answer",
  },
  ...endpointOptions,
} as const;

export type CriticOptions = Options<typeof criticOptions>;

/** How many candidates are judged at once when nobody says. */
export function usualJobs(): number {
  return cpus().length;
}
