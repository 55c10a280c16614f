// Does a row hold something that an eval asks? By the n-grams that it shares with each passage of a benchmark, word for word.

import { readFileSync, statSync } from "node:fs";
import { DataError, type Place } from "../base/errors.ts";
import { heldOutArchetype } from "../data/holdout.ts";
import { parseJson } from "../data/parse-json.ts";
import { dataFiles, readValues } from "../data/read-records.ts";
import { isFields } from "../data/turn-checks.ts";
import type { Conversation } from "./conversation.ts";
import { GramFilter } from "./gram-filter.ts";
import type { ContaminationSpec } from "./spec.ts";
import { ngrams, Words } from "./words.ts";

/** Passages shorter than an n-gram are looked for by shorter ones, down to this many words. */
const SHORTEST = 8;
/** An n-gram that is in this part of the items of a benchmark, and in three at least, is its frame and not its content. */
const FRAME_SHARE = 0.05;
const FRAME_ITEMS = 3;

/** What a row was found to hold. */
export interface Finding {
  /** Name of the benchmark, or `archetypes`. */
  readonly against: string;
  /** The item, e.g. `HumanEval/0`, or the archetype. */
  readonly item: string;
  /** Where in the item, e.g. `canonical_solution`; undefined for an archetype. */
  readonly field?: string;
  /** Part of the passage's n-grams that are in the row. */
  readonly overlap?: number;
}

/** How much of a benchmark is compared. */
export interface BenchmarkFacts {
  readonly name: string;
  readonly path: string;
  readonly items: number;
  readonly passages: number;
  /** Passages of fewer than 8 words, or only of words that many items share: nothing can be said about them. */
  readonly skipped: number;
}

interface Passage {
  readonly against: string;
  readonly item: string;
  readonly field: string;
  /** Different n-grams that are not frame. */
  grams: number;
}

/** N-grams of one length: each with the passages that hold it. */
interface GramIndex {
  readonly n: number;
  readonly passages: Map<string, number[]>;
  readonly filter: GramFilter;
}

/** Checks rows against everything that was given. */
export class Contamination {
  private readonly found: Passage[] = [];
  private readonly indexes: GramIndex[] = [];
  private readonly grams = { hashes: new Uint32Array(1024) };
  readonly facts: BenchmarkFacts[] = [];

  private constructor(private readonly spec: ContaminationSpec) {}

  /** Reads all benchmarks.
   *  @throws UserError or DataError where one cannot be read, is empty or has no text to compare */
  static async load(spec: ContaminationSpec): Promise<Contamination> {
    const made = new Contamination(spec);
    const short = Math.min(SHORTEST, spec.ngram);
    const lengths = [...new Set([spec.ngram, short])];
    const texts = new Map(lengths.map((n) => [n, new Map<string, number[]>()]));
    for (const one of spec.against) await made.read(one, texts, short);
    for (const [n, passages] of texts) {
      const words = new Words();
      const filter = new GramFilter(passages.size);
      const scratch = { hashes: new Uint32Array(n) };
      for (const gram of passages.keys()) {
        words.read(gram);
        ngrams(words, n, 0, scratch);
        filter.add(scratch.hashes[0]!);
      }
      if (passages.size > 0) made.indexes.push({ n, passages, filter });
    }
    return made;
  }

  private async read(
    { name, path, place }: ContaminationSpec["against"][number],
    texts: ReadonlyMap<number, Map<string, number[]>>,
    short: number,
  ): Promise<void> {
    const words = new Words();
    const own: { passage: Passage; n: number; grams: Set<string> }[] = [];
    const itemsOf = new Map<string, number>();
    let items = 0;
    let skipped = 0;
    for await (const { item, strings } of readItems(path, place)) {
      items++;
      const ofItem = new Set<string>();
      for (const [field, written] of strings) {
        const text = written.toLowerCase();
        words.read(text);
        if (words.count < short) {
          skipped++;
          continue;
        }
        const n = words.count >= this.spec.ngram ? this.spec.ngram : short;
        const grams = new Set(gramTexts(text, words, n));
        for (const gram of grams) ofItem.add(`${n} ${gram}`);
        own.push({ passage: { against: name, item, field, grams: 0 }, n, grams });
      }
      for (const gram of ofItem) itemsOf.set(gram, (itemsOf.get(gram) ?? 0) + 1);
    }
    const frame = Math.max(FRAME_ITEMS, Math.ceil(FRAME_SHARE * items));
    let passages = 0;
    for (const { passage, n, grams } of own) {
      const number = this.found.length;
      for (const gram of grams) {
        if (itemsOf.get(`${n} ${gram}`)! >= frame) continue;
        passage.grams++;
        const holders = texts.get(n)!.get(gram);
        if (holders) holders.push(number);
        else texts.get(n)!.set(gram, [number]);
      }
      if (passage.grams === 0) skipped++;
      else {
        passages++;
        this.found.push(passage);
      }
    }
    if (passages === 0)
      throw new DataError(
        place,
        `expected texts of ${short} words and more to compare rows with, got none in ${items} item${items === 1 ? "" : "s"} of ${path}`,
      );
    this.facts.push({ name, path, items, passages, skipped });
  }

