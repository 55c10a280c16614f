// A tokenizer.json at work: text to ids with the span of each, and back. Byte-pair encoding only, as all Llama-family bases use.

import { show, UserError } from "../../base/errors.ts";
import { AddedTokens } from "./added-tokens.ts";
import { type Aligned, endOf, startOf } from "./aligned.ts";
import { Bpe } from "./bpe.ts";
import { type Decoder, makeDecoder } from "./decoder.ts";
import { makeNormalizer, type Normalizer } from "./normalizer.ts";
import { makePreTokenizer, type PreTokenizer } from "./pre-tokenizer.ts";
import type { AddedTokenJson, TokenizerJson } from "./tokenizer-json.ts";

/** Ids of a text. Token k stands for UTF-16 code units [starts[k], ends[k]) of it; both never decrease. */
export interface Encoding {
  readonly ids: Int32Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Places where an added token ends: what follows is tokenised without a look at what came before. */
  readonly boundaries: readonly { readonly unit: number; readonly token: number }[];
}

/** Text to token ids and back. */
export class Tokenizer {
  /** Every spelling of an added token, with its id. */
  readonly addedTokens: readonly AddedTokenJson[];
  /** One more than the largest id. */
  readonly vocabularySize: number;
  private readonly raw: AddedTokens;
  private readonly normalized: AddedTokens;
  private readonly special: AddedTokens;
  private readonly normalizer: Normalizer | undefined;
  private readonly pre: PreTokenizer;
  private readonly bpe: Bpe;
  private readonly decoder: Decoder;
  private readonly trimOffsets: { readonly addPrefixSpace: boolean } | undefined;
  private readonly cutAtMetaspace: boolean;
  private spellings: readonly (string | undefined)[] | undefined;

  /** @param file named in errors.
   *  @throws UserError for a model or stage that is not supported. */
  constructor(json: TokenizerJson, file: string) {
    const type = json.model?.type ?? (json.model?.merges === undefined ? undefined : "BPE");
    if (type !== "BPE")
      throw new UserError(`${file}: expected a BPE tokenizer (model.type), got ${show(type)}`);
    for (const key of ["continuing_subword_prefix", "end_of_word_suffix"] as const)
      if (json.model[key])
        throw new UserError(`${file}: expected no model.${key}, got ${show(json.model[key])}`);
    this.addedTokens = json.added_tokens ?? [];
    this.normalizer = makeNormalizer(json.normalizer);
    this.pre = makePreTokenizer(json.pre_tokenizer);
    this.bpe = new Bpe(json.model, this.pre.byteLevel, file);
    this.decoder = makeDecoder(json.decoder);
    this.raw = new AddedTokens(this.addedTokens.filter((token) => token.normalized !== true));
    this.special = new AddedTokens(this.addedTokens.filter((token) => token.special === true));
    this.normalized = new AddedTokens(
      this.addedTokens
        .filter((token) => token.normalized === true)
        .map((token) => ({
          ...token,
          content: this.normalizer?.({ text: token.content, base: 0 }).text ?? token.content,
        })),
    );
    this.trimOffsets = findTrim(json.post_processor);
    this.cutAtMetaspace = this.bpe.wordsEndAtMetaspace && this.pre.splitters.length === 0;
    let largest = -1;
    for (const id of this.bpe.vocabulary.values()) largest = Math.max(largest, id);
    for (const token of this.addedTokens) largest = Math.max(largest, token.id);
    this.vocabularySize = largest + 1;
  }

  /** The id of a spelling, added tokens first. */
  idOf(spelling: string): number | undefined {
    return (
      this.addedTokens.find((token) => token.content === spelling)?.id ?? this.bpe.vocabulary.get(spelling)
    );
  }

  /** The first spelling of a special token in `text`, if there is one. */
  findSpecial(text: string): string | undefined {
    return this.special.find(text)[0]?.token.content;
  }

  /** Tokenises `text`; no bos or eos is added (chat templates write their own).
   *  @param from code units to skip, at a place of `boundaries` of a text that begins the same way. */
  encode(text: string, from = 0): Encoding {
    const out = new Output(Math.max(64, (text.length - from) >> 1));
    const tail = from === 0 ? text : text.slice(from);
    let at = 0;
    for (const match of this.raw.find(tail)) {
      this.section(tail, at, match.from, from, out);
      out.push(match.token.id, from + match.from, from + match.to);
      if (match.token.rstrip !== true) out.boundaries.push({ unit: from + match.to, token: out.count });
      at = match.to;
    }
    this.section(tail, at, tail.length, from, out);
    return out.finish();
  }

  /** True when the tokens of a text up to `unit`, one of its `boundaries`, are those of every text that shares its
   *  first `shared` code units. */
  isStable(unit: number, shared: number): boolean {
    return unit + this.raw.longest <= shared || (unit <= shared && !this.raw.overlapping);
  }

  /** Spans as Hugging Face reports them: as {@link Encoding}'s, less the blanks that `trim_offsets` takes away. */
  reportedSpans(encoding: Encoding, text: string): { starts: Int32Array; ends: Int32Array } {
    if (this.trimOffsets === undefined) return encoding;
    const starts = encoding.starts.slice();
    const ends = encoding.ends.slice();
    for (let k = 0; k < starts.length; k++) {
      const piece = text.slice(starts[k]!, ends[k]!);
      const leading = piece.length - piece.trimStart().length;
      const trailing = piece.length - piece.trimEnd().length;
      const spared = leading === 1 && k === 0 && this.trimOffsets.addPrefixSpace;
      if (leading > 0 && !spared) starts[k] = Math.min(starts[k]! + leading, ends[k]!);
      if (trailing > 0 && ends[k]! - trailing >= starts[k]!) ends[k] = ends[k]! - trailing;
    }
    return { starts, ends };
  }

