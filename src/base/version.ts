// Which sekft this is: the package's version and the commit it was built from.

import packageJson from "../../package.json" with { type: "json" };

// Set by scripts/build.ts; absent when run from source.
declare const SEKFT_COMMIT: string | undefined;

/** The version, e.g. `0.1.0`, and the commit, e.g. `d421aba` or `d421aba-dirty`; `unknown` outside a git checkout. */
export function version(): { readonly version: string; readonly commit: string } {
  const commit = typeof SEKFT_COMMIT === "string" ? SEKFT_COMMIT : sourceCommit(import.meta.dir);
  return { version: packageJson.version, commit };
}

/** The commit of the checkout around `folder`, with `-dirty` when tracked files were changed since. */
export function sourceCommit(folder: string): string {
  const git = (...args: string[]) => {
    try {
      const run = Bun.spawnSync(["git", "-C", folder, ...args], { stderr: "ignore" });
      return run.success ? run.stdout.toString().trim() : undefined;
    } catch {
      return undefined;
    }
  };
  const commit = git("rev-parse", "--short=12", "HEAD");
  if (!commit) return "unknown";
  return git("status", "--porcelain", "--untracked-files=no") ? `${commit}-dirty` : commit;
}
