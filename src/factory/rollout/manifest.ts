// What produced a folder of trajectories, and whether a run may go on in it.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../../base/atomic.ts";
import { DataError, show, UserError } from "../../base/errors.ts";
import { version } from "../../base/version.ts";
import { ROLLOUT_FILES, ROLLOUT_KIND } from "../../data/rollout-folder.ts";
import type { Scenario } from "../../data/scenario.ts";
import type { ProviderFacts, SandboxLimits } from "../../sandbox/contract.ts";

/** What decides how samples come out; a run goes on only with the same. Never holds a key. */
export type RolloutSettings = Readonly<Record<string, string | number | boolean | null>>;

/** What the manifest is made of. */
export interface ManifestParts {
  readonly settings: RolloutSettings;
  readonly scenarios: readonly Scenario[];
  /** Samples of each scenario. */
  readonly samples: number;
  /** What the endpoint says of itself; null for the built-in operator. */
  readonly endpoint: Readonly<Record<string, unknown>> | null;
  readonly sandbox: ProviderFacts;
  readonly limits: SandboxLimits;
}

interface Manifest {
  readonly kind: string;
  readonly started: string;
  readonly settings: RolloutSettings;
  readonly scenarios: Readonly<Record<string, string>>;
}

/** The manifest in `out`, if there is one.
 *  @throws UserError when the folder holds something else */
export function readManifest(out: string): Manifest | undefined {
  const file = join(out, ROLLOUT_FILES.manifest);
  if (!existsSync(file)) {
    const journal = join(out, ROLLOUT_FILES.trajectories);
    if (existsSync(journal))
      throw new UserError(
        `--out ${out}: expected an empty folder or one of a rollout, got trajectories without a manifest`,
        {
          hint: "choose another folder; nothing was changed",
        },
      );
    return undefined;
  }
  let manifest: Partial<Manifest>;
  try {
    manifest = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new DataError({ file }, "expected a rollout's manifest, found no JSON", { cause });
  }
  if (manifest?.kind !== ROLLOUT_KIND)
    throw new UserError(
      `--out ${out}: expected an empty folder or one of a rollout, got one of another kind`,
      {
        hint: "choose another folder; nothing was changed",
      },
    );
  return manifest as Manifest;
}

/** @throws UserError naming what differs from the run that began the folder */
export function checkUnchanged(
  out: string,
  earlier: Manifest,
  parts: Pick<ManifestParts, "settings" | "scenarios">,
): void {
  const now = parts.settings;
  for (const name of new Set([...Object.keys(earlier.settings), ...Object.keys(now)])) {
    const [before, after] = [earlier.settings[name] ?? null, now[name] ?? null];
    if (before !== after)
      throw new UserError(
        `--out ${out}: expected the ${name.replaceAll("_", " ")} it was begun with (${show(before)}), got ${show(after)}`,
        { hint: "give the same again to go on, or choose another folder; nothing was changed" },
      );
  }
  for (const { id, contentHash } of parts.scenarios) {
    const before = earlier.scenarios[id];
    if (before !== undefined && before !== contentHash)
      throw new UserError(`--out ${out}: expected scenario ${id} as it was (${before}), got ${contentHash}`, {
        hint: "the scenario changed since this folder was begun: choose another folder; nothing was changed",
      });
  }
}

/** Writes manifest.json; scenarios that an earlier run had stay in it. */
export function writeManifest(out: string, parts: ManifestParts, earlier: Manifest | undefined): void {
  const { settings, samples, endpoint, sandbox, limits } = parts;
  const scenarios = Object.fromEntries(parts.scenarios.map(({ id, contentHash }) => [id, contentHash]));
  const manifest = {
    kind: ROLLOUT_KIND,
    version: 1,
    sekft: version(),
    started: earlier?.started ?? new Date().toISOString(),
    settings,
    samples,
    endpoint,
    sandbox: { ...sandbox, limits: snakeCase(limits) },
    scenarios: { ...earlier?.scenarios, ...scenarios },
  };
  writeFileAtomic(join(out, ROLLOUT_FILES.manifest), `${JSON.stringify(manifest, null, 1)}\n`);
}

function snakeCase(record: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
}
