// Sequences laid end to end as one row of tokens. Which token sees which is an interval, so that neither packing nor a
// sliding window ever needs a matrix: key j is seen by query i iff lo[i] <= j <= i, and lo never decreases.

import { UserError } from "../base/errors.ts";

/** One sequence of a micro-batch. */
export interface Sequence {
  readonly inputIds: ArrayLike<number>;
  /** -100 = not trained; shifted inside, as in transformers: labels[t] is what position t - 1 must predict. */
  readonly labels?: ArrayLike<number>;
  /** Factor of each label's loss; 1 where absent. */
  readonly weights?: ArrayLike<number>;
}

/** Which keys each query sees, and which queries see each key, under one window. */
export interface Intervals {
  /** First key that query i sees [N]. */
  readonly lo: Uint32Array;
  /** Last query that sees key j [N]. */
  readonly hi: Uint32Array;
}

/** A micro-batch, ready for the device. N tokens, R labelled rows. */
export interface Batch {
  readonly tokens: number;
  readonly ids: Uint32Array;
  /** Position of each token in its own sequence. */
  readonly positions: Uint32Array;
  /** First token of each sequence, and N at the end. */
  readonly starts: Uint32Array;
  /** Rows whose next token is labelled [R], ascending; with what they must predict and its weight. */
  readonly rows: Uint32Array;
  readonly targets: Uint32Array;
  readonly weights: Float32Array;
  /** What it was made of, for a loss over whole sequences. */
  readonly sequences?: readonly Sequence[];
}

/** Label of a token that is not trained. */
export const ignoreIndex = -100;

/** Lays sequences end to end.
 *  @throws UserError on an id or label outside the vocabulary. */
export function makeBatch(sequences: readonly Sequence[], vocab: number): Batch {
  const tokens = sequences.reduce((sum, { inputIds }) => sum + inputIds.length, 0);
  const ids = new Uint32Array(tokens);
  const positions = new Uint32Array(tokens);
  const starts = new Uint32Array(sequences.length + 1);
  const rows: number[] = [];
  const targets: number[] = [];
  const weights: number[] = [];
  let at = 0;
  sequences.forEach(({ inputIds, labels, weights: factors }, s) => {
    for (let t = 0; t < inputIds.length; t++) {
      ids[at + t] = inVocabulary(inputIds[t]!, vocab, "id");
      positions[at + t] = t;
      const label = labels?.[t] ?? ignoreIndex;
      // The label of a first token has nothing before it that could predict it.
      if (t === 0 || label === ignoreIndex) continue;
      rows.push(at + t - 1);
      targets.push(inVocabulary(label, vocab, "label"));
      weights.push(factors?.[t] ?? 1);
    }
    at += inputIds.length;
    starts[s + 1] = at;
  });
  return {
    tokens,
    ids,
    positions,
    starts,
    rows: Uint32Array.from(rows),
    targets: Uint32Array.from(targets),
    weights: Float32Array.from(weights),
    sequences,
  };
}

/** The intervals of a batch when a query sees at most `window` keys, itself included; all of its sequence without one.
 *  Source: transformers' sliding window mask, i - window < j <= i. */
export function intervals(batch: Pick<Batch, "tokens" | "starts">, window?: number): Intervals {
  const lo = new Uint32Array(batch.tokens);
  const hi = new Uint32Array(batch.tokens);
  for (let s = 0; s + 1 < batch.starts.length; s++) {
    const start = batch.starts[s]!;
    const end = batch.starts[s + 1]!;
    for (let i = start; i < end; i++) {
      lo[i] = window === undefined ? start : Math.max(start, i - window + 1);
      hi[i] = window === undefined ? end - 1 : Math.min(end - 1, i + window - 1);
    }
  }
  return { lo, hi };
}

function inVocabulary(id: number, vocab: number, what: string): number {
  if (!Number.isInteger(id) || id < 0 || id >= vocab)
    throw new UserError(`batch: expected a token ${what} from 0 to ${vocab - 1}, got ${id}`, {
      hint: "the data was tokenised for another base; use this base's own tokenizer",
    });
  return id;
}
