// Harbor task folders on a disk: written from scenarios, and read back where they came from here.

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../../base/atomic.ts";
import { DataError, UserError } from "../../base/errors.ts";
import { parseJson } from "../../data/parse-json.ts";
import { checkScenario, type Scenario } from "../../data/scenario.ts";
import { readScenarios } from "../../data/scenario-files.ts";
import { bundleName, taskFiles } from "./task-files.ts";

/** Writes one folder a scenario.
 *  @returns the folders
 *  @throws UserError when a folder holds something else */
export function writeTaskFolders(out: string, scenarios: readonly Scenario[]): string[] {
  return scenarios.map((scenario) => {
    const folder = join(out, scenario.id);
    if (existsSync(folder) && !existsSync(join(folder, "task.toml")))
      throw new UserError(`--out ${folder}: expected a folder that is free, got one that is no Harbor task`);
    for (const { path, content, mode } of taskFiles(scenario)) {
      const file = join(folder, path);
      mkdirSync(join(file, ".."), { recursive: true });
      writeFileAtomic(file, content);
      chmodSync(file, mode);
    }
    return folder;
  });
}

/** Scenario bundles of any kind, or a Harbor task, or a folder of them.
 *  @throws UserError, DataError as {@link readScenarios}, and for a task that was not exported from a scenario or was changed since */
export function readScenariosOrTasks(path: string): Scenario[] {
  const folders = taskFolders(path);
  return folders.length === 0 ? readScenarios(path) : folders.map(readTask);
}

function taskFolders(path: string): string[] {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [];
  if (existsSync(join(path, "task.toml"))) return [path];
  return readdirSync(path)
    .sort()
    .map((name) => join(path, name))
    .filter((folder) => existsSync(join(folder, "task.toml")));
}

function readTask(folder: string): Scenario {
  const file = join(folder, bundleName);
  if (!existsSync(file))
    throw new UserError(
      `${folder}: expected a Harbor task that was exported from a scenario, got one without ${bundleName}`,
      {
        hint: "a task of another origin brings an image of its own and no provider program; run it with harbor",
      },
    );
  const scenario = checkScenario(parseJson(readFileSync(file, "utf8"), { file }, "file"), { file });
  for (const { path, content } of taskFiles(scenario)) {
    const at = join(folder, path);
    const found = existsSync(at) ? readFileSync(at, "utf8") : undefined;
    if (found !== content)
      throw new DataError(
        { file: at },
        `expected what ${bundleName} makes of it, got ${found === undefined ? "no file" : "another text"}`,
        { hint: "change the scenario and export it again; a changed task is another one" },
      );
  }
  return scenario;
}
