// One process at a time in a folder. Owns the lock file; knows nothing about what is in the folder.

import { Database } from "bun:sqlite";
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "./errors.ts";

/** Name of the lock file in the folder; gone when the run has ended, harmless when a kill left it. */
export const lockName = ".lock";

/** Takes `folder`, which exists, until the result is disposed of or the process dies, however it dies.
 *  The lock is the operating system's, as SQLite takes it on every platform; the file holds nothing.
 *  @throws UserError when another run holds it, or the folder cannot be written. */
export function lockFolder(folder: string): Disposable {
  const path = join(folder, lockName);
  for (;;) {
    const database = open(path);
    const inode = inodeOf(path);
    if (!isTaken(database)) {
      database.close();
      throw new UserError(
        `--out ${folder}: expected a folder that no run uses, got one that is being written`,
        {
          hint: "another sekft is at work there: wait for it, stop it, or choose another folder",
        },
      );
    }
    // A run that ended between our opening and our locking has removed the file that we hold.
    if (inode === inodeOf(path))
      return {
        [Symbol.dispose]() {
          // Windows removes no open file; what stays there is harmless.
          if (process.platform !== "win32") rmSync(path, { force: true });
          database.close();
        },
      };
    database.close();
  }
}

function open(path: string): Database {
  try {
    return new Database(path, { create: true });
  } catch (cause) {
    throw new UserError(`${path}: expected a folder that can be written, got ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Locks without writing. False when somebody else holds the lock; a file system that knows no locks counts as free. */
function isTaken(database: Database): boolean {
  try {
    database.run("PRAGMA journal_mode = MEMORY");
    database.run("BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    return (error as { code?: string }).code !== "SQLITE_BUSY";
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
