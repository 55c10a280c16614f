// The project's own files as a map from path to text, and what their import statements say.

import { readdirSync, readFileSync } from "node:fs";
import { join, normalize } from "node:path";

/** Path from the root, with forward slashes -> text; what only a report draws is there without its text. */
export type Sources = ReadonlyMap<string, string>;

// What .gitignore names, and data made by other programs, whose text is not ours to word.
const skipped =
  /^(\.git|node_modules|dist|runs|\.cache|examples)(\/|$)|^test\/golden\/.*(?<!\.(md|ts|py|sh))$/;
const text = /\.(ts|wgsl|md|sh|py|json|toml|yaml|yml|lock)$|^\.ci\/run$|^LICENSE$|^\.gitignore$/;
const drawn = /^docs\/experiments\/.*\.(svg|png|html)$/;

/** Reads every text file under `root` that belongs to the project. */
export function readSources(root: string): Sources {
  const sources = new Map<string, string>();
  const walk = (folder: string) => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!skipped.test(path) || path.startsWith("test/golden")) walk(path);
      } else if (text.test(path) && !skipped.test(path)) {
        sources.set(path, readFileSync(join(root, path), "utf8"));
      } else if (drawn.test(path)) sources.set(path, "");
    }
  };
  walk("");
  return sources;
}

const statement =
  /(?:^|[^\w.])(?:import|export)\s+(?:type\s+)?(?:[\w*\s{},$]+?\s+from\s+)?["']([^"']+)["']|\b(?:import|require|new URL)\(\s*["']([^"']+)["']/g;

/** What each file imports from the project, type imports and dynamic imports included; only paths that exist. */
export function readImports(sources: Sources): Map<string, string[]> {
  const imports = new Map<string, string[]>();
  for (const [path, source] of sources) {
    if (!path.endsWith(".ts")) continue;
    const targets = new Set<string>();
    for (const [, fixed, dynamic] of withoutComments(source).matchAll(statement)) {
      const target = (fixed ?? dynamic)!;
      if (!target.startsWith(".")) continue;
      const resolved = normalize(join(path, "..", target));
      if (sources.has(resolved)) targets.add(resolved);
    }
    imports.set(path, [...targets]);
  }
  return imports;
}

/** `source` without comments, so that prose about imports is not read as one. */
export function withoutComments(source: string): string {
  return source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}
