// Runs while the program is built (or read, from sources): the page's script and rules become text inside it.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The script of the page, one file. */
export function bundledScript(): string {
  const main = fileURLToPath(new URL("./page/main.ts", import.meta.url));
  const made = Bun.spawnSync([
    process.execPath,
    "build",
    main,
    "--target=browser",
    "--format=esm",
    "--minify",
  ]);
  if (!made.success) throw new Error(`the page could not be bundled\n${made.stderr}`);
  return made.stdout.toString();
}

/** The page's own rules. */
export function bundledStyle(): string {
  return readFileSync(fileURLToPath(new URL("./page/style.css", import.meta.url)), "utf8");
}
