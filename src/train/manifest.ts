// manifest.json: what produced a run. A resumed run is held against it, so that a base, data set, template or option that
// changed is refused by name instead of trained on in silence.

import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.ts";
import type { Terminal } from "../base/command.ts";
import { show, UserError } from "../base/errors.ts";
import { findKey, flagName, type Option, serialiseOptions } from "../base/options.ts";
import { readJsonObject } from "../formats/json-file.ts";
import type { AdapterFacts } from "../gpu/facts.ts";
import { changeableOptions, type TrainOptions, trainOptions } from "./options.ts";

/** A data set as the manifest has it. */
export interface DataFacts {
  readonly path: string;
  /** Of ids, labels and weights of all rows, in order. */
  readonly sha256: string;
  readonly sequences: number;
  readonly tokens: number;
  readonly labels: number;
}

/** What produced a run. */
export interface Manifest {
  readonly format: 1;
  readonly sekft: { readonly version: string; readonly commit: string; readonly bun: string };
  readonly started: string;
  readonly base: { readonly path: string; readonly fingerprint: string; readonly modelType: string };
  readonly data: DataFacts;
  readonly evalData: DataFacts | null;
  /** Of the chat template's text; null for rows that came as ids. */
  readonly template: string | null;
  /** Of the weights given by --init-adapter. */
  readonly initAdapter: string | null;
  /** Of the weights of the reference's adapter; null for none. */
  readonly refAdapter: string | null;
  readonly tier: string;
  readonly device: AdapterFacts;
  readonly trainableParameters: number;
  readonly totalSteps: number;
  readonly warmupSteps: number;
  readonly options: Readonly<Record<string, unknown>>;
}

const manifestName = "manifest.json";
const optionsName = "options.json";

/** Writes manifest.json and options.json. */
export function writeManifest(folder: string, manifest: Manifest): void {
  writeFileAtomic(join(folder, optionsName), `${JSON.stringify(manifest.options, null, 2)}\n`);
  writeFileAtomic(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** The manifest of the run in a folder.
 *  @throws UserError or DataError when there is none that can be read. */
export function readManifest(folder: string): Manifest {
  return readJsonObject(join(folder, manifestName), "a run's manifest.json") as unknown as Manifest;
}

/** Options as options.json has them, without those that say how to start: the file can be given back with --config. */
export function optionsRecord(options: TrainOptions): Record<string, unknown> {
  const { resume: _, resumeFromCheckpoint: __, overwrite: ___, inspect: ____, ...rest } = options;
  return serialiseOptions(trainOptions, rest);
}

/** Refuses to go on with a run whose base, data, template or options changed.
 *  @param mayExtend names options of the number of steps that are allowed to differ, because no rate used so far depends on them.
 *  @throws UserError naming what changed. */
export function checkUnchanged(
  folder: string,
  before: Manifest,
  now: Omit<Manifest, "tier" | "device">,
  mayExtend: readonly (keyof TrainOptions)[],
): void {
  const changed = (what: string, then: string, got: string) =>
    new UserError(`--resume ${folder}: expected the ${what} of that run, ${then}, got ${got}`, {
      hint: "a run can only go on with what it was started with; choose another --out to start a new one",
    });
  if (before.base.fingerprint !== now.base.fingerprint)
    throw changed(
      "base",
      `${before.base.path} (${short(before.base.fingerprint)})`,
      `${now.base.path} (${short(now.base.fingerprint)})`,
    );
  if (before.template !== now.template)
    throw changed("chat template", short(before.template), short(now.template));
  // Before the data, which some options change: the option is what the user can set right.
  const differing = Object.keys(now.options).filter((name) => {
    const key = keyOf(name);
    if (changeableOptions.has(key) || mayExtend.includes(key)) return false;
    const then = name in before.options ? before.options[name] : defaultOf(key);
    return JSON.stringify(then ?? null) !== JSON.stringify(now.options[name] ?? null);
  });
  if (differing.length > 0)
    throw new UserError(
      `--resume ${folder}: expected the options of that run, got ${differing
        .map(
          (name) =>
            `--${flagName(keyOf(name))} ${show(now.options[name])} (was ${show(before.options[name])})`,
        )
        .join(", ")}`,
      { hint: `--config ${join(folder, optionsName)} gives the run's own options` },
    );
  if (before.data.sha256 !== now.data.sha256)
    throw changed("data", describe(before.data), describe(now.data));
  if (before.evalData?.sha256 !== now.evalData?.sha256)
    throw changed("validation data", describe(before.evalData), describe(now.evalData));
  if (before.initAdapter !== now.initAdapter)
    throw changed("--init-adapter", short(before.initAdapter), short(now.initAdapter));
  // Earlier versions knew no reference, and not every option.
  if ((before.refAdapter ?? null) !== now.refAdapter)
    throw changed("reference adapter", short(before.refAdapter), short(now.refAdapter));
}

/** Refuses another tier, whose numbers are others, and warns of another device.
 *  @throws UserError */
export function checkDevice(
  folder: string,
  before: Manifest,
  { tier, facts }: { readonly tier: string; readonly facts: AdapterFacts },
  terminal: Terminal,
): void {
  if (before.tier !== tier)
    throw new UserError(`--resume ${folder}: expected the tier of that run, ${before.tier}, got ${tier}`, {
      hint: `pass --tier ${before.tier} if this machine can run it`,
    });
  if (before.device.name !== facts.name || before.device.driver !== facts.driver)
    terminal.warn(
      `resume: the run was on ${before.device.name} (${before.device.driver}), now on ${facts.name} (${facts.driver}); the last bits may differ`,
    );
}

/** What an option is where nothing is said of it. */
function defaultOf(key: keyof TrainOptions): unknown {
  const option: Option = trainOptions[key];
  return option.default ?? (option.type === "flag" ? false : null);
}

function keyOf(name: string): keyof TrainOptions {
  return findKey(trainOptions, name) as keyof TrainOptions;
}

function short(hash: string | null): string {
  return hash === null ? "none" : hash.slice(0, "sha256:".length + 12);
}

function describe(data: DataFacts | null): string {
  return data === null ? "none" : `${data.sequences} sequences (${short(data.sha256)})`;
}
