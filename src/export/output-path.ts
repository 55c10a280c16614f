// What an export may write over: nothing, unless it was told to.

import { existsSync, readdirSync, statSync } from "node:fs";
import { UserError } from "../base/errors.ts";

/** Refuses a file that is there already.
 *  @throws UserError unless `force`; for a folder always. */
export function checkOutputFile(path: string, force: boolean): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (stat.isDirectory())
    throw new UserError(`--out ${path}: expected the name of a file to write, got a folder`);
  if (!force)
    throw new UserError(`--out ${path}: expected a new file, got one that exists`, {
      hint: "pass --force to replace it, or choose another name",
    });
}

/** Refuses a folder that holds anything already.
 *  @throws UserError unless `force`; for a file always. */
export function checkOutputFolder(path: string, force: boolean): void {
  if (!existsSync(path)) return;
  if (!statSync(path).isDirectory())
    throw new UserError(`--out ${path}: expected the name of a folder to write, got a file`);
  if (!force && readdirSync(path).length > 0)
    throw new UserError(`--out ${path}: expected a new or empty folder, got one with files in it`, {
      hint: "pass --force to replace the files of an earlier export, or choose another folder",
    });
}
