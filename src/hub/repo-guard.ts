// One download of a repository at a time on this machine: a second one would write into the same unfinished files.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { UserError } from "../base/errors.ts";

/** Holds the repository until `release`; a guard that a dead process left is taken over.
 *  @throws UserError when another process holds it. */
export function guardRepo(folder: string): { readonly release: () => void } {
  const path = join(dirname(folder), ".locks", basename(folder), "sekft.pid");
  mkdirSync(dirname(path), { recursive: true });
  for (let tries = 0; tries < 2; tries++) {
    try {
      writeFileSync(path, String(process.pid), { flag: "wx" });
      return { release: () => rmSync(path, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const owner = Number(readFileSync(path, "utf8"));
    if (owner !== process.pid && isAlive(owner))
      throw new UserError(
        `${folder}: expected nobody else at work on it, got process ${owner} which downloads the same repository`,
        { hint: `wait for it to end; if it is no sekft, remove ${path}` },
      );
    rmSync(path, { force: true });
  }
  throw new UserError(
    `${path}: expected to be able to write it, got another process that does so all the time`,
  );
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
