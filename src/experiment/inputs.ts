// What a stage depends on, and whether that is still what it was when the stage was done.

import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { DataError, show, UserError } from "../base/errors.ts";
import { flagName } from "../base/options.ts";
import { canonicalJson } from "../data/content-hash.ts";
import { hashValue } from "./hashes.ts";
import type { StageRecord } from "./record.ts";
import type { Stage, StageContext } from "./stage.ts";

/** Hashes by stage of what it made. */
export type Made = ReadonlyMap<string, Readonly<Record<string, string>>>;

/** Key under which the file's own settings are hashed. */
const SETTINGS = "settings";

/** Hashes of everything that `stage` depends on. Stages that it needs must be done. */
export async function inputsOf(
  stage: Stage,
  made: Made,
  context: StageContext,
): Promise<Record<string, string>> {
  const needed = stage.needs.map((id) => [id, hashValue(made.get(id))] as const);
  return {
    [SETTINGS]: hashValue(stage.settings),
    ...Object.fromEntries(needed),
    ...(await stage.outside?.(context)),
  };
}

/** Refuses to take a stage over that was made of something else.
 *  @throws UserError saying what changed, and what to do */
export function checkInputs(
  stage: Stage,
  before: StageRecord,
  inputs: Readonly<Record<string, string>>,
  remedy: string,
): void {
  const names = [...new Set([...Object.keys(before.inputs), ...Object.keys(inputs)])];
  const changed = names.filter((name) => before.inputs[name] !== inputs[name]);
  if (changed.length === 0) return;
  const what = changed.flatMap((name) => {
    if (name === SETTINGS) return differences(before.settings, stage.settings);
    if (before.inputs[name] === undefined) return [`${name}, which it did not depend on`];
    if (inputs[name] === undefined) return [`no ${name}, which it was made of`];
    return [`another ${name}`];
  });
  throw new UserError(
    `${stage.id}: expected what it was ${before.state === "done" ? "made" : "begun"} with, got ${what.join(", ")}`,
    { hint: `choose another --out, take the change back, or ${remedy}` },
  );
}

/** Refuses what is not what the stage had made.
 *  @throws DataError naming the stage's folder */
export function checkOutputs(
  stage: Stage,
  before: StageRecord,
  outputs: Readonly<Record<string, string>>,
  folder: string,
  remedy: string,
): void {
  if (canonicalJson(before.outputs) === canonicalJson(outputs)) return;
  const [name] = Object.keys({ ...before.outputs, ...outputs }).filter(
    (one) => before.outputs[one] !== outputs[one],
  );
  throw new DataError(
    { file: placeOf(stage, folder) },
    `expected ${name} as this stage had left it, got another content`,
    { hint: `put back what was there, or ${remedy}` },
  );
}

/** True when something of a stage is there. */
export function hasParts(stage: Stage, folder: string): boolean {
  const place = placeOf(stage, folder);
  return existsSync(place) && (!statSync(place).isDirectory() || readdirSync(place).length > 0);
}

/** Where a stage leaves what it makes. */
export function placeOf({ kind, id }: Stage, folder: string): string {
  return join(
    folder,
    kind === "rows" || kind === "pairs" ? `${id}.jsonl` : kind === "terminals" ? `${id}.json` : id,
  );
}

/** `learning_rate 0.001 (was 0.002)` for every setting that differs, by its path. */
function differences(before: unknown, now: unknown, path = ""): string[] {
  if (canonicalJson(before ?? null) === canonicalJson(now ?? null)) return [];
  if (isMap(before) && isMap(now))
    return [...new Set([...Object.keys(before), ...Object.keys(now)])].flatMap((key) =>
      differences(before[key], now[key], path === "" ? nameOf(key) : `${path}.${nameOf(key)}`),
    );
  return [`${path} ${show(now)} (was ${show(before)})`];
}

function nameOf(key: string): string {
  return flagName(key).replaceAll("-", "_");
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
