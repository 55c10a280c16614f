// Looks through folders for runs and data by the names of their files. Reads nothing but names and first lines.

import { createHash } from "node:crypto";
import { closeSync, type Dirent, openSync, readdirSync, readSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "../base/errors.ts";
import { ROLLOUT_FILES } from "../data/rollout-folder.ts";
import type { RunKind } from "./shapes.ts";

/** A run or a data set on the disk. */
export interface FoundRun {
  readonly id: string;
  readonly kind: RunKind;
  /** The folder, or the file of a data set that is one file. */
  readonly path: string;
  /** Path from the folder that was asked for. */
  readonly name: string;
}

/** Folders below a root, and folders in all, that are looked into. */
const DEEPEST = 8;
const MOST_FOLDERS = 20_000;
const skipped = /^(\.|node_modules$|checkpoint-\d+$)/;

/** Everything below `roots`, each once, in the order of its path.
 *  @param optional a root that may be missing */
export function findRuns(roots: readonly string[], optional = false): FoundRun[] {
  const found = new Map<string, FoundRun>();
  let budget = MOST_FOLDERS;
  const add = (run: FoundRun) => {
    if (!found.has(run.id)) found.set(run.id, run);
  };
  const walk = (folder: string, root: string, depth: number) => {
    if (budget-- <= 0) return;
    let entries: Dirent[];
    try {
      entries = readdirSync(folder, { withFileTypes: true });
    } catch {
      return;
    }
    const here = runsIn(folder, entries);
    for (const { kind, path } of here) add(describe(kind, path, root));
    if (depth >= DEEPEST || here.some(({ kind, path }) => kind === "data" && path === folder)) return;
    for (const entry of entries)
      if (entry.isDirectory() && !skipped.test(entry.name) && !isPartOf(here, entry.name))
        walk(join(folder, entry.name), root, depth + 1);
  };
  for (const root of roots) {
    const stat = statSync(root, { throwIfNoEntry: false });
    if (stat?.isDirectory()) walk(realpathSync(root), realpathSync(root), 0);
    else if (stat) {
      const file = realpathSync(root);
      const inRun = runsIn(dirname(file), readdirSync(dirname(file), { withFileTypes: true })).find(
        ({ kind }) => kind !== "data",
      );
      const own = Object.values(runFiles).some((names) =>
        (names as readonly string[]).includes(basename(file)),
      );
      add(
        inRun && own
          ? describe(inRun.kind, inRun.path, dirname(inRun.path))
          : describe("data", file, dirname(file)),
      );
    } else if (!optional)
      throw new UserError(`${root}: expected a folder of runs, got nothing there`, {
        hint: "name folders that sekft train, eval or rollout wrote, or a folder above them",
      });
  }
  return [...found.values()];
}

/** A run by its path; the id stays the same from start to start. */
export function describe(kind: RunKind, path: string, root: string): FoundRun {
  const full = resolve(path);
  const id = createHash("sha256").update(full).digest("hex").slice(0, 16);
  return { id, kind, path: full, name: full === root ? basename(full) : full.slice(root.length + 1) };
}

const runFiles = {
  eval: ["episodes.jsonl", "result.json"],
  rollout: [ROLLOUT_FILES.trajectories],
  train: ["log.jsonl", "trainer_state.json", "options.json"],
} as const;

function runsIn(folder: string, entries: readonly Dirent[]): { kind: RunKind; path: string }[] {
  const files = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  const has = (names: readonly string[]) => names.some((name) => files.includes(name));
  if (has(runFiles.rollout)) return [{ kind: "rollout", path: folder }];
  const runs: { kind: RunKind; path: string }[] = [];
  if (has(runFiles.eval)) runs.push({ kind: "eval", path: folder });
  else if (has(runFiles.train)) runs.push({ kind: "train", path: folder });
  if (runs.length > 0) return runs;
  for (const name of files.filter((name) => /\.(jsonl|ndjson|parquet)$/.test(name)))
    if (name.endsWith(".parquet") || holdsTurns(join(folder, name)))
      runs.push({ kind: "data", path: join(folder, name) });
  // A folder with one trajectory a file.
  const json = files.filter((name) => name.endsWith(".json")).slice(0, 2);
  if (runs.length === 0 && json.some((name) => holdsTurns(join(folder, name))))
    runs.push({ kind: "data", path: folder });
  return runs;
}

/** Checkpoints, worlds and event files belong to the run around them. */
function isPartOf(runs: readonly { kind: RunKind }[], name: string): boolean {
  return runs.some(
    ({ kind }) =>
      (kind === "rollout" && name === ROLLOUT_FILES.scenarios) || (kind === "train" && name === "runs"),
  );
}

function holdsTurns(file: string): boolean {
  try {
    const handle = openSync(file, "r");
    try {
      const start = Buffer.alloc(32_768);
      const text = start.toString("utf8", 0, readSync(handle, start, 0, start.length, 0));
      return /^\s*[[{]/.test(text) && /"(turns|messages|conversations)"\s*:\s*\[/.test(text);
    } finally {
      closeSync(handle);
    }
  } catch {
    return false;
  }
}
