// A repository of the Hub, into the cache that the Python tools share: pinned to a commit, checked, several files at once.

import { mkdirSync, statfsSync, statSync } from "node:fs";
import type { Terminal } from "../base/command.ts";
import { UserError } from "../base/errors.ts";
import { formatBytes, formatDuration } from "../base/format.ts";
import { startProgress } from "../base/progress.ts";
import {
  blobPath,
  findSnapshot,
  hasBlob,
  linkBlob,
  readRef,
  repoFolder,
  snapshotFolder,
  writeRef,
} from "./cache-layout.ts";
import { chooseFiles } from "./choose-files.ts";
import { download } from "./download.ts";
import { findCommit, listRepo, pageOf, type RemoteFile } from "./listing.ts";
import { readLock, writeLock } from "./lock-file.ts";
import { guardRepo } from "./repo-guard.ts";
import { checkRepo, isCommit, type RepoRef } from "./repo-name.ts";
import type { HubSettings } from "./settings.ts";

/** Settings of a pull. */
export interface PullOptions {
  /** Patterns of files; see `chooseFiles` for what counts without. */
  readonly include: readonly string[];
  /** Files at once. */
  readonly jobs: number;
  /** Path of the lock file; none is read or written when left out. */
  readonly lockFile?: string | undefined;
  /** Takes the newest commit though the lock file has one. */
  readonly update: boolean;
}

/** What is in the cache now. */
export interface Pulled {
  /** Folder with the files under their names. */
  readonly path: string;
  readonly commit: string;
  readonly files: number;
  /** Bytes of all files, and those that had to be downloaded. */
  readonly bytes: number;
  readonly downloaded: number;
}

/** Downloads what is missing of a repository and returns its snapshot folder.
 *  @throws UserError or DataError naming what failed; what was downloaded by then is gone on with next time. */
export async function pullRepo(
  ref: RepoRef,
  options: PullOptions,
  settings: HubSettings,
  terminal: Terminal,
): Promise<Pulled> {
  checkRepo(ref);
  const folder = repoFolder(settings.cache, ref);
  const locked = options.lockFile === undefined ? undefined : readLock(options.lockFile, ref);
  if (settings.offline) return fromCache(ref, folder, locked, options);
  const note = (reason: string, waitMs: number) =>
    terminal.note(
      `${ref.name}: ${reason}; ${waitMs > 0 ? `trying again in ${formatDuration(waitMs / 1000)}` : "trying again"}`,
    );
  const pinned = options.update ? undefined : locked?.commit;
  const commit = pinned ?? (await findCommit(ref, settings, note));
  const files = chooseFiles(await listRepo(ref, commit, settings, note), ref.type, options.include);
  if (pinned !== undefined) checkLocked(files, locked!.files, options.lockFile!);
  mkdirSync(folder, { recursive: true });
  const guard = guardRepo(folder);
  try {
    const downloaded = await downloadMissing(ref, commit, files, folder, options.jobs, settings, terminal);
    for (const { path, hash } of files) linkBlob(folder, commit, path, hash);
    if (!isCommit(ref.revision)) writeRef(folder, ref.revision, commit);
    if (options.lockFile !== undefined) writeLock(options.lockFile, ref, commit, files);
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    return { path: snapshotFolder(folder, commit), commit, files: files.length, bytes, downloaded };
  } finally {
    guard.release();
  }
}

/** What the cache has of a repository, without asking anyone.
 *  @throws UserError when it has not all of it. */
function fromCache(
  ref: RepoRef,
  folder: string,
  locked: ReturnType<typeof readLock>,
  { include }: PullOptions,
): Pulled {
  const commit = locked?.commit ?? readRef(folder, ref.revision);
  const paths = locked === undefined || include.length > 0 ? undefined : Object.keys(locked.files);
  const path = commit === undefined ? undefined : findSnapshot(folder, commit, paths);
  if (commit === undefined || path === undefined)
    throw new UserError(
      `${ref.name} (${ref.revision}): expected it in the cache ${folder}, got ${commit === undefined ? "nothing" : "a part of it"}`,
      { hint: `pull it once without --offline: sekft pull ${ref.name}` },
    );
  const names = paths ?? [...new Bun.Glob("**/*").scanSync({ cwd: path, followSymlinks: true })];
  const bytes = names.reduce((sum, name) => sum + statSync(`${path}/${name}`).size, 0);
  return { path, commit, files: names.length, bytes, downloaded: 0 };
}

/** A commit cannot change; a listing that differs from the lock file is of another one, or forged. */
function checkLocked(
  files: readonly RemoteFile[],
  locked: Readonly<Record<string, string>>,
  lockFile: string,
): void {
  for (const { path, algorithm, hash } of files)
    if (locked[path] !== undefined && locked[path] !== `${algorithm}:${hash}`)
      throw new UserError(`${lockFile}: expected ${path} with ${locked[path]}, got ${algorithm}:${hash}`, {
        hint: "the server has another file under the same commit; do not trust it, or renew the pin with --update",
      });
}

async function downloadMissing(
  ref: RepoRef,
  commit: string,
  files: readonly RemoteFile[],
  folder: string,
  jobs: number,
  settings: HubSettings,
  terminal: Terminal,
): Promise<number> {
  // Two names of the same content are one blob.
  const missing = [
    ...new Map(
      files.filter(({ hash, bytes }) => !hasBlob(folder, hash, bytes)).map((file) => [file.hash, file]),
    ).values(),
  ];
  const total = missing.reduce((sum, file) => sum + file.bytes, 0);
  if (missing.length === 0) return 0;
  checkRoom(folder, total);
  const mib = 2 ** 20;
  const progress = startProgress(terminal, {
    label: `pull ${ref.name}`,
    total: Math.ceil(total / mib),
    unit: "MiB",
  });
  const there = new Map<string, number>();
  let ready = 0;
  const show = () => {
    const sum = there.values().reduce((all, bytes) => all + bytes, 0);
    progress.update(Math.floor(sum / mib), `${ready}/${missing.length} files`);
  };
  const controller = new AbortController();
  const queue = [...missing];
  const work = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const { path, hash } = file;
      await download({
        file,
        url: `${settings.endpoint}/${pageOf(ref)}/resolve/${commit}/${path.split("/").map(encodeURIComponent).join("/")}`,
        blob: blobPath(folder, hash),
        settings,
        onRetry: (reason, waitMs) =>
          progress.note(
            `${reason}; ${waitMs > 0 ? `trying again in ${formatDuration(waitMs / 1000)}` : "trying again"}`,
          ),
        onBytes(done) {
          there.set(hash, done);
          show();
        },
        signal: controller.signal,
      });
      ready++;
      show();
    }
  };
  try {
    await allOrFirstFailure(Array.from({ length: Math.min(jobs, missing.length) }, work), controller);
  } finally {
    progress.end();
  }
  return total;
}

/** Waits for all; the first failure stops the others, and is the one that counts. */
async function allOrFirstFailure(
  running: readonly Promise<void>[],
  controller: AbortController,
): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  const watched = running.map((one) =>
    one.catch((error: unknown) => {
      failure ??= { error };
      controller.abort();
    }),
  );
  await Promise.all(watched);
  if (failure !== undefined) throw failure.error;
}

function checkRoom(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < bytes)
    throw new UserError(
      `${folder}: expected room for ${formatBytes(bytes)}, got ${formatBytes(bavail * bsize)} free on that disk`,
      { hint: "free some space, or name another folder with HF_HOME" },
    );
}
