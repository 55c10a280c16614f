// sekft.lock: which commit a name means for this project, and the hashes of its files, so that another machine gets the same bytes.

import { existsSync } from "node:fs";
import { writeFileAtomic } from "../base/atomic.ts";
import { DataError, show } from "../base/errors.ts";
import { isObject, readJsonObject } from "../formats/json-file.ts";
import type { RemoteFile } from "./listing.ts";
import { isCommit, type RepoRef } from "./repo-name.ts";

/** What the lock file says of one repository. */
export interface Locked {
  readonly commit: string;
  /** Path -> `sha256:<hex>` or `git-sha1:<hex>`. */
  readonly files: Readonly<Record<string, string>>;
}

const format = 1;

function keyOf({ type, name, revision }: RepoRef): string {
  return `${type}:${name}@${revision}`;
}

/** What is locked for a repository and revision; undefined when nothing is.
 *  @throws DataError when the file is damaged. */
export function readLock(path: string, ref: RepoRef): Locked | undefined {
  const entry = existsSync(path) ? entries(path)[keyOf(ref)] : undefined;
  if (entry === undefined) return undefined;
  const field = `repositories.${keyOf(ref)}`;
  if (!isObject(entry) || !isCommit(entry.commit) || !isObject(entry.files))
    throw new DataError({ file: path, field }, `expected a commit and files, got ${show(entry)}`);
  return entry as unknown as Locked;
}

/** Writes or replaces the entry of a repository; files of the same commit that were locked before stay. */
export function writeLock(path: string, ref: RepoRef, commit: string, files: readonly RemoteFile[]): void {
  const before = readLock(path, ref);
  const hashes = Object.fromEntries(
    files.map(({ path: name, algorithm, hash }) => [name, `${algorithm}:${hash}`]),
  );
  const all = before?.commit === commit ? { ...before.files, ...hashes } : hashes;
  const repositories = {
    ...(existsSync(path) ? entries(path) : {}),
    [keyOf(ref)]: { commit, files: sorted(all) },
  };
  writeFileAtomic(path, `${JSON.stringify({ format, repositories: sorted(repositories) }, null, 2)}\n`);
}

function entries(path: string): Readonly<Record<string, unknown>> {
  const json = readJsonObject(path, "a lock file");
  if (json.format !== format)
    throw new DataError({ file: path, field: "format" }, `expected ${format}, got ${show(json.format)}`);
  if (!isObject(json.repositories))
    throw new DataError(
      { file: path, field: "repositories" },
      `expected an object, got ${show(json.repositories)}`,
    );
  return json.repositories;
}

function sorted<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
