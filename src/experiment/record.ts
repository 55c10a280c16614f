// experiment.json: what an experiment is and how far it is. Written anew at the beginning and the end of every stage.

import type { ResolvedSpec } from "./spec.ts";

export const recordName = "experiment.json";
/** The file that the experiment was read from, as it was given. */
export const specName = "experiment.yaml";

/** What a stage makes. */
export type StageKind =
  | "authored"
  | "sessions"
  | "student"
  | "pairs"
  | "rows"
  | "scenarios"
  | "model"
  | "eval"
  | "terminals";

/** One stage. Times and machine never enter a hash. */
export interface StageRecord {
  /** `data/main/sessions`, `models/adapter/seed-1`, `eval/base`, ...: also its place below the experiment's folder. */
  readonly id: string;
  readonly kind: StageKind;
  readonly arm?: string;
  readonly seed?: number;
  /** Data set or scenario set. */
  readonly set?: string;
  readonly base?: string;
  readonly state: "begun" | "done" | "failed";
  /** What the file says that it depends on; `inputs.settings` is its hash. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What it depends on, each with its SHA-256. */
  readonly inputs: Readonly<Record<string, string>>;
  /** SHA-256 of what it made, by name; empty until it is done. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Time it took, all tries together. */
  readonly seconds: number;
  /** Version and commit that ended it. */
  readonly sekft: string;
  readonly machine: { readonly host_cpus: number; readonly device?: string; readonly sandbox?: string };
  /** Counts that a report needs. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** The file. */
export interface ExperimentRecord {
  readonly version: 1;
  readonly name: string;
  readonly spec: ResolvedSpec;
  readonly spec_sha256: string;
  /** Version and commit of the last run. */
  readonly sekft: string;
  readonly stages: readonly StageRecord[];
}
