// Runs `sekft bench` in this process on files and answers, and reads what it wrote.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Terminal } from "../../src/base/command.ts";
import { resolveOptions } from "../../src/base/resolve.ts";
import type { BenchResult } from "../../src/bench/result.ts";
import { bench } from "../../src/commands/bench.ts";
import { silent } from "../base/silent-terminal.ts";

/** A folder that is gone with the test. */
export function temporary(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "sekft-bench-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Writes rows as JSON lines. */
export function jsonLines(file: string, rows: readonly unknown[]): string {
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return file;
}

/** Rows of the samples that ship. */
export function samples(name: string): Record<string, unknown>[] {
  const file = join(import.meta.dir, `../../src/bench/samples/${name}.jsonl`);
  return readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

/** The right answer to a row of a sample. */
export function rightAnswer(row: Record<string, unknown>): { task_id: string; completion: string } {
  const completion = row.canonical_solution ?? row.code ?? row.reference ?? JSON.stringify(row.expected);
  return { task_id: String(row.task_id ?? row.id), completion: String(completion) };
}

/** Runs the command with `flags` and returns the result file and the warnings. */
export async function runBench(
  benchmark: string,
  flags: Readonly<Record<string, unknown>>,
): Promise<{ readonly result: BenchResult; readonly warnings: readonly string[] }> {
  const warnings: string[] = [];
  const terminal: Terminal = { ...silent, warn: (line) => warnings.push(line) };
  const options = resolveOptions(bench.options, { sandbox: "bubblewrap", ...flags, benchmark }, {});
  await bench.run(options as Parameters<typeof bench.run>[0], terminal);
  const file = join(String(flags.out), `${benchmark}.json`);
  return { result: JSON.parse(readFileSync(file, "utf8")), warnings };
}
