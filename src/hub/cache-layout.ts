// The Hub's cache folder as the Python tools keep it: blobs by hash, snapshots of links by commit, refs by name.
// https://huggingface.co/docs/huggingface_hub/guides/manage-cache

import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { writeFileAtomic } from "../base/atomic.ts";
import { isCommit, type RepoRef } from "./repo-name.ts";

/** Folder of a repository, e.g. `<cache>/models--org--name`. */
export function repoFolder(cache: string, { type, name }: RepoRef): string {
  return join(cache, [`${type}s`, ...name.split("/")].join("--"));
}

/** Folder of the links of one commit. */
export function snapshotFolder(folder: string, commit: string): string {
  return join(folder, "snapshots", commit);
}

/** Path of a file's content. */
export function blobPath(folder: string, hash: string): string {
  return join(folder, "blobs", hash);
}

/** True when the content of a file is there. */
export function hasBlob(folder: string, hash: string, bytes: number): boolean {
  return statSync(blobPath(folder, hash), { throwIfNoEntry: false })?.size === bytes;
}

/** Commit that a branch or tag meant when it was last pulled. */
export function readRef(folder: string, revision: string): string | undefined {
  if (isCommit(revision)) return revision;
  const path = join(folder, "refs", revision);
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return undefined;
  const commit = readFileSync(path, "utf8").trim();
  return isCommit(commit) ? commit : undefined;
}

/** Remembers what a branch or tag means. */
export function writeRef(folder: string, revision: string, commit: string): void {
  if (!isCommit(revision)) writeFileAtomic(join(folder, "refs", revision), commit);
}

/** Puts a blob under its name into a snapshot, as a relative link; as a copy where links are not allowed (Windows). */
export function linkBlob(folder: string, commit: string, path: string, hash: string): void {
  const link = join(snapshotFolder(folder, commit), path);
  const blob = blobPath(folder, hash);
  const target = relative(dirname(link), blob);
  mkdirSync(dirname(link), { recursive: true });
  if (lstatSync(link, { throwIfNoEntry: false })) rmSync(link);
  try {
    symlinkSync(target, link);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") throw error;
    copyFileSync(blob, link);
  }
}

/** The snapshot of a commit when all these files are in it (or, without a list, any file at all). */
export function findSnapshot(
  folder: string,
  commit: string,
  files: readonly string[] | undefined,
): string | undefined {
  const snapshot = snapshotFolder(folder, commit);
  if (!existsSync(snapshot)) return undefined;
  // existsSync follows links: a link without its blob does not count.
  const whole =
    files === undefined
      ? readdirSync(snapshot).length > 0
      : files.every((path) => existsSync(join(snapshot, path)));
  return whole ? snapshot : undefined;
}
