// Runs `train` in this process on the tiny models of test/golden/numeric.

import { afterAll, setDefaultTimeout } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Terminal } from "../../src/base/command.ts";
import { resolveOptions } from "../../src/base/resolve.ts";
import { trainOptions } from "../../src/train/options.ts";
import { train } from "../../src/train/session.ts";
import data from "../golden/numeric/train/data.json";

export const numeric = join(import.meta.dir, "..", "golden", "numeric");

/** A folder of its own for a test file, with the rows of the training curves; gone when the file is done. */
export function scratchFolder(): { scratch: string; trainFile: string; evalFile: string } {
  setDefaultTimeout(120_000);
  const scratch = mkdtempSync(join(tmpdir(), "sekft-train-"));
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));
  const trainFile = join(scratch, "train.json");
  const evalFile = join(scratch, "eval.json");
  writeFileSync(trainFile, JSON.stringify(data.train));
  writeFileSync(evalFile, JSON.stringify(data.eval));
  return { scratch, trainFile, evalFile };
}

/** Flags by option key, as text or as the parser takes them. */
export type Flags = Readonly<Record<string, string | boolean | undefined>>;

/** Trains; returns what was said on stderr. */
export async function runTrain(flags: Flags): Promise<string[]> {
  const said: string[] = [];
  const terminal: Terminal = {
    out: (line) => said.push(line),
    note: (line) => said.push(line),
    warn: (line) => said.push(line),
    interactive: false,
    color: false,
    json: false,
    quiet: false,
    columns: 80,
  };
  await train(resolveOptions(trainOptions, flags), terminal);
  return said;
}

/** Lines of a run's log.jsonl. */
export function readLog(out: string): Record<string, number>[] {
  const lines = readFileSync(join(out, "log.jsonl"), "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as Record<string, number>);
}

/** What of a log must be the same in every run: everything but times and memory. */
export function withoutTimes(log: Record<string, number>[]): Record<string, number>[] {
  const timed = /second|runtime|memory/;
  return log.map((entry) => Object.fromEntries(Object.entries(entry).filter(([key]) => !timed.test(key))));
}

/** Bytes of the adapter of a folder. */
export function adapterBytes(folder: string): Buffer {
  return readFileSync(join(folder, "adapter_model.safetensors"));
}