  /** The worst that a row holds, or undefined. `words` is what was read of `text`, all that the row says. */
  check(row: Conversation, text: string, words: Words): Finding | undefined {
    const held = heldOutArchetype(
      {
        id: row.id ?? "",
        ...(row.archetype !== undefined && { archetype: row.archetype }),
        ...(row.scenarioId !== undefined && { scenarioId: row.scenarioId }),
      },
      this.spec.archetypes,
    );
    if (held !== undefined) return { against: "archetypes", item: held };
    const hits = new Map<number, number>();
    for (const { n, passages, filter } of this.indexes) {
      if (words.count < n) continue;
      const count = ngrams(words, n, 0, this.grams);
      const { hashes } = this.grams;
      const seen = new Set<string>();
      for (let i = 0; i < count; i++) {
        if (!filter.mayHave(hashes[i]!)) continue;
        const gram = gramText(text, words, i, n);
        const holders = passages.get(gram);
        if (holders === undefined || seen.has(gram)) continue;
        seen.add(gram);
        for (const passage of holders) hits.set(passage, (hits.get(passage) ?? 0) + 1);
      }
    }
    let worst: Finding | undefined;
    for (const [number, shared] of hits) {
      const { against, item, field, grams } = this.found[number]!;
      const overlap = shared / grams;
      if (overlap >= this.spec.share && overlap > (worst?.overlap ?? 0))
        worst = { against, item, field, overlap };
    }
    return worst;
  }
}

/** Words `first` to `first + n - 1` as they are compared: one blank between them. */
function gramText(text: string, { starts, ends }: Words, first: number, n: number): string {
  const parts: string[] = [];
  for (let i = first; i < first + n; i++) parts.push(text.slice(starts[i], ends[i]));
  return parts.join(" ");
}

function* gramTexts(text: string, words: Words, n: number): Generator<string> {
  for (let i = 0; i + n <= words.count; i++) yield gramText(text, words, i, n);
}

const NAMES = ["task_id", "id", "scenario_id", "name"];

/** Columns of which a benchmark's Parquet file has at least one. */
const COLUMNS = ["task_id", "prompt", "text", "question", "messages", "turns", "conversations"];

/** Every item of a file or folder, with all its texts by field; lists of texts that belong together are one. */
async function* readItems(
  path: string,
  place: ContaminationSpec["against"][number]["place"],
): AsyncGenerator<{ item: string; strings: [field: string, text: string][] }> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined)
    throw new DataError(
      place,
      `expected a benchmark's file or a folder of scenarios, got nothing at ${path}`,
    );
  const files = stat.isDirectory() ? dataFiles(path) : [path];
  let items = 0;
  for (const file of files)
    for await (const { value, place: at } of file.endsWith(".gz")
      ? unpacked(file)
      : readValues(file, COLUMNS)) {
      items++;
      const name = isFields(value) ? NAMES.map((key) => value[key]).find((one) => isName(one)) : undefined;
      const where = at.line === undefined ? (at.field ?? "") : String(at.line);
      yield {
        item: name === undefined ? `${file}${where && `:${where}`}` : String(name),
        strings: textsOf(value),
      };
    }
  if (items === 0) throw new DataError(place, `expected items to compare rows with, got none in ${path}`);
}

/** JSON lines as HumanEval is handed out: packed, and small enough to be unpacked whole.
 *  @throws DataError for a file that is damaged or holds something else */
function* unpacked(file: string): Generator<{ value: unknown; place: Place }> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(Bun.gunzipSync(readFileSync(file)));
  } catch (cause) {
    throw new DataError({ file }, "expected JSON lines packed by gzip, got something else", { cause });
  }
  for (const [i, line] of text.split("\n").entries()) {
    const place = { file, line: i + 1 };
    if (line.trim() !== "") yield { value: parseJson(line, place, "line"), place };
  }
}

function isName(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number";
}

function textsOf(value: unknown, field = ""): [string, string][] {
  if (typeof value === "string") return [[field, value]];
  if (Array.isArray(value)) {
    if (value.every((one) => typeof one === "string")) return [[field, value.join("\n")]];
    return value.flatMap((one, i) => textsOf(one, `${field}[${i}]`));
  }
  if (!isFields(value)) return [];
  return Object.entries(value).flatMap(([key, one]) => textsOf(one, field === "" ? key : `${field}.${key}`));
}
