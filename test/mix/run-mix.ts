// `sekft mix` run in a folder of its own, with what it wrote read back line by line.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Terminal } from "../../src/base/command.ts";
import { resolveOptions } from "../../src/base/resolve.ts";
import { mix } from "../../src/commands/mix.ts";
import type { MixReport } from "../../src/mix/report.ts";
import type { Removal } from "../../src/mix/scan.ts";

/** The folder in which this process mixes. */
export const folder = mkdtempSync(join(tmpdir(), "sekft-mix-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** Where the goldens lie. */
export const golden = join(import.meta.dir, "../golden/mix");

/** A path in the folder. */
export const at = (name: string) => join(folder, name);

/** Writes rows as JSON lines and returns the path. */
export function rowsFile(name: string, rows: readonly unknown[]): string {
  writeFileSync(at(name), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return at(name);
}

/** Lines of a JSONL file. */
export function lines<T = Record<string, unknown>>(path: string): T[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}

/** A row whose words are its own. */
export function talk(name: string, words = 30) {
  const said = (side: string) => Array.from({ length: words }, (_, i) => `${name}${side}${i}`).join(" ");
  return {
    messages: [
      { role: "user", content: said("q") },
      { role: "assistant", content: said("a") },
    ],
  };
}

/** What a mix of `yaml` printed and wrote. */
export async function runMix(
  yaml: string,
  more: Record<string, unknown> = {},
  terminal: Partial<Terminal> = {},
) {
  writeFileSync(at("mix.yaml"), yaml);
  const out: string[] = [];
  const warnings: string[] = [];
  await mix.run(resolveOptions(mix.options, { config: at("mix.yaml"), out: at("train.jsonl"), ...more }), {
    out: (line) => void out.push(line),
    note: () => undefined,
    warn: (line) => void warnings.push(line),
    interactive: false,
    color: false,
    json: true,
    quiet: false,
    columns: 120,
    ...terminal,
  });
  return {
    out,
    warnings,
    report: (terminal.json ?? true) ? (JSON.parse(out[0]!) as MixReport) : undefined!,
    rows: existsSync(at("train.jsonl")) ? lines<{ id: string; source: string }>(at("train.jsonl")) : [],
    removed: existsSync(at("train.removed.jsonl")) ? lines<Removal>(at("train.removed.jsonl")) : [],
  };
}
