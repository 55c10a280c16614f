// The BPE model of a tokenizer.json: a word to ids, with the part of the word that each id stands for. Words are cached.

import { DataError, show } from "../../base/errors.ts";
import { byteCharacters } from "./byte-level.ts";
import { mergeSymbols, type Symbols } from "./merge.ts";
import { type MergeTable, makeMergeTable } from "./merge-table.ts";
import type { BpeJson } from "./tokenizer-json.ts";

/** A tokenised word: id k stands for its UTF-16 code units [starts[k], ends[k]), widened to whole characters. */
export interface Word {
  readonly ids: readonly number[];
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/** Words kept before the cache starts anew; a shell corpus has some ten thousand distinct ones. */
const CACHE_LIMIT = 200_000;

const utf8 = new TextEncoder();

/** Byte-pair encoder over one vocabulary. */
export class Bpe {
  readonly vocabulary: ReadonlyMap<string, number>;
  /** True when no merge joins a piece with a following `▁`: a long text may then be cut in front of each `▁` run. */
  readonly wordsEndAtMetaspace: boolean;
  private readonly merges: MergeTable;
  private readonly byteIds: Int32Array;
  private readonly unknown: number | undefined;
  private readonly fuseUnknown: boolean;
  private readonly ignoreMerges: boolean;
  private readonly cache = new Map<string, Word>();

  /** @param byteLevel words are mapped to bytes (GPT-2) instead of characters (SentencePiece).
   *  @throws DataError naming a merge that the vocabulary lacks. */
  constructor(
    json: BpeJson,
    private readonly byteLevel: boolean,
    file: string,
  ) {
    const vocabulary = new Map<string, number>(Object.entries(json.vocab));
    this.vocabulary = vocabulary;
    const triples = new Int32Array(json.merges.length * 3);
    let crossing = false;
    for (const [i, merge] of json.merges.entries()) {
      const space = typeof merge === "string" ? merge.indexOf(" ") : 0;
      const left = typeof merge === "string" ? merge.slice(0, space) : merge[0];
      const right = typeof merge === "string" ? merge.slice(space + 1) : merge[1];
      const ids = [vocabulary.get(left), vocabulary.get(right), vocabulary.get(left + right)];
      if (ids.some((id) => id === undefined))
        throw new DataError(
          { file, field: `model.merges[${i}]` },
          `expected two entries of the vocabulary and their union, got ${show(merge)}`,
        );
      triples.set(ids as number[], i * 3);
      crossing ||= right.startsWith("▁") && !/^▁+$/.test(left);
    }
    this.merges = makeMergeTable(triples);
    this.wordsEndAtMetaspace = !byteLevel && !crossing && vocabulary.has("▁");
    const byteName = (byte: number) =>
      byteLevel ? byteCharacters[byte]! : `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
    const bytesKnown = byteLevel || json.byte_fallback === true;
    this.byteIds = Int32Array.from({ length: 256 }, (_, byte) =>
      bytesKnown ? (vocabulary.get(byteName(byte)) ?? -1) : -1,
    );
    this.unknown =
      json.unk_token === null || json.unk_token === undefined ? undefined : vocabulary.get(json.unk_token);
    this.fuseUnknown = json.fuse_unk === true;
    this.ignoreMerges = json.ignore_merges === true;
  }

  /** Tokenises one word. */
  encode(word: string): Word {
    const cached = this.cache.get(word);
    if (cached !== undefined) return cached;
    const result = this.byteLevel ? this.encodeBytes(word) : this.encodeCharacters(word);
    if (this.cache.size >= CACHE_LIMIT) this.cache.clear();
    this.cache.set(word, result);
    return result;
  }

  private whole(name: string, word: string): Word | undefined {
    const id = this.ignoreMerges ? this.vocabulary.get(name) : undefined;
    return id === undefined ? undefined : { ids: [id], starts: [0], ends: [word.length] };
  }

  private encodeBytes(word: string): Word {
    const bytes = utf8.encode(word);
    if (this.ignoreMerges) {
      const whole = this.whole(Array.from(bytes, (byte) => byteCharacters[byte]!).join(""), word);
      if (whole !== undefined) return whole;
    }
    // Lengths count the UTF-8 bytes of the mapped characters: where a byte has no token it is left out and what
    // follows moves up, in Hugging Face's tokenizers and so here.
    const symbols: Symbols = { ids: [], lengths: [] };
    const owners: number[] = [];
    for (const [i, byte] of bytes.entries()) {
      const id = this.byteIds[byte]!;
      const length = byteCharacters[byte]!.charCodeAt(0) < 0x80 ? 1 : 2;
      for (let k = 0; k < length; k++) owners.push(i);
      if (id >= 0) pushSymbol(symbols, id, length);
      else if (this.unknown !== undefined) this.pushUnknown(symbols, length);
    }
    mergeSymbols(symbols, this.merges);
    const spans = byteSpans(word, bytes.length);
    return placeSymbols(symbols, (unit) => owners[unit]!, spans);
  }

  private encodeCharacters(word: string): Word {
    const whole = this.whole(word, word);
    if (whole !== undefined) return whole;
    const symbols: Symbols = { ids: [], lengths: [] };
    let total = 0;
    for (const character of word) {
      const id = this.vocabulary.get(character);
      const bytes = utf8Length(character);
      total += bytes;
      if (id !== undefined) pushSymbol(symbols, id, bytes);
      else if (!this.pushBytes(symbols, character) && this.unknown !== undefined)
        this.pushUnknown(symbols, bytes);
    }
    mergeSymbols(symbols, this.merges);
    return placeSymbols(symbols, (unit) => unit, byteSpans(word, total));
  }

  private pushBytes(symbols: Symbols, character: string): boolean {
    const ids = Array.from(utf8.encode(character), (byte) => this.byteIds[byte]!);
    if (ids.includes(-1)) return false;
    for (const id of ids) pushSymbol(symbols, id, 1);
    return true;
  }

  private pushUnknown(symbols: Symbols, length: number): void {
    const last = symbols.ids.length - 1;
    if (this.fuseUnknown && symbols.ids[last] === this.unknown) symbols.lengths[last]! += length;
    else pushSymbol(symbols, this.unknown!, length);
  }
}

function pushSymbol(symbols: Symbols, id: number, length: number): void {
  symbols.ids.push(id);
  symbols.lengths.push(length);
}

function utf8Length(character: string): number {
  const code = character.codePointAt(0)!;
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

/** For each UTF-8 byte of the word, the code units of the character that it belongs to; undefined when all are ASCII. */
function byteSpans(word: string, byteCount: number): { starts: number[]; ends: number[] } | undefined {
  if (byteCount === word.length) return undefined;
  const starts: number[] = [];
  const ends: number[] = [];
  let at = 0;
  for (const character of word) {
    for (let k = utf8Length(character); k > 0; k--) {
      starts.push(at);
      ends.push(at + character.length);
    }
    at += character.length;
  }
  return { starts, ends };
}

function placeSymbols(
  symbols: Symbols,
  byteOf: (unit: number) => number,
  spans: ReturnType<typeof byteSpans>,
): Word {
  const starts: number[] = [];
  const ends: number[] = [];
  let unit = 0;
  for (const length of symbols.lengths) {
    const first = byteOf(unit);
    const last = byteOf(unit + length - 1);
    starts.push(spans === undefined ? first : spans.starts[first]!);
    ends.push(spans === undefined ? last + 1 : spans.ends[last]!);
    unit += length;
  }
  return { ids: symbols.ids, starts, ends };
}
