// What is in a repository: its commit and its files, asked of the Hub's own client.

import { DataError, SekftError } from "../base/errors.ts";
import { isCommit, isSafePath, type RepoRef } from "./repo-name.ts";
import { type OnRetry, request, statusError } from "./request.ts";
import type { HubSettings } from "./settings.ts";

/** One file of a repository. */
export interface RemoteFile {
  readonly path: string;
  readonly bytes: number;
  /** What the cache calls its content: sha256 of large files, git's sha1 of small ones. */
  readonly hash: string;
  readonly algorithm: "sha256" | "git-sha1";
}

/** The commit that a revision means now.
 *  @throws UserError when there is no such repository or revision, or no access. */
export async function findCommit(ref: RepoRef, settings: HubSettings, onRetry: OnRetry): Promise<string> {
  if (isCommit(ref.revision)) return ref.revision;
  const { datasetInfo, modelInfo } = await import("@huggingface/hub");
  const query = {
    name: ref.name,
    revision: ref.revision,
    hubUrl: settings.endpoint,
    fetch: client(settings, onRetry),
  };
  const info = await translated<{ readonly sha?: string }>(ref, settings, () =>
    ref.type === "model"
      ? modelInfo({ ...query, additionalFields: ["sha"] })
      : datasetInfo({ ...query, additionalFields: ["sha"] }),
  );
  if (!isCommit(info.sha))
    throw new DataError(
      { file: settings.endpoint, field: "sha" },
      `expected a commit, got ${String(info.sha)}`,
    );
  return info.sha;
}

/** Every file of a commit, in the order of the server.
 *  @throws UserError as {@link findCommit}; DataError for a listing that is not to be trusted. */
export async function listRepo(
  ref: RepoRef,
  commit: string,
  settings: HubSettings,
  onRetry: OnRetry,
): Promise<RemoteFile[]> {
  const { listFiles } = await import("@huggingface/hub");
  return await translated(ref, settings, async () => {
    const files: RemoteFile[] = [];
    const entries = listFiles({
      repo: { type: ref.type, name: ref.name },
      revision: commit,
      recursive: true,
      hubUrl: settings.endpoint,
      fetch: client(settings, onRetry),
    });
    for await (const entry of entries) {
      if (typeof entry !== "object" || entry === null) throw new TypeError("an entry that is no object");
      if (entry.type !== "file") continue;
      const fail = (complaint: string) =>
        new DataError({ file: `${settings.endpoint}/${ref.name}`, field: entry.path }, complaint);
      if (!isSafePath(entry.path)) throw fail("expected a path inside the repository, got this one");
      const bytes = entry.lfs?.size ?? entry.size;
      const hash = entry.lfs?.oid ?? entry.oid ?? "";
      const algorithm = entry.lfs ? "sha256" : "git-sha1";
      if (!new RegExp(algorithm === "sha256" ? "^[0-9a-f]{64}$" : "^[0-9a-f]{40}$").test(hash))
        throw fail(`expected a ${algorithm} hash, got ${JSON.stringify(hash)}`);
      if (!Number.isSafeInteger(bytes) || bytes < 0) throw fail(`expected a size, got ${bytes}`);
      files.push({ path: entry.path, bytes, hash, algorithm });
    }
    return files;
  });
}

/** `fetch` for the client: the same patience and care for the token as for files. */
function client(settings: HubSettings, onRetry: OnRetry): typeof fetch {
  const ask = async (url: string | URL | Request, init?: RequestInit) => {
    const headers = Object.fromEntries(new Headers(init?.headers).entries());
    const address = url instanceof Request ? url.url : String(url);
    return (await request(address, headers, settings, onRetry)).response;
  };
  return ask as typeof fetch;
}

async function translated<T>(ref: RepoRef, settings: HubSettings, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof SekftError) throw error;
    const status = (error as { statusCode?: unknown }).statusCode;
    if (typeof status === "number")
      throw statusError(`${ref.name} (${ref.revision})`, status, settings, pageOf(ref));
    if (error instanceof SyntaxError || error instanceof TypeError)
      throw new DataError({ file: settings.endpoint }, "expected the Hub's JSON, got something else", {
        cause: error,
        hint: "check HF_ENDPOINT; a proxy may have answered in the Hub's place",
      });
    throw error;
  }
}

/** Path of a repository's page and files. */
export function pageOf({ type, name }: RepoRef): string {
  return type === "dataset" ? `datasets/${name}` : name;
}
