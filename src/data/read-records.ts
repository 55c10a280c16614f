// Every way training data may lie on a disk: a directory, JSONL, a JSON array or object, Parquet. One stream of checked rows.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, extname, join, sep } from "node:path";
import { DataError, type Place, UserError } from "../base/errors.ts";
import { parseJson } from "./parse-json.ts";
import { readLines, refuseForeign } from "./read-lines.ts";
import { readParquet } from "./read-parquet.ts";
import { ROLLOUT_FILES, ROLLOUT_KIND } from "./rollout-folder.ts";
import { checkScenario } from "./scenario.ts";
import { checkTrajectory, looksLikeScenario, type TrajectoryRecord } from "./trajectory.ts";

const EXTENSIONS = [".json", ".jsonl", ".ndjson", ".parquet"];

/** Reads all rows of a file, or of the data files of a directory sorted by path. Scenario bundles that lie in a
 *  directory beside trajectories are passed over; of a folder that `sekft rollout` wrote only the trajectories are data.
 *  @throws UserError when nothing is there; DataError naming file, line and field of the first row that is wrong. */
export async function* readTrajectories(path: string): AsyncGenerator<TrajectoryRecord> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined)
    throw new UserError(
      `${path}: expected trajectories (a directory, .jsonl, .json or .parquet), got nothing there`,
    );
  const files = stat.isDirectory() ? dataFiles(path) : [path];
  if (files.length === 0)
    throw new UserError(`${path}: expected ${EXTENSIONS.join(", ")} files, got none`, {
      hint: "--data names a file or a directory",
    });
  const seen = new Map<string, Place>();
  let rows = 0;
  let scenarios = 0;
  for (const file of files) {
    let rowsHere = 0;
    for await (const { value, place } of readValues(file)) {
      rowsHere++;
      if (looksLikeScenario(value)) {
        if (files.length === 1) {
          checkScenario(value, place);
          throw new DataError(place, "expected a trajectory, found a scenario bundle");
        }
        scenarios++;
        continue;
      }
      const record = checkTrajectory(value, place);
      refuseDuplicate(record, seen);
      rows++;
      yield record;
    }
    if (rowsHere === 0) throw new DataError({ file }, "no records");
  }
  if (rows === 0)
    throw new UserError(`${path}: expected trajectories, got ${scenarios} scenario bundles and nothing else`);
}

/** Two trajectories of one id are one example counted twice; public shapes number their rows as they like. */
function refuseDuplicate(record: TrajectoryRecord, seen: Map<string, Place>): void {
  if (record.shape !== "trajectory") return;
  const first = seen.get(record.id);
  if (first !== undefined) {
    const elsewhere = first.file === record.place.file ? "" : ` of ${first.file}`;
    const where =
      first.line !== undefined ? `first on line ${first.line}${elsewhere}` : `first in ${first.file}`;
    throw new DataError({ ...record.place, field: "id" }, `duplicate id ${record.id} (${where})`);
  }
  seen.set(record.id, record.place);
}

/** The data files of a directory, sorted by path; of a folder that `sekft rollout` wrote only the trajectories. */
export function dataFiles(directory: string): string[] {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => EXTENSIONS.includes(extname(file)) && !/[/\\]\./.test(file.slice(directory.length)))
    .sort();
  const rollouts = files
    .filter((file) => basename(file) === ROLLOUT_FILES.trajectories && isRollout(dirname(file)))
    .map((file) => dirname(file));
  return files.filter((file) => {
    const rollout = rollouts.find((folder) => file.startsWith(`${folder}${sep}`));
    return rollout === undefined || file === join(rollout, ROLLOUT_FILES.trajectories);
  });
}

/** True for a folder whose manifest says that a rollout wrote it: its journals, scenarios and summaries are no rows. */
function isRollout(folder: string): boolean {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, ROLLOUT_FILES.manifest), "utf8"));
    return manifest?.kind === ROLLOUT_KIND;
  } catch {
    return false;
  }
}

interface Value {
  readonly value: unknown;
  readonly place: Place;
}

/** Reads the rows of one file, unchecked.
 *  @param columns Parquet columns of which one must be there; those of trajectories by default. */
export async function* readValues(file: string, columns?: readonly string[]): AsyncGenerator<Value> {
  if (file.endsWith(".parquet"))
    for await (const { row, value } of readParquet(file, columns))
      yield { value, place: { file, field: `row ${row}` } };
  else if (file.endsWith(".json")) yield* readWhole(file);
  else
    for (const { line, text } of readLines(file))
      yield { value: parseJson(text, { file, line }, "line"), place: { file, line } };
}

/** A .json file: one row, or an array of rows; some tools write JSON lines under that name. */
function* readWhole(file: string): Generator<Value> {
  const bytes = readFileSync(file);
  refuseForeign(bytes, file);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DataError({ file }, "not valid UTF-8", { cause });
  }
  if (text.trim() === "") throw new DataError({ file }, "no records");
  if (/^\s*\{.*\}\s*\n\s*\{/.test(text)) {
    for (const { line, text: row } of readLines(file))
      yield { value: parseJson(row, { file, line }, "line"), place: { file, line } };
    return;
  }
  const value = parseJson(text, { file }, "file");
  if (!Array.isArray(value)) yield { value, place: { file } };
  else for (const [i, row] of value.entries()) yield { value: row, place: { file, field: `[${i}]` } };
}
