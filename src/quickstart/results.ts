// What a finished quickstart came to, read from the folders of its stages.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { readLines } from "../data/read-lines.ts";
import { type Comparison, compareArms } from "../eval/compare.ts";
import { readEpisodes } from "../eval/episode-log.ts";
import type { EpisodeRecord } from "../eval/record.ts";
import { names } from "./experiment-text.ts";
import type { Point } from "./terminal-chart.ts";

/** What is shown at the end. */
export interface Results {
  /** Episodes of the base and of the adapter. */
  readonly base: readonly EpisodeRecord[];
  readonly adapter: readonly EpisodeRecord[];
  readonly comparison: Comparison;
  /** Loss by step. */
  readonly curve: readonly Point[];
  /** Where the adapter lies, as PEFT loads it. */
  readonly adapterFolder: string;
}

/** Reads them.
 *  @throws UserError or DataError when a stage's files are not there or damaged */
export function readResults(folder: string, seed: number): Results {
  const adapterFolder = join(folder, "models", names.adapter, `seed-${seed}`);
  const base = readEpisodes(join(folder, "eval", names.base));
  const adapter = readEpisodes(join(folder, "eval", names.adapter, `seed-${seed}`));
  return {
    base,
    adapter,
    comparison: compareArms(
      { name: names.base, records: base },
      { name: names.adapter, records: adapter },
      0,
    ),
    curve: readCurve(join(adapterFolder, "log.jsonl")),
    adapterFolder,
  };
}

/** Loss by step of a training log; lines that hold no loss, and one that a kill cut short, are passed over. */
function readCurve(file: string): Point[] {
  if (!existsSync(file)) return [];
  const points = new Map<number, number>();
  for (const { text } of readLines(file)) {
    const { step, loss } = entryOf(text);
    if (typeof step === "number" && typeof loss === "number") points.set(step, loss);
  }
  return [...points].map(([x, y]) => ({ x, y })).sort((a, b) => a.x - b.x);
}

function entryOf(text: string): { readonly step?: unknown; readonly loss?: unknown } {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}
