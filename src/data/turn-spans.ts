// Tokens of a stretch of text: which token holds a character, and what each token of a merged turn weighs.

import type { NormalizedTurn, TurnPart } from "./normalize.ts";
import type { Encoding } from "./tokenizer/tokenizer.ts";

/** Index of the first token that holds code unit `unit`; the next one when none does (a character that the
 *  vocabulary drops). */
export function tokenHolding(encoding: Encoding, unit: number): number {
  let low = 0;
  let high = encoding.ids.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (encoding.ends[middle]! > unit) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Weight of each token in [first, past) of an assistant turn: what `weightOf` gives the recorded turn which holds the token's
 *  first character; the end-of-turn token goes with the last. */
export function turnWeights(
  encoding: Encoding,
  span: { readonly start: number; readonly end: number },
  first: number,
  past: number,
  turn: NormalizedTurn,
  weightOf: (part: TurnPart) => number,
): number[] {
  const { parts } = turn;
  if (parts.length === 1) return new Array<number>(past - first).fill(weightOf(parts[0]!));
  // A template may have trimmed the content: parts are counted from where the untrimmed one would begin.
  const lead = turn.content.indexOf(turn.content.trimStart());
  const trimmed = span.end - span.start < turn.content.length && lead > 0 ? lead : 0;
  const origin = span.start - trimmed;
  const weights: number[] = [];
  let part = 0;
  let partEnd = origin + parts[0]!.length;
  for (let k = first; k < past; k++) {
    while (part + 1 < parts.length && encoding.starts[k]! >= partEnd) {
      part++;
      partEnd += parts[part]!.length;
    }
    weights.push(weightOf(parts[part]!));
  }
  return weights;
}
