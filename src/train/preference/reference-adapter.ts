// Which adapter the reference is: the one that the policy starts from, another one of its shape, or none.

import { existsSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import type { Terminal } from "../../base/command.ts";
import { UserError } from "../../base/errors.ts";
import { type BaseWeights, openBase } from "../../formats/base-weights.ts";
import { isObject, readJsonObject } from "../../formats/json-file.ts";
import { adapterTensorName, checkAdapterFits, readAdapter } from "../../formats/peft-adapter.ts";
import { readLoraConfig } from "../../formats/peft-config.ts";
import { type AdapterSetup, checkSame, hashTensors } from "../adapter-setup.ts";
import type { TrainOptions } from "../options.ts";
import { preferenceSettings } from "./settings.ts";

/** The adapter of the reference, in the shape of the policy's. */
export interface ReferenceAdapter {
  /** null: the base alone. */
  readonly hash: string | null;
  /** Values by PEFT key; those of the base alone add exactly nothing. */
  tensors(): ReadonlyMap<string, Float32Array>;
}

/** Settles the reference of a preference run; undefined for a loss without one.
 *  @throws UserError for an adapter of another base or shape, DataError for one that cannot be read. */
export function setUpReference(
  options: TrainOptions,
  setup: AdapterSetup,
  base: BaseWeights,
  terminal: Terminal,
): ReferenceAdapter | undefined {
  if (options.initAdapter !== undefined)
    checkBase("--adapter", options.initAdapter, options.base, base, terminal);
  if (!preferenceSettings(options).usesReference) return undefined;
  const { refAdapter = options.initAdapter ?? "none" } = options;
  if (refAdapter === "none") return { hash: null, tensors: () => nothing(setup) };
  if (refAdapter !== options.initAdapter)
    checkBase("--ref-adapter", refAdapter, options.base, base, terminal);
  const adapter = readAdapter(refAdapter);
  const targets = checkAdapterFits(adapter, refAdapter, base.config);
  checkSame(
    `--ref-adapter ${refAdapter}`,
    setup.targets,
    targets,
    "the reference takes the policy's place on the device",
  );
  return {
    hash: hashTensors(adapter),
    tensors: () => new Map([...adapter.tensors].map(([name, { data }]) => [name, data])),
  };
}

function nothing({ targets }: AdapterSetup): Map<string, Float32Array> {
  return new Map(
    targets.flatMap(({ module, r, inFeatures, outFeatures }) => [
      [adapterTensorName(module, "A"), new Float32Array(r * inFeatures)] as const,
      [adapterTensorName(module, "B"), new Float32Array(outFeatures * r)] as const,
    ]),
  );
}

/** Shapes alone do not tell bases apart: the adapter's own run says which it was, or else the base that it names, if it is here. */
function checkBase(
  flag: string,
  directory: string,
  path: string,
  base: BaseWeights,
  terminal: Terminal,
): void {
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) return;
  const named = readLoraConfig(join(directory, "adapter_config.json")).baseModel;
  const known = manifestFingerprint(directory) ?? fingerprintOf(named);
  if (known === undefined) {
    if (named !== undefined && basename(named) !== basename(path))
      terminal.warn(`${flag} ${directory}: it names ${named} as its base; the run is on ${path}`);
    return;
  }
  if (known === base.fingerprint()) return;
  throw new UserError(
    `${flag} ${directory}: expected an adapter of ${path}, got one of ${named ?? "another base"}, whose weights differ`,
    { hint: "give the base that the adapter was trained on, or another adapter" },
  );
}

function manifestFingerprint(directory: string): string | undefined {
  const file = join(directory, "manifest.json");
  if (!existsSync(file)) return undefined;
  const { base, options } = readJsonObject(file, "a run's manifest.json");
  // A run that changed its base: the adapter belongs on what it became, which it names.
  if (isObject(options) && (options.full ?? options.stages ?? undefined) !== undefined) return undefined;
  return isObject(base) && typeof base.fingerprint === "string" ? base.fingerprint : undefined;
}

function fingerprintOf(named: string | undefined): string | undefined {
  if (named === undefined || !existsSync(named)) return undefined;
  using base = openBase(named);
  return base.fingerprint();
}
