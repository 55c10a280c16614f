// What a stage of an experiment is, and what it works with.

import type { Terminal } from "../base/command.ts";
import type { SandboxProvider } from "../sandbox/contract.ts";
import type { Machinery } from "./machinery.ts";
import type { StageKind, StageRecord } from "./record.ts";
import type { GivenOptions, ResolvedSpec } from "./spec.ts";

/** What a stage finds when it runs. */
export interface StageContext {
  readonly spec: ResolvedSpec;
  /** The experiment's folder. */
  readonly folder: string;
  readonly machinery: Machinery;
  readonly terminal: Terminal;
  /** Given up on Ctrl-C. */
  readonly signal: AbortSignal;
  /** Worlds; stages that want the same ones share them. */
  worlds(given: GivenOptions): Promise<SandboxProvider>;
}

/** What a stage came to. */
export interface StageResult {
  readonly facts: Readonly<Record<string, unknown>>;
  readonly device?: string;
  readonly sandbox?: string;
}

/** One piece of work with a place of its own below the experiment's folder. */
export interface Stage extends Pick<StageRecord, "id" | "arm" | "seed" | "set" | "base"> {
  readonly kind: StageKind;
  /** What the file says that it depends on. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Stages that it builds on. */
  readonly needs: readonly string[];
  /** Hashes of what it reads from outside the experiment, by what messages call it. */
  readonly outside?: (context: StageContext) => Promise<Readonly<Record<string, string>>>;
  /** Amount of work, comparable between stages of a kind. */
  readonly units: number;
  /** Does it, or goes on with it.
   *  @throws Interrupted, and whatever stands in the way */
  run(context: StageContext): Promise<StageResult>;
  /** Hashes of what it made, times and order of work left out; undefined while it is not there. */
  outputs(folder: string): Promise<Readonly<Record<string, string>> | undefined>;
  /** A half-done one rests on its settings: it is not gone on with under others. */
  readonly keepsParts: boolean;
}

/** Options without those that change nothing in what is made. */
export function deciding(options: GivenOptions | null): GivenOptions | null {
  if (options === null) return null;
  const idle = ["jobs", "retries", "apiConcurrency", "requestTimeout", "cache", "requireGpu"];
  return Object.fromEntries(Object.entries(options).filter(([name]) => !idle.includes(name)));
}
