// Says that a disk is too small before hours of work are written to it.

import { existsSync, statfsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { UserError } from "../base/errors.ts";
import { formatBytes } from "../base/format.ts";

/** Refuses to begin when `bytes` do not fit where `path` will be.
 *  @throws UserError naming both numbers. */
export function checkFreeSpace(path: string, bytes: number): void {
  let folder = resolve(path);
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free < bytes)
    throw new UserError(
      `--out ${path}: expected room for ${formatBytes(bytes)}, got ${formatBytes(free)} free on that disk`,
      { hint: "free some space or choose another folder; nothing was written" },
    );
}
