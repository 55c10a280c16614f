// Text that remembers where each of its characters came from, through every change that a normalizer makes.

/** `text` made from a piece of an original string. Code unit i of `text` came from the original's [start(i), end(i)). */
export interface Aligned {
  readonly text: string;
  /** Added to each of the numbers below: where the piece begins in the original, in UTF-16 code units. */
  readonly base: number;
  /** Undefined when the text is the piece itself, unit for unit. */
  readonly starts?: readonly number[];
  readonly ends?: readonly number[];
}

/** Start of code unit `i` in the original; units in the middle of a surrogate pair share the pair's span. */
export function startOf(aligned: Aligned, i: number): number {
  return aligned.base + (aligned.starts === undefined ? i : aligned.starts[i]!);
}

/** End in the original of what ends before code unit `i` of the text (`i` > 0). */
export function endOf(aligned: Aligned, i: number): number {
  return aligned.base + (aligned.ends === undefined ? i : aligned.ends[i - 1]!);
}

/** The span of each code unit of an unchanged text: whole code points. */
function explicitSpans(aligned: Aligned): { starts: number[]; ends: number[] } {
  if (aligned.starts !== undefined && aligned.ends !== undefined)
    return { starts: [...aligned.starts], ends: [...aligned.ends] };
  const starts: number[] = [];
  const ends: number[] = [];
  for (let i = 0; i < aligned.text.length; ) {
    const width = aligned.text.codePointAt(i)! > 0xffff ? 2 : 1;
    for (let k = 0; k < width; k++) {
      starts.push(i);
      ends.push(i + width);
    }
    i += width;
  }
  return { starts, ends };
}

/** A pending change: `text` replaces the code units [from, to) of the source.
 *  Its characters take the span of the first replaced character, or of the next one when nothing is replaced,
 *  as Hugging Face's NormalizedString does. */
export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** Applies edits that are sorted and do not overlap. */
export function applyEdits(aligned: Aligned, edits: readonly Edit[]): Aligned {
  if (edits.length === 0) return aligned;
  const old = explicitSpans(aligned);
  const starts: number[] = [];
  const ends: number[] = [];
  let text = "";
  let at = 0;
  const keep = (to: number) => {
    for (let i = at; i < to; i++) {
      starts.push(old.starts[i]!);
      ends.push(old.ends[i]!);
    }
    text += aligned.text.slice(at, to);
    at = to;
  };
  for (const edit of edits) {
    keep(edit.from);
    const source = Math.min(edit.from, aligned.text.length - 1);
    for (let i = 0; i < edit.text.length; i++) {
      starts.push(old.starts[source] ?? 0);
      ends.push(old.ends[source] ?? 0);
    }
    text += edit.text;
    at = edit.to;
  }
  keep(aligned.text.length);
  return { text, base: aligned.base, starts, ends };
}
