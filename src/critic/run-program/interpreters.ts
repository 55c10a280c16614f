// The interpreters of this machine that a sandbox can show: a Python that another user may read, and this program's own runtime.

import { chmodSync, copyFileSync, mkdtempSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A Python. */
export interface Python {
  /** Its path, the same inside and outside. */
  readonly path: string;
  /** Folder to show beside /usr; `undefined` when it lies in /usr. */
  readonly prefix: string | undefined;
}

/** Every Python 3 of the path that anybody may run, the system's own first. */
export function findPythons(): Python[] {
  const folders = ["/usr/bin", "/usr/local/bin", ...(process.env.PATH ?? "").split(":")];
  const found = new Map<string, Python>();
  for (const folder of folders) {
    const path = resolved(join(folder, "python3"));
    if (path === undefined || found.has(path) || !isOpenToAll(path)) continue;
    if (path.startsWith("/usr/")) found.set(path, { path, prefix: undefined });
    else if (dirname(path).endsWith("/bin")) found.set(path, { path, prefix: dirname(dirname(path)) });
  }
  return [...found.values()];
}

function resolved(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** Every folder above may be passed by anybody, and the file be read. */
function isOpenToAll(path: string): boolean {
  if (process.getuid?.() !== 0) return true;
  for (let at = dirname(path); at !== "/"; at = dirname(at))
    if ((statSync(at).mode & 0o001) === 0) return false;
  return (statSync(path).mode & 0o005) === 0o005;
}

/** This program as a JavaScript runtime: the compiled program is one, too, when it is told so (BUN_BE_BUN). Where it lies in a
 *  folder that only root may enter, a copy is made; `remove` takes it away. */
export function findBun(): { readonly path: string; remove(): void } {
  const own = realpathSync(process.execPath);
  if (isOpenToAll(own)) return { path: own, remove() {} };
  const folder = mkdtempSync(join(tmpdir(), "sekft-bun-"));
  chmodSync(folder, 0o755);
  const path = join(folder, "bun");
  copyFileSync(own, path);
  chmodSync(path, 0o755);
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
