// Whether a run is at work in a folder, found out without touching its lock.

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { lockName } from "../base/folder-lock.ts";

/** Where no list of locks exists, a run that wrote nothing for this long counts as ended. */
const SILENT_MS = 120_000;

/** True while a process holds the lock of `folder`; a lock file that a kill left behind is held by nobody.
 *  @param changed newest change of the run's files, milliseconds since 1970 */
export function isLive(folder: string, changed: number): boolean {
  const lock = statSync(join(folder, lockName), { throwIfNoEntry: false });
  if (!lock) return false;
  // Opening the file to ask would itself be a lock, and a run that starts in that moment would be refused.
  const held = heldInodes();
  return held ? held.has(lock.ino) : Date.now() - changed < SILENT_MS;
}

let known: { readonly at: number; readonly inodes: ReadonlySet<number> | undefined } | undefined;

/** Inodes of locked files as the kernel lists them (proc(5): `1: POSIX ADVISORY WRITE 812 08:01:3021 0 EOF`). */
function heldInodes(): ReadonlySet<number> | undefined {
  if (known && performance.now() - known.at < 500) return known.inodes;
  let inodes: Set<number> | undefined;
  try {
    const lines = readFileSync("/proc/locks", "utf8").split("\n");
    inodes = new Set(
      lines.flatMap((line) => {
        const inode = /\s[0-9a-f]+:[0-9a-f]+:(\d+)\s/.exec(line)?.[1];
        return inode === undefined ? [] : [Number(inode)];
      }),
    );
  } catch {
    inodes = undefined;
  }
  known = { at: performance.now(), inodes };
  return inodes;
}
