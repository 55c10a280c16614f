// Files that are either the old one or the new one, whole, whatever happens in between.

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileProblem, UserError } from "./errors.ts";

/** Writes `path` by a temporary file beside it, fsync and rename; on failure the old file is untouched.
 *  @throws UserError when the disk is full or the folder cannot be written. */
export function writeFileAtomic(path: string, content: string | Uint8Array): void {
  writeChunksAtomic(path, [typeof content === "string" ? new TextEncoder().encode(content) : content]);
}

/** As {@link writeFileAtomic}, for content that is produced piece by piece. */
export function writeChunksAtomic(path: string, chunks: Iterable<Uint8Array>): void {
  const temporary = `${path}.part-${process.pid}`;
  let file: number | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    file = openSync(temporary, "w");
    for (const chunk of chunks) {
      let done = 0;
      while (done < chunk.byteLength) done += writeSync(file, chunk, done, chunk.byteLength - done);
    }
    fsyncSync(file);
    closeSync(file);
    file = undefined;
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    if (file !== undefined) closeSync(file);
    rmSync(temporary, { force: true });
    throw diskError(path, error);
  }
}

/** What `name` was to be called, when it is a file that a kill left half-written; the name itself when it is any other. */
export function finishedName(name: string): string {
  return name.replace(/\.part-\d+$/, "");
}

/** Removes what killed processes left half-written in `folder`, of the files for which `isOwn` says so; they were never read and are
 *  written anew. Nobody else may be writing them: the folder is locked. */
export function removeUnfinished(folder: string, isOwn: (name: string) => boolean): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const finished = finishedName(entry.name);
    if (entry.isFile() && finished !== entry.name && isOwn(finished))
      rmSync(join(folder, entry.name), { force: true });
  }
}

/** Makes a rename in `folder` survive a power cut. */
export function syncFolder(folder: string): void {
  // Windows has no directory handles to sync.
  if (process.platform === "win32") return;
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Turns an operating system's write error into one that says what to do; other errors come back unchanged. */
export function diskError(path: string, error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOSPC" || code === "EDQUOT")
    return new UserError(`${path}: expected room on the disk, got none left`, {
      hint: "free some space or choose another folder; what was there before is untouched",
      cause: error,
    });
  if (code === "EACCES" || code === "EPERM" || code === "EROFS")
    return new UserError(`${path}: expected a writable folder, got ${code}`, { cause: error });
  if (code === "ENOENT" || code === "ENOTDIR")
    return new UserError(`${path}: expected a place for a file, got ${fileProblem(error)}`, { cause: error });
  return error;
}
