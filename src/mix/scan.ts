// The first reading of all sources: every row is checked, weighed and looked through; of the text only signatures stay.

import { createHash, type Hash } from "node:crypto";
import { statSync } from "node:fs";
import { extname } from "node:path";
import { DataError, type Place } from "../base/errors.ts";
import { dataFiles } from "../data/read-records.ts";
import { looksLikeScenario } from "../data/trajectory.ts";
import type { Contamination, Finding } from "./contamination.ts";
import { type Conversation, conversationText, readConversation } from "./conversation.ts";
import type { MinHash } from "./minhash.ts";
import { RowFile } from "./row-file.ts";
import type { RowTable } from "./row-table.ts";
import type { SketchFile } from "./sketch-file.ts";
import type { MixSpec, SourceSpec } from "./spec.ts";
import type { Weigh } from "./weigh.ts";
import { finish, ngrams, Words } from "./words.ts";

/** Why a row is not in the mix, or what is remarkable about one that is. */
export interface Removal {
  readonly source: string;
  readonly file: string;
  /** Its line, or which one it is in a file without lines. */
  readonly row: number;
  readonly id?: string;
  readonly reason: "not_kept" | "refused" | "contaminated" | "near_duplicate";
  /** With `refused`: why `sekft train` would not take it. */
  readonly code?: string;
  readonly finding?: Finding;
  readonly duplicate_of?: { readonly source: string; readonly file: string; readonly row: number };
  readonly similarity?: number;
  /** False for a contaminated row that is only listed. */
  readonly removed: boolean;
}

/** What the first reading found of one source. */
export interface ScannedSource {
  readonly spec: SourceSpec;
  /** Its rows in the table: from the first, up to the last, that one not included. */
  readonly first: number;
  readonly end: number;
  readonly files: readonly string[];
  readonly bytes: number;
  /** SHA-256 of its rows, one after the other. */
  readonly hash: string;
  readonly rows: number;
  readonly notKept: number;
  readonly refused: number;
  readonly contaminated: number;
}

/** What the first reading needs. */
export interface ScanTools {
  readonly spec: MixSpec;
  readonly table: RowTable;
  readonly weigh: Weigh;
  readonly contamination: Contamination | undefined;
  readonly signatures: { readonly hash: MinHash; readonly file: SketchFile } | undefined;
  readonly removed: (removal: Removal) => void;
  /** Is called after each row with the bytes read so far of this source. */
  readonly tick: (bytes: number) => Promise<void> | undefined;
}

/** The files of a source, in order, opened.
 *  @param spool names files that may be laid down for a moment
 *  @throws DataError when a path has nothing */
export function openSource({ paths, place }: SourceSpec, spool: () => string): RowFile[] {
  const files = paths.flatMap((path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined)
      throw new DataError(place, `expected files or folders of rows, got nothing at ${path}`);
    if (!stat.isDirectory()) return [path];
    const found = dataFiles(path);
    if (found.length === 0)
      throw new DataError(place, `expected .jsonl, .json or .parquet files in ${path}, got none`);
    return found;
  });
  return files.map((path) => new RowFile(path, spool()));
}

/** Reads all rows of one source into the table.
 *  @throws DataError naming file, line and field of the first row that is wrong; for a source without rows */
export async function scanSource(
  source: SourceSpec,
  files: readonly RowFile[],
  tools: ScanTools,
): Promise<ScannedSource> {
  const { table, spec } = tools;
  const counts = { rows: 0, notKept: 0, refused: 0, contaminated: 0 };
  const first = table.rows;
  const content = createHash("sha256");
  const ids = new Set<number>();
  const groupField = spec.groupBy;
  const reader = new RowReader(spec.dedup?.ngram ?? 1);
  let before = 0;
  for (const file of files) {
    table.open(file);
    for await (const { value, place, number, offset, bytes, text } of file.rows()) {
      if (files.length > 1 && extname(file.path) === ".json" && looksLikeScenario(value)) continue;
      counts.rows++;
      table.litter.add(bytes);
      content.update(text).update("\n");
      const row = readConversation(value, place);
      if (row.verdict) refuseSameId(row.id!, ids, place);
      const waited = tools.tick(before + (extname(file.path) === ".parquet" ? 0 : offset + bytes));
      if (waited !== undefined) await waited;
      const about = {
        source: source.name,
        file: file.path,
        row: number,
        ...(row.id !== undefined && { id: row.id }),
      };
      if (!row.kept && !source.all) {
        counts.notKept++;
        tools.removed({ ...about, reason: "not_kept", removed: true });
        continue;
      }
      const weight = tools.weigh(row.turns);
      if (typeof weight === "string") {
        counts.refused++;
        tools.removed({ ...about, reason: "refused", code: weight, removed: true });
        continue;
      }
      reader.read(row);
      const finding = tools.contamination?.check(row, reader.text, reader.words);
      if (finding !== undefined) {
        counts.contaminated++;
        const removed = spec.contamination!.action !== "list";
        tools.removed({ ...about, reason: "contaminated", finding, removed });
        if (removed) continue;
      }
      if (tools.signatures !== undefined) {
        const { hash, file: sketches } = tools.signatures;
        if (source.dedup) hash.read(reader.grams.hashes, reader.readGrams());
        sketches.add(hash);
      }
      const at = { offset, bytes };
      const group = groupOf(row, groupField) ?? `${file.path}\n${number}`;
      table.add(at, number, weight, groupHash(`${spec.seed}\n${source.name}\n${group}`));
    }
    before += file.bytes;
  }
  if (counts.rows === 0)
    throw new DataError(source.place, `expected rows in ${source.paths.join(", ")}, got none`);
  return {
    spec: source,
    first,
    end: table.rows,
    files: files.map(({ path }) => path),
    bytes: before,
    hash: digest(content),
    ...counts,
  };
}

/** Reads rows for comparison: their text, words and n-grams, in memory that is used again. */
export class RowReader {
  readonly words = new Words();
  readonly grams = { hashes: new Uint32Array(4096) };
  text = "";
  private own = 0;

  constructor(private readonly ngram: number) {}

  read({ turns }: Pick<Conversation, "turns">): void {
    const { text, own } = conversationText(turns);
    this.text = text;
    this.own = own;
    this.words.read(text);
  }

  /** Fills {@link grams} with the n-grams of what is not a leading system turn; how many there are. */
  readGrams(): number {
    const first = this.words.from(this.own);
    return ngrams(this.words, this.ngram, first < this.words.count ? first : 0, this.grams);
  }
}

function groupOf({ scenarioId, fields }: Conversation, field: string | undefined): string | undefined {
  const value = field === undefined ? undefined : fields[field];
  if (typeof value === "string" || typeof value === "number") return `${field}\n${value}`;
  return scenarioId === undefined ? undefined : `scenario\n${scenarioId}`;
}

function groupHash(text: string): number {
  const hash = Bun.hash.xxHash32(text);
  return finish(hash);
}

/** A training run refuses two sessions of one id; 53 bits of a hash tell a million of them apart. */
function refuseSameId(id: string, seen: Set<number>, place: Place): void {
  const key = Number(Bun.hash.wyhash(id) & 0x1fffffffffffffn);
  if (seen.has(key)) throw new DataError({ ...place, field: "id" }, `duplicate id ${id}`);
  seen.add(key);
}

function digest(hash: Hash): string {
  return `sha256:${hash.digest("hex")}`;
}
