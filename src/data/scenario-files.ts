// Every way scenario bundles may lie on a disk: one file a bundle, JSONL, a folder of either.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { DataError, fileProblem, type Place, UserError } from "../base/errors.ts";
import { parseJson } from "./parse-json.ts";
import { readLines, refuseForeign } from "./read-lines.ts";
import { checkScenario, type Scenario } from "./scenario.ts";
import { looksLikeScenario } from "./trajectory.ts";

const EXTENSIONS = [".json", ".jsonl", ".ndjson"];

/** Where an author keeps what it refused. */
const REJECTED_FOLDER = "rejected";

/** Reads all bundles of a file, or of a folder (sorted by path; `rejected/`, hidden entries and files that hold something
 *  else are passed over).
 *  @throws UserError when there are none; DataError naming file, line and field of the first bundle that is wrong, or that
 *  has the id of another. */
export function readScenarios(path: string): Scenario[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined)
    throw new UserError(`${path}: expected scenarios (a folder, .json or .jsonl), got nothing there`);
  const folder = stat.isDirectory();
  const scenarios: Scenario[] = [];
  const seen = new Map<string, Place>();
  for (const file of folder ? bundleFiles(path) : [path]) {
    for (const { value, place } of readValues(file)) {
      // The rows of a file are of one kind: the first tells whether the rest needs reading.
      if (folder && !looksLikeScenario(value)) break;
      const scenario = checkScenario(value, place);
      const first = seen.get(scenario.id);
      if (first !== undefined)
        throw new DataError(
          { ...place, field: "id" },
          `duplicate id ${scenario.id} (first in ${first.file}${first.line === undefined ? "" : `:${first.line}`})`,
        );
      seen.set(scenario.id, place);
      scenarios.push(scenario);
    }
  }
  if (scenarios.length === 0)
    throw new UserError(`${path}: expected scenario bundles, got none`, {
      hint: "sekft author --n 150 --out ./scenarios makes some",
    });
  return scenarios;
}

function bundleFiles(folder: string): string[] {
  const inside = (path: string): readonly string[] =>
    path.slice(folder.length).split(/[/\\]/).filter(Boolean);
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => EXTENSIONS.includes(extname(file)))
    .filter((file) => !inside(file).some((name) => name === REJECTED_FOLDER || name.startsWith(".")))
    .sort();
}

function* readValues(file: string): Generator<{ value: unknown; place: Place }> {
  if (extname(file) !== ".json") {
    for (const { line, text } of readLines(file)) {
      const place = { file, line };
      yield { value: parseJson(text, place, "line"), place };
    }
    return;
  }
  const value = parseJson(readText(file), { file }, "file");
  if (Array.isArray(value))
    for (const [i, item] of value.entries()) yield { value: item, place: { file, field: `[${i}]` } };
  else yield { value, place: { file } };
}

function readText(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new UserError(`${file}: expected a readable file, got ${fileProblem(cause)}`, { cause });
  }
  refuseForeign(bytes.subarray(0, 4), file);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new DataError({ file }, "not valid UTF-8", { hint: "convert the file to UTF-8" });
  }
}
