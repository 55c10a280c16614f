// What produced a run's numbers: everything that, were it another, could have made them others.

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { EpisodeLimits } from "../agent/contract.ts";
import { writeFileAtomic } from "../base/atomic.ts";
import { DataError, show, UserError } from "../base/errors.ts";
import {
  arePlain,
  plainTerminals,
  recordedTerminals,
  type TerminalWords,
  terminalsText,
} from "../base/terminal-words.ts";
import { version } from "../base/version.ts";
import type { Scenario } from "../data/scenario.ts";
import { isFields } from "../data/turn-checks.ts";
import { readJsonObject } from "../formats/json-file.ts";
import type { ProviderFacts, SandboxLimits } from "../sandbox/contract.ts";

export const manifestName = "manifest.json";

/** One arm: a model behind the harness. */
export interface ArmFacts {
  readonly kind: "base" | "adapter" | "endpoint";
  /** What the model is called where it is served, or the folder it was read from. */
  readonly model: string;
  /** Content hashes: of the base's weights, of the adapter's; null where the harness cannot see them. */
  readonly base_hash: string | null;
  readonly adapter_hash: string | null;
  readonly chat_template_hash: string | null;
  /** What it says of itself, e.g. the server's own name of the model. */
  readonly reported: Readonly<Record<string, unknown>> | null;
}

/** How replies are sampled. */
export interface Sampling {
  readonly temperature: number;
  readonly top_p: number;
  readonly seed: number;
  readonly samples: number;
}

/** What stands in manifest.json and in result.json. */
export interface Manifest {
  readonly version: 1;
  readonly sekft: { readonly version: string; readonly commit: string };
  readonly started: string;
  readonly arms: Readonly<Record<string, ArmFacts>>;
  readonly scenarios: readonly { readonly id: string; readonly archetype: string; readonly hash: string }[];
  readonly sampling: Sampling;
  readonly limits: Readonly<Record<string, number | null>>;
  readonly sandbox: {
    readonly provider: string;
    readonly version: string;
    readonly image: string;
    readonly properties: Readonly<Record<string, string>>;
    readonly limits: Readonly<Record<string, number>>;
  };
  /** Hash of the turns that stood before every session; null without any. */
  readonly prime_hash: string | null;
  /** What the endings are called; absent where they are `exit` and `panic`. */
  readonly terminals?: TerminalWords;
}

/** The facts of a run that starts now. */
export function describeRun(run: {
  readonly arms: Readonly<Record<string, ArmFacts>>;
  readonly scenarios: readonly Scenario[];
  readonly sampling: Sampling;
  readonly limits: EpisodeLimits;
  readonly sandbox: ProviderFacts;
  readonly sandboxLimits: SandboxLimits;
  readonly prime: unknown;
  readonly terminals?: TerminalWords;
}): Manifest {
  const { provider, version: engine, image, properties } = run.sandbox;
  return {
    version: 1,
    sekft: version(),
    started: new Date().toISOString(),
    arms: run.arms,
    scenarios: run.scenarios.map(({ id, archetype, contentHash }) => ({ id, archetype, hash: contentHash })),
    sampling: run.sampling,
    limits: snakeCase(run.limits),
    sandbox: {
      provider,
      version: engine,
      image,
      properties,
      limits: snakeCase(run.sandboxLimits) as Record<string, number>,
    },
    prime_hash: run.prime === undefined ? null : sha256(JSON.stringify(run.prime)),
    ...recordedTerminals(run.terminals ?? plainTerminals),
  };
}

/** `sha256:` of a text. */
export function sha256(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

function snakeCase(values: object): Record<string, number | null> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      (value as number | undefined) ?? null,
    ]),
  );
}

/** The manifest of the run in `folder`.
 *  @throws UserError or DataError when there is none that can be read */
export function readManifest(folder: string): Manifest {
  const file = join(folder, manifestName);
  const value = readJsonObject(file, "the manifest of an eval");
  for (const field of ["arms", "sampling", "limits", "sandbox"])
    if (!isFields(value[field]))
      throw new DataError(
        { file, field },
        `expected the manifest of an eval, got ${show(value[field])} in this place`,
      );
  if (!Array.isArray(value.scenarios))
    throw new DataError({ file, field: "scenarios" }, `expected a list, got ${show(value.scenarios)}`);
  return value as unknown as Manifest;
}

