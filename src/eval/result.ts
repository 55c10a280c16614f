// result.json: what a run measured, counted from its episodes alone.

import { type Comparison, compareArms } from "./compare.ts";
import type { Manifest } from "./manifest.ts";
import { type ArmResult, armResult } from "./metrics.ts";
import type { EpisodeRecord } from "./record.ts";

/** What stands in result.json. */
export interface EvalResult {
  readonly version: 1;
  readonly arms: Readonly<Record<string, ArmResult>>;
  /** Every pair of arms, the earlier arm first. */
  readonly compare: readonly Comparison[];
  readonly manifest: Manifest;
}

/** Counts and compares. The arms stand in the manifest's order. */
export function evalResult(records: readonly EpisodeRecord[], manifest: Manifest): EvalResult {
  const arms = Object.keys(manifest.arms).map((name) => ({
    name,
    records: records.filter(({ arm }) => arm === name),
  }));
  return {
    version: 1,
    arms: Object.fromEntries(arms.map(({ name, records: own }) => [name, armResult(own)])),
    compare: arms.flatMap((second, j) =>
      arms.slice(0, j).map((first) => compareArms(first, second, manifest.sampling.seed)),
    ),
    manifest,
  };
}
