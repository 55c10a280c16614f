// Where the hunks of a patch go, by the rules of two programs: `git apply` (exact context, any offset) and GNU patch (offsets and fuzz).

import type { Hunk } from "./patch-text.ts";

/** A hunk that found its place, or did not. */
export interface Placed {
  readonly ok: boolean;
  /** Lines away from where its header puts it. */
  readonly offset: number;
  /** Lines of context that were given up at either end. */
  readonly fuzz: number;
}

/** What became of one file's text. */
export interface Applied {
  readonly ok: boolean;
  /** Of the hunks in their order, up to the first that failed. */
  readonly hunks: readonly Placed[];
  /** The new text; the old one when a hunk failed. */
  readonly text: string;
}

const failed: Placed = { ok: false, offset: 0, fuzz: 0 };

/** Lines with their line feeds. */
function linesOf(text: string): string[] {
  return text === "" ? [] : text.split(/(?<=\n)/);
}

const preimage = ({ lines }: Hunk) => lines.filter(({ op }) => op !== "+").map(({ text }) => text);
const postimage = ({ lines }: Hunk) => lines.filter(({ op }) => op !== "-").map(({ text }) => text);

/** Context lines before the first and after the last change. */
function contextOf({ lines }: Hunk): { leading: number; trailing: number } {
  const first = lines.findIndex(({ op }) => op !== " ");
  const last = lines.findLastIndex(({ op }) => op !== " ");
  return { leading: first, trailing: lines.length - 1 - last };
}

/** As `git apply`: every line of the hunk must match; the nearest place counts, forwards before backwards. A hunk of line 1 must
 *  start the file, one without context behind it must end it; lines that a hunk before it wrote are not matched again. */
export function applyLikeGit(text: string, hunks: readonly Hunk[]): Applied {
  let image = linesOf(text);
  let written: boolean[] = image.map(() => false);
  const placed: Placed[] = [];
  for (const hunk of hunks) {
    const before = preimage(hunk);
    const after = postimage(hunk);
    const { trailing } = contextOf(hunk);
    const atStart = hunk.oldStart <= 1;
    const atEnd = trailing === 0;
    const guess = Math.max(0, hunk.newStart - 1);
    const fits = (at: number) =>
      before.length + at <= image.length &&
      !(atStart && at > 0) &&
      !(atEnd && before.length + at !== image.length) &&
      before.every((line, i) => !written[at + i] && image[at + i] === line);
    const from = Math.min(atStart ? 0 : atEnd ? image.length - before.length : guess, image.length);
    const where = nearest(Math.max(0, from), image.length, fits);
    if (where === undefined) return { ok: false, hunks: [...placed, failed], text };
    placed.push({ ok: true, offset: where - guess, fuzz: 0 });
    image = image.toSpliced(where, before.length, ...after);
    written = written.toSpliced(where, before.length, ...after.map(() => true));
  }
  return { ok: true, hunks: placed, text: image.join("") };
}

function nearest(from: number, last: number, fits: (at: number) => boolean): number | undefined {
  for (let distance = 0; from + distance <= last || from - distance >= 0; distance++) {
    if (from + distance <= last && fits(from + distance)) return from + distance;
    if (distance > 0 && from - distance >= 0 && fits(from - distance)) return from - distance;
  }
  return undefined;
}

/** As GNU patch 2.7: offsets carry over from hunk to hunk; where no place matches, up to `mostFuzz` lines of context are given up
 *  at either end; a hunk whose context ends short on one side belongs to that end of the file until it is. */
export function applyLikeGnuPatch(text: string, hunks: readonly Hunk[], mostFuzz = 2): Applied {
  const input = linesOf(text);
  const output: string[] = [];
  // A line that lacks its end gets one as soon as another follows.
  const put = (line: string) => {
    const last = output.at(-1);
    if (last !== undefined && !last.endsWith("\n")) output[output.length - 1] = `${last}\n`;
    output.push(line);
  };
  const placed: Placed[] = [];
  /** Lines of the input that are written already. */
  let frozen = 0;
  let inOffset = 0;
  for (const hunk of hunks) {
    const before = preimage(hunk);
    const { leading, trailing } = contextOf(hunk);
    const context = Math.max(leading, trailing);
    // An insertion between lines is told by the line before it.
    const first = before.length === 0 ? hunk.oldStart + 1 : hunk.oldStart;
    let where: number | undefined;
    let fuzz = 0;
    for (; fuzz <= Math.min(mostFuzz, context); fuzz++) {
      where = locate({ before, leading, trailing, first, inOffset, frozen, fuzz }, input);
      if (where !== undefined) break;
    }
    if (where === undefined) return { ok: false, hunks: [...placed, failed], text };
    inOffset = where - first;
    placed.push({ ok: true, offset: inOffset, fuzz });
    const suffixFuzz = Math.max(0, fuzz + trailing - context);
    const kept = hunk.lines.slice(0, hunk.lines.length - suffixFuzz);
    let at = where - 1;
    for (const { op, text: line } of kept) {
      if (op === " ") at++;
      else {
        if (at < frozen) return { ok: false, hunks: [...placed.slice(0, -1), failed], text };
        while (frozen < at && frozen < input.length) put(input[frozen++]!);
        if (op === "-") {
          frozen++;
          at++;
        } else put(line);
      }
    }
  }
  while (frozen < input.length) put(input[frozen++]!);
  return { ok: true, hunks: placed, text: output.join("") };
}

/** The line, from 1, at which the hunk matches, by GNU patch's order of trying. */
function locate(
  hunk: {
    readonly before: readonly string[];
    readonly leading: number;
    readonly trailing: number;
    readonly first: number;
    readonly inOffset: number;
    readonly frozen: number;
    readonly fuzz: number;
  },
  input: readonly string[],
): number | undefined {
  const { before, leading, trailing, first, inOffset, frozen, fuzz } = hunk;
  const context = Math.max(leading, trailing);
  const prefixFuzz = fuzz + leading - context;
  const suffixFuzz = fuzz + trailing - context;
  const guess = first + inOffset;
  if (before.length === 0) return guess;
  const matches = (at: number, prefix: number, suffix: number) => {
    for (let i = prefix; i < before.length - suffix; i++) if (input[at - 1 + i] !== before[i]) return false;
    return true;
  };
  const mostForward = input.length - (before.length - suffixFuzz) + 1 - guess;
  let mostBackward = guess - (frozen + 1);
  if (guess <= mostBackward) mostBackward = guess - 1;
  if (prefixFuzz < 0 && first <= 1) {
    if (suffixFuzz < 0 && (before.length !== input.length || leading < frozen)) return undefined;
    const offset = 1 - guess;
    return frozen <= leading && offset <= mostForward && matches(1, 0, Math.max(0, suffixFuzz))
      ? 1
      : undefined;
  }
  const prefix = Math.max(0, prefixFuzz);
  if (suffixFuzz < 0) {
    const offset = guess - (input.length - before.length + 1);
    return offset <= mostBackward && guess - offset >= 1 && matches(guess - offset, prefix, 0)
      ? guess - offset
      : undefined;
  }
  const least = mostForward < 0 ? -mostForward : mostBackward < 0 ? -mostBackward : 0;
  for (let offset = least; offset <= Math.max(mostForward, mostBackward); offset++) {
    if (offset <= mostForward && matches(guess + offset, prefix, suffixFuzz)) return guess + offset;
    if (offset > 0 && offset <= mostBackward && matches(guess - offset, prefix, suffixFuzz))
      return guess - offset;
  }
  return undefined;
}