  /** Text of ids, special tokens included; ids that no entry has are left out. */
  decode(ids: Iterable<number>): string {
    if (this.spellings === undefined) {
      const spellings: (string | undefined)[] = new Array(this.vocabularySize);
      for (const [spelling, id] of this.bpe.vocabulary) spellings[id] = spelling;
      for (const token of this.addedTokens) spellings[token.id] = token.content;
      this.spellings = spellings;
    }
    const tokens: string[] = [];
    for (const id of ids) {
      const spelling = this.spellings[id];
      if (spelling !== undefined) tokens.push(spelling);
    }
    return this.decoder(tokens).join("");
  }

  /** The stretch [from, to) of `text` between two added tokens; `base` is added to its spans. */
  private section(text: string, from: number, to: number, base: number, out: Output): void {
    if (from >= to) return;
    const whole: Aligned = { text: text.slice(from, to), base: base + from };
    const clean = this.normalizer === undefined ? whole : this.normalizer(whole);
    if (this.normalized.longest === 0) {
      this.words(clean, base + from === 0, out);
      return;
    }
    let at = 0;
    for (const match of this.normalized.find(clean.text)) {
      this.words(cut(clean, at, match.from), base + from === 0 && at === 0, out);
      out.push(match.token.id, startOf(clean, match.from), endOf(clean, match.to));
      at = match.to;
    }
    this.words(cut(clean, at, clean.text.length), base + from === 0 && at === 0, out);
  }

  private words(section: Aligned, atStart: boolean, out: Output): void {
    if (section.text === "") return;
    const ready = this.pre.prepare === undefined ? section : this.pre.prepare(section, atStart);
    const pieces = this.pieces(ready.text);
    for (let p = 0; p < pieces.length; p += 2) {
      const from = pieces[p]!;
      const word = this.bpe.encode(ready.text.slice(from, pieces[p + 1]!));
      const ids = word.ids;
      if (ready.starts === undefined)
        for (let k = 0; k < ids.length; k++)
          out.push(ids[k]!, ready.base + from + word.starts[k]!, ready.base + from + word.ends[k]!);
      else
        for (let k = 0; k < ids.length; k++)
          out.push(ids[k]!, startOf(ready, from + word.starts[k]!), endOf(ready, from + word.ends[k]!));
    }
  }

  private pieces(text: string): readonly number[] {
    if (this.cutAtMetaspace) return cutBeforeMetaspace(text);
    let pieces: number[] = [0, text.length];
    for (const splitter of this.pre.splitters) {
      const next: number[] = [];
      if (pieces.length === 2) splitter(text, next);
      else
        for (let p = 0; p < pieces.length; p += 2) {
          const base = pieces[p]!;
          const first = next.length;
          splitter(text.slice(base, pieces[p + 1]!), next);
          for (let i = first; i < next.length; i++) next[i]! += base;
        }
      pieces = next;
    }
    return pieces;
  }
}

/** Pieces that begin at each run of `▁`: what BPE makes of them joined, where no merge reaches across. */
function cutBeforeMetaspace(text: string): number[] {
  const pieces: number[] = [];
  let at = 0;
  for (let i = text.indexOf("▁", 1); i >= 0; i = text.indexOf("▁", i + 1)) {
    if (text[i - 1] === "▁") continue;
    pieces.push(at, i);
    at = i;
  }
  pieces.push(at, text.length);
  return pieces;
}

function cut(text: Aligned, from: number, to: number): Aligned {
  if (from === 0 && to === text.text.length) return text;
  if (text.starts === undefined) return { text: text.text.slice(from, to), base: text.base + from };
  return {
    text: text.text.slice(from, to),
    base: text.base,
    starts: text.starts.slice(from, to),
    ends: text.ends!.slice(from, to),
  };
}

function findTrim(json: TokenizerJson["post_processor"]): { addPrefixSpace: boolean } | undefined {
  if (json === null || json === undefined) return undefined;
  if (json.type === "Sequence")
    return (json.processors as TokenizerJson["post_processor"][])
      .map(findTrim)
      .find((found) => found !== undefined);
  if ((json.type === "ByteLevel" || json.type === "RobertaProcessing") && json.trim_offsets !== false)
    return { addPrefixSpace: json.add_prefix_space !== false };
  return undefined;
}

/** Growing arrays of an encoding. */
class Output {
  private ids: Int32Array;
  private starts: Int32Array;
  private ends: Int32Array;
  readonly boundaries: { unit: number; token: number }[] = [];
  count = 0;

  constructor(room: number) {
    this.ids = new Int32Array(room);
    this.starts = new Int32Array(room);
    this.ends = new Int32Array(room);
  }

  push(id: number, start: number, end: number): void {
    const k = this.count++;
    if (k === this.ids.length) {
      this.ids = grow(this.ids);
      this.starts = grow(this.starts);
      this.ends = grow(this.ends);
    }
    this.ids[k] = id;
    this.starts[k] = start;
    this.ends[k] = end;
  }

  finish(): Encoding {
    return {
      ids: this.ids.slice(0, this.count),
      starts: this.starts.slice(0, this.count),
      ends: this.ends.slice(0, this.count),
      boundaries: this.boundaries,
    };
  }
}

function grow(array: Int32Array): Int32Array<ArrayBuffer> {
  const bigger = new Int32Array(array.length * 2);
  bigger.set(array);
  return bigger;
}
