// What a repository is called, and what may stand in the names that a server sends.

import { UserError } from "../base/errors.ts";

export type RepoType = "model" | "dataset";

/** A repository of the Hub at one revision. */
export interface RepoRef {
  readonly type: RepoType;
  /** `org/name`, or `name` alone for the oldest ones. */
  readonly name: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

const part = "[A-Za-z0-9_][A-Za-z0-9._-]{0,95}";
const repoName = new RegExp(`^${part}(/${part})?$`);

/** True for `org/name`, which could be a repository; whether a path of that name exists is the caller's business. */
export function looksLikeRepo(text: string): boolean {
  return text.includes("/") && isRepoName(text);
}

function isRepoName(text: string): boolean {
  return repoName.test(text) && !/--|\.\.|\.git$/.test(text);
}

/** Checks a name and a revision that the user gave.
 *  @throws UserError */
export function checkRepo(ref: RepoRef): void {
  if (!isRepoName(ref.name))
    throw new UserError(
      `pull: expected the name of a repository like org/name, got ${JSON.stringify(ref.name)}`,
    );
  if (!/^[\w][\w./-]*$/.test(ref.revision) || /\.\.|\/\/|\/$/.test(ref.revision))
    throw new UserError(`--revision: expected a branch, tag or commit, got ${JSON.stringify(ref.revision)}`);
}

/** True for a full commit hash, which needs no look-up. */
export function isCommit(text: unknown): text is string {
  return typeof text === "string" && /^[0-9a-f]{40}$/.test(text);
}

/** A path from a listing that stays inside its folder, on every system. */
export function isSafePath(path: string): boolean {
  return (
    path !== "" &&
    !/[\\\0:]/.test(path) &&
    path.split("/").every((name) => name !== "" && name !== "." && name !== "..")
  );
}
