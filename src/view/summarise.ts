// One line of the list: state and headline figures of a run, from its small files and the end of nothing longer than its log.

import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { formatBytes, formatCount, formatNumber } from "../base/format.ts";
import { ROLLOUT_FILES } from "../data/rollout-folder.ts";
import type { FoundRun } from "./find-runs.ts";
import { isLive } from "./is-live.ts";
import { readJsonPart } from "./json-part.ts";
import type { ArmFigure, LogEntry, RunState, RunSummary } from "./shapes.ts";
import { isEntry, readTrainLog } from "./train-log.ts";

type Figures = Pick<RunSummary, "figures" | "arms" | "spark" | "damage" | "started"> & {
  /** It reached its end. */
  readonly finished: boolean;
};

const SPARK_POINTS = 48;
/** Files that only tell of other files are read whole up to this size. */
const SMALL_BYTES = 16 << 20;

/** Summaries, remembered until a file of the run changes. */
export class Summaries {
  private readonly known = new Map<string, { readonly stamp: string; readonly figures: Figures }>();

  /** @param index damage that a deeper look has found */
  of(run: FoundRun, deeper: readonly string[]): RunSummary {
    const { id, kind, path, name } = run;
    const files = filesOf(run);
    const changed = files.reduce((newest, { mtimeMs }) => Math.max(newest, mtimeMs), 0);
    const stamp = files.map(({ name, size, mtimeMs }) => `${name} ${size} ${mtimeMs}`).join("\n");
    let known = this.known.get(id);
    if (known?.stamp !== stamp) {
      known = { stamp, figures: read(run) };
      this.known.set(id, known);
    }
    const { finished, ...figures } = known.figures;
    const damage = [...new Set([...figures.damage, ...deeper])];
    const folder = kind === "data" ? dirname(path) : path;
    const live = kind !== "data" && isLive(folder, changed);
    const state: RunState = live ? "live" : damage.length > 0 ? "damaged" : finished ? "finished" : "stopped";
    return { id, kind, state, name, path, changed, ...figures, damage };
  }
}

function filesOf({ kind, path }: FoundRun): { name: string; size: number; mtimeMs: number }[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return [];
  if (!stat.isDirectory()) return [{ name: "", size: stat.size, mtimeMs: stat.mtimeMs }];
  const names = kind === "data" ? [""] : readdirSync(path);
  return names.flatMap((name) => {
    const own = statSync(join(path, name), { throwIfNoEntry: false });
    return own && (own.isFile() || name === "") ? [{ name, size: own.size, mtimeMs: own.mtimeMs }] : [];
  });
}

function read(run: FoundRun): Figures {
  if (run.kind === "train") return trainFigures(run.path);
  if (run.kind === "eval") return evalFigures(run.path);
  if (run.kind === "rollout") return rolloutFigures(run.path);
  const stat = statSync(run.path, { throwIfNoEntry: false });
  const figures: [string, string][] =
    stat === undefined ? [] : stat.isDirectory() ? [["folder", "JSON"]] : [["size", formatBytes(stat.size)]];
  return { figures, arms: [], spark: [], damage: [], started: null, finished: true };
}

/** The entries of a training log; those of trainer_state.json where another program trained. */
export function logEntries(folder: string): { entries: readonly LogEntry[]; damage: readonly string[] } {
  const log = join(folder, "log.jsonl");
  if (statSync(log, { throwIfNoEntry: false })) {
    const { entries, damage } = readTrainLog(log);
    return { entries, damage };
  }
  const state = readJsonPart(join(folder, "trainer_state.json"), "the state of a trainer");
  const history = state.value?.log_history;
  return { entries: Array.isArray(history) ? history.filter(isEntry) : [], damage: state.damage };
}

function trainFigures(folder: string): Figures {
  const manifest = readJsonPart(join(folder, "manifest.json"), "a run's manifest");
  const { entries, damage } = logEntries(folder);
  const numbers = (name: string) =>
    entries.flatMap((entry) => (typeof entry[name] === "number" ? [entry[name] as number] : []));
  const losses = numbers("loss");
  const evals = numbers("eval_loss");
  const step = numbers("step").at(-1);
  const total = manifest.value?.totalSteps;
  const figures: [string, string][] = [];
  if (losses.length > 0) figures.push(["loss", formatNumber(losses.at(-1)!, 4)]);
  if (evals.length > 0) figures.push(["eval loss", formatNumber(evals.at(-1)!, 4)]);
  if (step !== undefined)
    figures.push([
      "step",
      typeof total === "number" ? `${formatCount(step)} of ${formatCount(total)}` : formatCount(step),
    ]);
  const started = manifest.value?.started;
  return {
    figures,
    arms: [],
    spark: thin(losses, SPARK_POINTS),
    damage: [...manifest.damage, ...damage],
    started: typeof started === "string" ? started : null,
    finished: numbers("train_loss").length > 0,
  };
}

function evalFigures(folder: string): Figures {
  const file = join(folder, "result.json");
  const size = statSync(file, { throwIfNoEntry: false })?.size;
  const result =
    size !== undefined && size <= SMALL_BYTES
      ? readJsonPart(file, "the result of an eval")
      : { value: null, damage: [] };
  const manifest = readJsonPart(join(folder, "manifest.json"), "the manifest of an eval");
  const found = result.value?.arms;
  const arms = Object.entries(isObject(found) ? found : {}).flatMap(([name, arm]): ArmFigure[] => {
    const clean = isObject(arm) && isObject(arm.clean) ? arm.clean : {};
    return typeof clean.x === "number" && typeof clean.n === "number"
      ? [{ name, x: clean.x, n: clean.n }]
      : [];
  });
  const scenarios = manifest.value?.scenarios;
  const named = Object.keys(isObject(manifest.value?.arms) ? manifest.value.arms : {});
  const episodes = statSync(join(folder, "episodes.jsonl"), { throwIfNoEntry: false })?.size;
  const figures: [string, string][] = [];
  if (Array.isArray(scenarios)) figures.push(["scenarios", formatCount(scenarios.length)]);
  if (arms.length === 0 && named.length > 0) figures.push(["arms", named.join(", ")]);
  if (episodes !== undefined) figures.push(["episodes", formatBytes(episodes)]);
  const started = manifest.value?.started;
  return {
    figures,
    arms,
    spark: [],
    damage: [...manifest.damage, ...result.damage],
    started: typeof started === "string" ? started : null,
    finished: size !== undefined,
  };
}

function rolloutFigures(folder: string): Figures {
  const manifest = readJsonPart(join(folder, ROLLOUT_FILES.manifest), "the manifest of a rollout");
  const summary = readJsonPart(join(folder, ROLLOUT_FILES.summary), "the summary of a rollout");
  const size = statSync(join(folder, ROLLOUT_FILES.trajectories), { throwIfNoEntry: false })?.size ?? 0;
  const { kept: x, finished: n } = summary.value ?? {};
  const started = manifest.value?.started;
  return {
    figures: [["size", formatBytes(size)]],
    arms: typeof x === "number" && typeof n === "number" ? [{ name: "kept", x, n }] : [],
    spark: [],
    damage: [...manifest.damage, ...summary.damage],
    started: typeof started === "string" ? started : null,
    finished: summary.value !== null || manifest.value === null,
  };
}

function thin(values: readonly number[], most: number): number[] {
  if (values.length <= most) return [...values];
  return Array.from({ length: most }, (_, i) => values[Math.round((i * (values.length - 1)) / (most - 1))]!);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
