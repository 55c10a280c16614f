// Names on the Hub wherever a base or data may be given: resolved to folders before a command does anything else.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Terminal } from "../base/command.ts";
import { UserError } from "../base/errors.ts";
import { embeddedName } from "../embedded/name.ts";

interface Inputs {
  readonly base?: string | undefined;
  readonly data?: string | undefined;
  readonly hub?: string | undefined;
  readonly corpusVersion?: string | undefined;
  /** A server's base may be named by the id that the server gives it. */
  readonly resident?: string | undefined;
}

/** `options` with `base` and `data` as paths: the base `embedded` is the one inside the binary; `org/name` becomes its snapshot in
 *  the cache, downloaded when it is not there; `hub` names a data set of the Hub instead of `data`.
 *  @throws UserError when a name cannot be found or two sources of data are given. */
export async function resolveInputs<T extends Inputs>(options: T, terminal: Terminal): Promise<T> {
  const { base, data, hub, corpusVersion, resident } = options;
  if (hub !== undefined && data !== undefined)
    throw new UserError("--hub: expected it alone or --data alone, got both");
  return {
    ...options,
    base: resident === undefined ? base && (await resolve(base, "model", terminal)) : base,
    data: hub
      ? corpusFolder(await resolve(hub, "dataset", terminal), hub, corpusVersion ?? "latest")
      : data && (await resolve(data, "dataset", terminal)),
  };
}

/** Problems of a benchmark as a path: `org/name` becomes the data set's snapshot in the cache, downloaded when it is not there, and
 *  `org/name/folder` a folder of it. What has a data file's ending is a path in any case.
 *  @throws UserError when a name cannot be found */
export async function resolveProblems(pathOrName: string, terminal: Terminal): Promise<string> {
  const named = /^(\w[^/]*\/[^/]+)(?:\/(.+))?$/.exec(pathOrName.replace(/\/+$/, ""));
  if (existsSync(pathOrName) || named === null || /\.(jsonl?|ndjson|parquet|gz)$/.test(pathOrName))
    return pathOrName;
  const [, repo, inside] = named as unknown as [string, string, string | undefined];
  const snapshot = await resolve(repo, "dataset", terminal);
  return inside === undefined ? snapshot : join(snapshot, inside);
}

/** Loads the Hub's code only for what is no path. */
async function resolve(pathOrName: string, type: "model" | "dataset", terminal: Terminal): Promise<string> {
  if (type === "model" && pathOrName === embeddedName && !existsSync(pathOrName)) {
    const { embeddedBase } = await import("../embedded/embedded-base.ts");
    return embeddedBase();
  }
  if (existsSync(pathOrName) || !pathOrName.includes("/")) return pathOrName;
  const { resolveRepo } = await import("../hub/resolve-repo.ts");
  return resolveRepo(pathOrName, terminal, { type });
}

/** One version of a data set that keeps each in a folder of its own (`v1`, `v2.1`, ... at its root or under `data/`); one without
 *  such folders is taken whole.
 *  @throws UserError for a version that is not there. */
export function corpusFolder(snapshot: string, name: string, version: string): string {
  const roots = [snapshot, join(snapshot, "data")].filter((root) => existsSync(root));
  const versions = roots.flatMap((root) =>
    readdirSync(root)
      .filter((folder) => /^v?\d+(\.\d+)*$/.test(folder))
      .map((folder) => ({ folder, path: join(root, folder) })),
  );
  const collator = new Intl.Collator("en", { numeric: true });
  versions.sort((a, b) => collator.compare(a.folder.replace(/^v/, ""), b.folder.replace(/^v/, "")));
  if (version === "latest") return versions.at(-1)?.path ?? snapshot;
  const found = versions.find(({ folder }) => folder.replace(/^v/, "") === version.replace(/^v/, ""));
  if (found) return found.path;
  const known = versions.map(({ folder }) => folder).join(", ");
  throw new UserError(`--corpus-version: expected a version of ${name}, got ${version}`, {
    hint: known ? `it has ${known}` : "it keeps no versions; leave the option out",
  });
}
