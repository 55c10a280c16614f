// A text as its tokens show it: for every token the characters that it adds, and those that no token stands for.

import type { Encoded } from "../encode-trajectory.ts";
import { MASKED } from "../encode-trajectory.ts";

/** One token of an encoded trajectory. */
export interface TokenPiece {
  /** Index among the tokens that are kept. */
  readonly index: number;
  readonly id: number;
  readonly label: number;
  /** Characters that no token before has shown; empty for the later bytes of one character. */
  readonly text: string;
  /** Characters in front that the vocabulary dropped. */
  readonly dropped: string;
  /** Span in code points of the whole text. */
  readonly start: number;
  readonly end: number;
}

/** Code points before each UTF-16 unit, and at the end; undefined when the two count alike. */
export function codePoints(text: string): Int32Array | undefined {
  if (!/[\ud800-\udbff]/.test(text)) return undefined;
  const counts = new Int32Array(text.length + 1);
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    counts[i] = count;
    const unit = text.charCodeAt(i);
    if (unit < 0xd800 || unit > 0xdbff) count++;
  }
  counts[text.length] = count;
  return counts;
}

/** The tokens of a row in order. */
export function* tokenPieces(row: Encoded): Generator<TokenPiece> {
  const points = codePoints(row.text);
  const { starts, ends } = row.encoding;
  let shown = row.truncated === 0 ? 0 : starts[row.truncated]!;
  for (let index = 0; index < row.inputIds.length; index++) {
    const k = index + row.truncated;
    const start = starts[k]!;
    const end = ends[k]!;
    const dropped = start > shown ? row.text.slice(shown, start) : "";
    const text = row.text.slice(Math.max(shown, start), end);
    shown = Math.max(shown, end);
    yield {
      index,
      id: row.inputIds[index]!,
      label: row.labels[index] ?? MASKED,
      text,
      dropped,
      start: points?.[start] ?? start,
      end: points?.[end] ?? end,
    };
  }
}
