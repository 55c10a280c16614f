// What a data set is made of: archetypes, outcomes, terminals, lengths, duplicates, defects. No tokenizer needed.

import { createHash } from "node:crypto";
import type { ChatFormat } from "./chat/chat-format.ts";
import { terminalOf } from "./dataset.ts";
import { findDefects } from "./defects.ts";
import { type EncodeOptions, encodeTrajectory } from "./encode-trajectory.ts";
import { readTrajectories } from "./read-records.ts";

/** One group of a count. */
export type Counts = Record<string, number>;

/** Lengths in ascending order, summed up. */
export interface Lengths {
  readonly total: number;
  readonly min: number;
  readonly median: number;
  readonly p90: number;
  readonly max: number;
  /** Upper bound (a power of two) -> rows at most that long and longer than the bound before. */
  readonly histogram: readonly { readonly upTo: number; readonly rows: number }[];
}

/** Statistics of the rows that would be read. */
export interface DataStatistics {
  rows: number;
  kept: number;
  scenarios: number;
  archetypes: Counts;
  outcomes: Counts;
  /** Last word of each kept row. */
  terminals: Counts;
  turns: Counts;
  /** Commands of each kept row. */
  commands: Lengths | undefined;
  characters: Lengths | undefined;
  /** Tokens of each kept row that could be encoded; only with a base. */
  tokens: Lengths | undefined;
  /** Rows that could not be encoded, by code; only with a base. */
  refused: Counts;
  /** Rows whose turns are those of an earlier row: id, and the id of the first. */
  duplicates: { readonly id: string; readonly first: string }[];
  /** What is wrong with single rows. */
  defects: { readonly id: string; readonly complaint: string; readonly refused: boolean }[];
  warnings: string[];
}

/** Below this share of the rows, a model may learn that one way of leaving is always right. */
const LEAST_SHARE = 0.05;

/** Reads all rows and counts.
 *  @throws DataError for the first row that cannot be read. */
export async function dataStatistics(
  options: { readonly data: string; readonly all: boolean } & EncodeOptions,
  format: ChatFormat | undefined,
): Promise<DataStatistics> {
  const statistics = emptyStatistics();
  const scenarios = new Set<string>();
  const firsts = new Map<string, string>();
  const lengths = { commands: [] as number[], characters: [] as number[], tokens: [] as number[] };
  let emptyQueue = 0;
  for await (const record of readTrajectories(options.data)) {
    statistics.rows++;
    if (record.keep || options.all) statistics.kept++;
    bump(statistics.archetypes, record.archetype ?? "unknown");
    bump(statistics.outcomes, record.outcome ?? "unknown");
    if (record.scenarioId !== undefined) scenarios.add(record.scenarioId);
    for (const { complaint, contradiction } of findDefects(record))
      statistics.defects.push({ id: record.id, complaint, refused: contradiction });
    const key = createHash("sha256").update(JSON.stringify(record.turns)).digest("base64");
    const first = firsts.get(key);
    if (first !== undefined) statistics.duplicates.push({ id: record.id, first });
    else firsts.set(key, record.id);
    if (!record.keep && !options.all) continue;
    bump(statistics.terminals, terminalOf(record));
    if (record.archetype === "empty_queue") emptyQueue++;
    for (const turn of record.turns) bump(statistics.turns, turn.role);
    lengths.commands.push(record.turns.filter((turn) => turn.role === "assistant").length);
    lengths.characters.push(record.turns.reduce((sum, turn) => sum + turn.content.length, 0));
    if (format === undefined) continue;
    const result = encodeTrajectory(record, format, options);
    if ("refused" in result) bump(statistics.refused, result.refused);
    else lengths.tokens.push(result.inputIds.length);
  }
  statistics.scenarios = scenarios.size;
  statistics.commands = summarise(lengths.commands);
  statistics.characters = summarise(lengths.characters);
  statistics.tokens = summarise(lengths.tokens);
  statistics.warnings = balanceWarnings(statistics, emptyQueue);
  return statistics;
}

function emptyStatistics(): DataStatistics {
  return {
    rows: 0,
    kept: 0,
    scenarios: 0,
    archetypes: {},
    outcomes: {},
    terminals: {},
    turns: {},
    commands: undefined,
    characters: undefined,
    tokens: undefined,
    refused: {},
    duplicates: [],
    defects: [],
    warnings: [],
  };
}

function bump(counts: Counts, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

function balanceWarnings({ kept, terminals }: DataStatistics, emptyQueue: number): string[] {
  const warnings: string[] = [];
  const few = (n: number, what: string, lesson: string) => {
    if (n < LEAST_SHARE * kept)
      warnings.push(
        `${what}: ${n} of ${kept} rows (${((100 * n) / kept).toFixed(1)} %), under 5 %: ${lesson}`,
      );
  };
  few(terminals.panic ?? 0, "panic", "the model may learn that giving up is never right");
  few(emptyQueue, "empty_queue", "the model may learn that there is always something to do");
  return warnings;
}

/** Sums lengths up; undefined when there are none. */
export function summarise(values: number[]): Lengths | undefined {
  if (values.length === 0) return undefined;
  const sorted = values.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  const histogram: { upTo: number; rows: number }[] = [];
  let bound = 1;
  let i = 0;
  while (i < sorted.length) {
    const from = i;
    while (i < sorted.length && sorted[i]! <= bound) i++;
    if (i > from || histogram.length > 0) histogram.push({ upTo: bound, rows: i - from });
    bound *= 2;
  }
  return {
    total: sorted.reduce((sum, value) => sum + value, 0),
    min: sorted[0]!,
    median: at(0.5),
    p90: at(0.9),
    max: sorted.at(-1)!,
    histogram,
  };
}