/** Writes the manifest of a new run, or holds this one against the run that lies in the folder.
 *  @returns the manifest that counts: of the run that goes on, or this one
 *  @throws UserError naming what differs */
export function settleManifest(folder: string, now: Manifest): Manifest {
  const file = join(folder, manifestName);
  if (!existsSync(file)) {
    writeFileAtomic(file, `${JSON.stringify(now, null, 1)}\n`);
    return now;
  }
  const before = readManifest(folder);
  const differences = manifestDifferences(before, now).filter(({ kind }) => kind === "settings");
  if (differences.length > 0)
    throw new UserError(
      `--out ${folder}: expected the settings of the run that lies there, got ${differences
        .map(({ what, first, second }) => `${what} ${show(second)} (was ${show(first)})`)
        .join(", ")}`,
      { hint: "a run only goes on with its own settings; choose another --out for a new one" },
    );
  return before;
}

/** Something in which two runs differ: `settings` change what is measured, `surroundings` might. */
export interface Difference {
  readonly kind: "settings" | "surroundings";
  readonly what: string;
  readonly first: unknown;
  readonly second: unknown;
}

/** One hash over everything that must not change in a run. */
export function settingsHash(manifest: Manifest): string {
  return sha256(JSON.stringify(settingsOf(manifest)));
}

/** Everything in which two runs differ, named as in the manifest. */
export function manifestDifferences(first: Manifest, second: Manifest): Difference[] {
  const surroundings = (manifest: Manifest): Record<string, unknown> => ({
    "sekft version": manifest.sekft?.version,
    "sekft commit": manifest.sekft?.commit,
    "sandbox.version": manifest.sandbox.version,
  });
  return [
    ...differing("settings", settingsOf(first), settingsOf(second)),
    ...differing("surroundings", surroundings(first), surroundings(second)),
  ];
}

function settingsOf(manifest: Manifest): Record<string, unknown> {
  return {
    ...prefixed("sampling", manifest.sampling),
    ...prefixed("limits", manifest.limits),
    "sandbox.provider": manifest.sandbox.provider,
    "sandbox.image": manifest.sandbox.image,
    ...prefixed("sandbox.limits", manifest.sandbox.limits ?? {}),
    prime: manifest.prime_hash,
    ...terminalWords(manifest),
    arms: Object.keys(manifest.arms).join(", "),
    ...Object.assign(
      {},
      ...Object.entries(manifest.arms).map(([name, { kind, model, base_hash, adapter_hash }]) => ({
        [`arms.${name}.kind`]: kind,
        // A folder may have moved; its content is what counts.
        ...(kind === "endpoint" && { [`arms.${name}.model`]: model }),
        [`arms.${name}.base`]: base_hash,
        [`arms.${name}.adapter`]: adapter_hash,
      })),
    ),
    scenarios: scenarioWords(manifest),
  };
}

/** `exit=leave,panic=stuck`; nothing for the plain words, so that older manifests compare as equal. */
function terminalWords({ terminals = plainTerminals }: Manifest): Record<string, string> {
  return arePlain(terminals) ? {} : { terminals: terminalsText(terminals) };
}

function differing(
  kind: Difference["kind"],
  first: Readonly<Record<string, unknown>>,
  second: Readonly<Record<string, unknown>>,
): Difference[] {
  return [...new Set([...Object.keys(first), ...Object.keys(second)])]
    .filter((what) => (first[what] ?? null) !== (second[what] ?? null))
    .map((what) => ({ kind, what, first: first[what] ?? null, second: second[what] ?? null }));
}

function prefixed(prefix: string, values: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`${prefix}.${key}`, value]));
}

function scenarioWords({ scenarios }: Manifest): string {
  const list = scenarios.map(({ id, hash }) => `${id} ${hash}`).sort();
  return `${scenarios.length} (${sha256(list.join("\n")).slice(0, "sha256:".length + 12)})`;
}
