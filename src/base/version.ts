// Which sekft this is: the package's version and the commit it was built from.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };

// Set by scripts/build.ts; absent when run from source.
declare const SEKFT_COMMIT: string | undefined;

/** The version, e.g. `0.1.0`, and the commit, e.g. `d421aba` or `d421aba-dirty`; `unknown` outside a git checkout. */
export function version(): { readonly version: string; readonly commit: string } {
  const commit =
    typeof SEKFT_COMMIT === "string" ? SEKFT_COMMIT : sourceCommit(join(import.meta.dir, "../.."));
  return { version: packageJson.version, commit };
}

/** The commit of the checkout whose top is `root`, with `-dirty` when tracked files were changed since. */
export function sourceCommit(root: string): string {
  const git = (...args: string[]) => {
    try {
      const run = Bun.spawnSync(["git", "-c", "safe.directory=*", "-C", root, ...args], { stderr: "ignore" });
      return run.success ? run.stdout.toString().trim() : undefined;
    } catch {
      return undefined;
    }
  };
  const commit = git("rev-parse", "--short=12", "HEAD");
  if (!commit) return headCommit(root) ?? "unknown";
  return git("status", "--porcelain", "--untracked-files=no") ? `${commit}-dirty` : commit;
}

// The same without git on the machine: HEAD names a branch, and the branch's file or packed-refs its commit.
function headCommit(root: string): string | undefined {
  const read = (path: string) => (existsSync(path) ? readFileSync(path, "utf8") : "");
  const repository = join(root, ".git");
  const head = read(join(repository, "HEAD")).trim();
  const branch = /^ref: (.*)$/.exec(head)?.[1];
  if (branch === undefined) return head.slice(0, 12) || undefined;
  const packed = read(join(repository, "packed-refs"));
  const line = packed.split("\n").find((entry) => entry.endsWith(` ${branch}`)) ?? "";
  return (read(join(repository, branch)).trim() || line).slice(0, 12) || undefined;
}
