// Two runs that ended, held against each other: their episodes by scenario, content and sample.

import { UserError } from "../base/errors.ts";
import { type Comparison, compareArms } from "./compare.ts";
import { readEpisodes } from "./episode-log.ts";
import { type Difference, type Manifest, manifestDifferences, readManifest } from "./manifest.ts";
import type { EpisodeRecord } from "./record.ts";

/** A run of which one arm is compared. */
export interface RunArm {
  readonly folder: string;
  /** The only arm of the run unless given. */
  readonly arm: string | undefined;
}

/** What `eval compare` tells. */
export interface RunComparison {
  readonly comparisons: readonly Comparison[];
  /** In what the runs were not alike. */
  readonly differences: readonly Difference[];
}

/** Compares one arm of each run when arms are named or there is only one; otherwise each arm that both runs have.
 *  @throws UserError, DataError for folders that hold no eval; UserError when no arm fits or no pair is found */
export function compareRuns(first: RunArm, second: RunArm): RunComparison {
  const runs = [first, second].map(({ folder, arm }) => {
    const manifest = readManifest(folder);
    const records = readEpisodes(folder);
    const arms = [...new Set([...Object.keys(manifest.arms), ...records.map((record) => record.arm)])];
    if (arm !== undefined && !arms.includes(arm))
      throw new UserError(`${folder}: expected one of its arms, ${arms.join(", ")}, got ${arm}`);
    return { folder, manifest, records, arms: arm === undefined ? arms : [arm] };
  });
  const [one, two] = runs as [(typeof runs)[0], (typeof runs)[0]];
  const pairs = pairArms(one.arms, two.arms);
  if (pairs.length === 0)
    throw new UserError(
      `eval compare: expected arms of one name, got ${one.arms.join(", ")} and ${two.arms.join(", ")}`,
      { hint: "choose one of each run with --arm-a and --arm-b" },
    );
  const comparisons = pairs.map(([a, b]) => {
    const [left, right] = a === b ? [`${a} (A)`, `${b} (B)`] : [a, b];
    const of = (records: readonly EpisodeRecord[], arm: string) =>
      records.filter((record) => record.arm === arm);
    return compareArms(
      { name: left, records: of(one.records, a) },
      { name: right, records: of(two.records, b) },
      one.manifest.sampling.seed ?? 0,
    );
  });
  if (comparisons.every(({ n, excluded }) => n + excluded.infrastructure === 0))
    throw new UserError(
      `eval compare: expected runs over the same scenarios, got none in ${one.folder} that ${two.folder} has too`,
      { hint: "scenarios are the same when id and content hash are" },
    );
  return { comparisons, differences: differences(one.manifest, two.manifest) };
}

function pairArms(first: readonly string[], second: readonly string[]): [string, string][] {
  if (first.length === 1 && second.length === 1) return [[first[0]!, second[0]!]];
  return first.filter((name) => second.includes(name)).map((name) => [name, name]);
}

// That the arms are others is what a comparison is for.
function differences(first: Manifest, second: Manifest): Difference[] {
  return manifestDifferences(first, second).filter(({ what }) => !/^arms(\.|$)/.test(what));
}
