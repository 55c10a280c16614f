// `org/name` wherever a path may stand: the path itself when it exists, or else the repository's snapshot in the cache.

import { existsSync } from "node:fs";
import type { Terminal } from "../base/command.ts";
import { findSnapshot, readRef, repoFolder } from "./cache-layout.ts";
import { readLock } from "./lock-file.ts";
import { lockFileName } from "./lock-file-name.ts";
import { pullRepo } from "./pull-repo.ts";
import { looksLikeRepo, type RepoRef, type RepoType } from "./repo-name.ts";
import { hubSettings } from "./settings.ts";

/** What to look for. */
export interface ResolveOptions {
  readonly type?: RepoType;
  /** Branch, tag or commit; `main` when left out. */
  readonly revision?: string | undefined;
  /** Never asks the network. HF_HUB_OFFLINE means the same. */
  readonly offline?: boolean;
  /** `./sekft.lock` when left out. */
  readonly lockFile?: string;
}

/** A path as it is when something is there or it cannot be a repository; else the folder of `org/name` in the cache, downloaded when
 *  it is not there yet. A commit that the lock file or the cache has is used as it is; `sekft pull --update` renews it.
 *  @throws UserError when it is neither, or cannot be downloaded. */
export async function resolveRepo(
  pathOrName: string,
  terminal: Terminal,
  options: ResolveOptions = {},
): Promise<string> {
  if (existsSync(pathOrName) || !looksLikeRepo(pathOrName)) return pathOrName;
  const environment = hubSettings();
  const settings = { ...environment, offline: environment.offline || options.offline === true };
  const ref: RepoRef = {
    type: options.type ?? "model",
    name: pathOrName,
    revision: options.revision ?? "main",
  };
  const lockFile = options.lockFile ?? lockFileName;
  const folder = repoFolder(settings.cache, ref);
  const locked = readLock(lockFile, ref);
  const commit = locked?.commit ?? readRef(folder, ref.revision);
  const cached = commit && findSnapshot(folder, commit, locked && Object.keys(locked.files));
  if (cached) {
    terminal.note(`${pathOrName}: ${cached}`);
    return cached;
  }
  const wanted = { include: [], jobs: 8, lockFile, update: false };
  return (await pullRepo(ref, wanted, settings, terminal)).path;
}
