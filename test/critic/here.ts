// Whether programs can be judged by running them here, and the candidates that people labelled.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Label } from "../../src/critic/candidate.ts";
import type { ProgramRunner } from "../../src/critic/run-program/contract.ts";
import { openProgramRunner } from "../../src/critic/run-program/open-runner.ts";

async function open(): Promise<ProgramRunner | undefined> {
  try {
    const runner = await openProgramRunner();
    return runner.can("python") && runner.can("javascript") ? runner : undefined;
  } catch {
    return undefined;
  }
}

/** One runner for all tests of a file; undefined where there is no bubblewrap or no Python. */
export const runner = await open();

/** A labelled candidate. */
export interface Labelled {
  readonly id: string;
  /** The label that it is hard for. */
  readonly hard: Label;
  readonly expect: Readonly<Record<Label, boolean | null>>;
  readonly response: string;
}

/** All of them. The planted secrets have `~|~` in them, so that no scanner of repositories stops at them. */
export function labelledCandidates(): Labelled[] {
  const text = readFileSync(join(import.meta.dir, "../golden/critic/candidates.jsonl"), "utf8");
  return text
    .replaceAll("~|~", "")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}
