// The output folder of a run: who may write there, and what a new run may remove.

import { existsSync, readdirSync, realpathSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import { lockName } from "../base/folder-lock.ts";
import { formatProbeName } from "../formats/format-probe.ts";
import { isModelFolder } from "./full/model-output.ts";
import { gatesName, windowsName } from "./gates/windows.ts";
import { referenceName } from "./preference/reference.ts";

/** Files and folders that a run writes at the top of its folder, besides checkpoint-<step>. */
const runFiles = [
  "adapter_config.json",
  "adapter_model.safetensors",
  "trainer_state.json",
  "log.jsonl",
  "options.json",
  "manifest.json",
  referenceName,
  formatProbeName,
  gatesName,
  windowsName,
  "runs",
];

/** What is in the folder already. */
export type FolderState = "empty" | "run" | "other";

/** Looks at the output folder without touching it.
 *  @throws UserError when it is a file, or the base itself. */
function inspectFolder(folder: string, base: string): FolderState {
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (!stat) return "empty";
  if (!stat.isDirectory()) throw new UserError(`--out ${folder}: expected a folder, got a file`);
  if (existsSync(base) && realpathSync(base) === realpathSync(folder))
    throw new UserError(`--out ${folder}: expected a folder of its own, got the base model's`);
  const names = readdirSync(folder).filter((name) => name !== lockName);
  if (names.some(isRunFile)) return "run";
  return names.length === 0 ? "empty" : "other";
}

/** Refuses a folder that holds another run, unless it is to be gone on with or replaced.
 *  @throws UserError */
export function checkFolder(
  folder: string,
  base: string,
  wanted: { resume: boolean; overwrite: boolean },
): FolderState {
  const state = inspectFolder(folder, base);
  if (wanted.resume && wanted.overwrite)
    throw new UserError("--resume: expected either --resume or --overwrite, got both");
  if (state === "run" && !wanted.resume && !wanted.overwrite)
    throw new UserError(`--out ${folder}: expected an empty folder, got one that holds another run`, {
      hint: "go on with it with --resume, replace it with --overwrite, or choose another folder",
    });
  if (state === "other" && existsSync(join(folder, "config.json")))
    throw new UserError(`--out ${folder}: expected an empty folder, got one that holds a model`);
  return state;
}

/** Removes an earlier run's files and checkpoints; anything else in the folder stays. */
export function clearRun(folder: string): void {
  if (!existsSync(folder)) return;
  // The manifest goes last: as long as it is there, the folder still counts as a run.
  const last = "manifest.json";
  const names = readdirSync(folder);
  // A folder called model is only a run's own beside its manifest.
  const own = (name: string) =>
    isRunFile(name) || (names.includes(last) && (name === "model" || isModelFolder(name)));
  for (const name of [...names.filter((name) => own(name) && name !== last), last])
    rmSync(join(folder, name), { recursive: true, force: true });
}

function isRunFile(name: string): boolean {
  return runFiles.includes(name) || /^\.?checkpoint-\d+(\.part|\.old|\.replaced)?$/.test(name);
}
