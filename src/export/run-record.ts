// What a run folder says about the adapter in it: options.json, manifest.json, trainer_state.json, and an eval's result.json.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { DataError, show, UserError } from "../base/errors.ts";
import { isObject, type JsonObject, readJsonObject } from "../formats/json-file.ts";

/** A point of a curve. */
export interface Point {
  readonly step: number;
  readonly value: number;
}

/** A rate with its Wilson interval, as an eval writes it. */
export interface Rate {
  readonly x: number;
  readonly n: number;
  readonly low: number;
  readonly high: number;
}

/** One arm of an eval: base or adapter. */
export interface EvalArm {
  readonly name: string;
  readonly n: number;
  /** operate, discover, terminate, verified, clean. */
  readonly metrics: Readonly<Record<string, Rate>>;
}

/** What is known of a run; what its folder lacks is undefined or empty. */
export interface RunRecord {
  readonly options: JsonObject | undefined;
  readonly manifest: JsonObject | undefined;
  readonly trainLoss: readonly Point[];
  readonly evalLoss: readonly Point[];
  /** Steps done, of how many, in how many epochs. */
  readonly progress: { readonly step: number; readonly total: number; readonly epoch: number } | undefined;
  readonly arms: readonly EvalArm[];
  /** Names of the files that are not there. */
  readonly missing: readonly string[];
}

export const evalMetrics = ["operate", "discover", "terminate", "verified", "clean"] as const;

/** Reads what there is in a run folder.
 *  @param evalResult result.json of an eval; looked for in the folder when left out.
 *  @throws DataError naming file and field of a damaged one; UserError when `evalResult` is not there. */
export function readRunRecord(folder: string, evalResult?: string): RunRecord {
  const missing: string[] = [];
  const read = (name: string): JsonObject | undefined => {
    const path = join(folder, name);
    if (existsSync(path)) return readJsonObject(path, "a file of the run");
    missing.push(name);
    return undefined;
  };
  const options = read("options.json");
  const manifest = read("manifest.json");
  const state = read("trainer_state.json");
  const log = readLog(state, join(folder, "trainer_state.json"));
  return {
    options,
    manifest,
    trainLoss: curve(log, "loss"),
    evalLoss: curve(log, "eval_loss"),
    progress: state && {
      step: Number(state.global_step ?? 0),
      total: Number(state.max_steps ?? 0),
      epoch: Number(state.epoch ?? 0),
    },
    arms: readArms(folder, evalResult),
    missing,
  };
}

function readLog(state: JsonObject | undefined, file: string): readonly JsonObject[] {
  const log = state?.log_history ?? [];
  if (!Array.isArray(log) || !log.every(isObject))
    throw new DataError({ file, field: "log_history" }, `expected a list of objects, got ${show(log)}`);
  return log;
}

function curve(log: readonly JsonObject[], key: string): Point[] {
  return log.flatMap(({ step, [key]: value }) =>
    typeof step === "number" && typeof value === "number" && Number.isFinite(value) ? [{ step, value }] : [],
  );
}

function readArms(folder: string, given: string | undefined): EvalArm[] {
  const found = [join(folder, "result.json"), join(folder, "eval", "result.json")].find(existsSync);
  const path = given ?? found;
  if (path === undefined) return [];
  if (!existsSync(path))
    throw new UserError(`--eval ${path}: expected result.json of an eval, got nothing there`);
  const { arms } = readJsonObject(path, "the result of an eval");
  const fail = (field: string, expected: string, got: unknown) =>
    new DataError({ file: path, field }, `expected ${expected}, got ${show(got)}`);
  if (!isObject(arms)) throw fail("arms", "an object", arms);
  return Object.entries(arms).map(([name, arm]) => {
    if (!isObject(arm) || typeof arm.n !== "number") throw fail(`arms.${name}`, "an arm with n", arm);
    const metrics: Record<string, Rate> = {};
    for (const metric of evalMetrics) {
      const rate = arm[metric];
      // An arm of which nothing was scored has no rates.
      if (rate === undefined || (isObject(rate) && rate.n === 0)) continue;
      if (!isObject(rate) || !["x", "n", "low", "high"].every((key) => typeof rate[key] === "number"))
        throw fail(`arms.${name}.${metric}`, "x, n, low and high", rate);
      metrics[metric] = rate as unknown as Rate;
    }
    return { name, n: arm.n, metrics };
  });
}
