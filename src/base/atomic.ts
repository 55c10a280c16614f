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
  const draft = new Draft(path);
  try {
    for (const chunk of chunks) draft.write(chunk);
    draft.putInPlace();
  } catch (error) {
    throw draft.discard(error);
  }
}

/** As {@link writeChunksAtomic}, for content that has to be waited for. */
export async function writeStreamAtomic(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const draft = new Draft(path);
  try {
    for await (const chunk of chunks) draft.write(chunk);
    draft.putInPlace();
  } catch (error) {
    throw draft.discard(error);
  }
}

/** A file on its way, beside the one that it will replace. */
class Draft {
  private readonly temporary: string;
  private file: number | undefined;

  constructor(private readonly path: string) {
    this.temporary = `${path}.part-${process.pid}`;
    try {
      mkdirSync(dirname(path), { recursive: true });
      this.file = openSync(this.temporary, "w");
    } catch (error) {
      throw this.discard(error);
    }
  }

  write(chunk: Uint8Array): void {
    let done = 0;
    while (done < chunk.byteLength) done += writeSync(this.file!, chunk, done, chunk.byteLength - done);
  }

  putInPlace(): void {
    fsyncSync(this.file!);
    closeSync(this.file!);
    this.file = undefined;
    renameSync(this.temporary, this.path);
    syncFolder(dirname(this.path));
  }

  /** Removes the draft; what to throw instead of `error`. */
  discard(error: unknown): unknown {
    if (this.file !== undefined) closeSync(this.file);
    this.file = undefined;
    rmSync(this.temporary, { force: true });
    return diskError(this.path, error);
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
