// Sequences laid end to end as one row of tokens. Which token sees which is an interval with at most one gap, so that neither
// packing nor a sliding window nor a prefix that two sequences share ever needs a matrix.

import { UserError } from "../base/errors.ts";
import { BASE_LABEL } from "../data/encode-trajectory.ts";

/** One sequence of a micro-batch. */
export interface Sequence {
  readonly inputIds: ArrayLike<number>;
  /** -100 = not trained, {@link BASE_LABEL} = what the base says there; shifted inside, as in transformers: labels[t] is what position
   *  t - 1 must predict. */
  readonly labels?: ArrayLike<number>;
  /** Factor of each label's loss; 1 where absent. */
  readonly weights?: ArrayLike<number>;
  /** Tokens at its start that are those of the sequence before it: computed once, seen by both. None of them is labelled here,
   *  nor is the token after them, which they would have to predict once more. */
  readonly sharedPrefix?: number;
}

/** Which keys each query sees, and which queries see each key, under one window, as the kernels of `ops/attention.ts` take it. */
export interface Intervals {
  /** First key that query i sees, and the gap before i that it does not see: first key and the one after the last [N, 3]. */
  readonly keys: Uint32Array<ArrayBuffer>;
  /** Last query that sees key j, and the gap after j, likewise [N, 3]. */
  readonly queries: Uint32Array<ArrayBuffer>;
}

/** A micro-batch, ready for the device. N tokens, R labelled rows. */
export interface Batch {
  readonly tokens: number;
  readonly ids: Uint32Array;
  /** Position of each token in its own sequence. */
  readonly positions: Uint32Array;
  /** First token of each sequence, and N at the end. */
  readonly starts: Uint32Array;
  /** Tokens of each sequence that are not laid here, because the sequence before it begins with them; absent for none. */
  readonly shared?: Uint32Array;
  /** Rows whose next token is labelled [R], ascending; with what they must predict and its weight. */
  readonly rows: Uint32Array;
  readonly targets: Uint32Array;
  readonly weights: Float32Array;
  /** Those of the labelled rows, counted from 0, whose targets are still to be asked of the base [K]; absent for none. */
  readonly fromBase?: Uint32Array;
  /** What it was made of, for a loss over whole sequences. */
  readonly sequences?: readonly Sequence[];
}

/** Label of a token that is not trained. */
export const ignoreIndex = -100;

/** Lays sequences end to end.
 *  @throws UserError on an id or label outside the vocabulary. */
export function makeBatch(sequences: readonly Sequence[], vocab: number): Batch {
  const shared = Uint32Array.from(sequences, ({ sharedPrefix = 0 }) => sharedPrefix);
  const tokens = sequences.reduce((sum, sequence) => sum + laidTokens(sequence), 0);
  const ids = new Uint32Array(tokens);
  const positions = new Uint32Array(tokens);
  const starts = new Uint32Array(sequences.length + 1);
  const rows: number[] = [];
  const targets: number[] = [];
  const weights: number[] = [];
  const fromBase: number[] = [];
  let at = 0;
  sequences.forEach(({ inputIds, labels, weights: factors }, s) => {
    const prefix = shared[s]!;
    if (prefix > 0) checkPrefix(sequences, s);
    // Token t lies at `at + t`.
    at -= prefix;
    for (let t = prefix; t < inputIds.length; t++) {
      ids[at + t] = inVocabulary(inputIds[t]!, vocab, "id");
      positions[at + t] = t;
      const label = labels?.[t] ?? ignoreIndex;
      // The label of a first token has nothing before it that could predict it.
      if (t === prefix || label === ignoreIndex) continue;
      if (label === BASE_LABEL) fromBase.push(rows.length);
      rows.push(at + t - 1);
      targets.push(label === BASE_LABEL ? 0 : inVocabulary(label, vocab, "label"));
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
    ...(shared.some((prefix) => prefix > 0) && { shared }),
    rows: Uint32Array.from(rows),
    targets: Uint32Array.from(targets),
    weights: Float32Array.from(weights),
    ...(fromBase.length > 0 && { fromBase: Uint32Array.from(fromBase) }),
    sequences,
  };
}

/** Tokens of a sequence that a batch holds for it. */
export function laidTokens({ inputIds, sharedPrefix = 0 }: Sequence): number {
  return inputIds.length - sharedPrefix;
}

function checkPrefix(sequences: readonly Sequence[], s: number): void {
  const { inputIds, labels, sharedPrefix: prefix = 0 } = sequences[s]!;
  const before = sequences[s - 1];
  let alike =
    before && !before.sharedPrefix && prefix < Math.min(inputIds.length, before.inputIds.length + 1);
  for (let t = 0; alike && t < prefix; t++) alike = before!.inputIds[t] === inputIds[t];
  for (let t = 1; alike && t <= prefix; t++) alike = (labels?.[t] ?? ignoreIndex) === ignoreIndex;
  if (!alike)
    throw new Error(`batch: sequence ${s} does not share ${prefix} unlabelled tokens with the one before`);
}

/** The intervals of a batch when a query sees at most `window` keys, itself included; all of its sequence without one.
 *  Source: transformers' sliding window mask, i - window < j <= i. */
export function intervals(
  { tokens, starts, shared }: Pick<Batch, "tokens" | "starts" | "shared">,
  window: number = tokens,
): Intervals {
  const keys = new Uint32Array(tokens * 3);
  const queries = new Uint32Array(tokens * 3);
  for (let s = 0; s + 1 < starts.length; s++) {
    const [start, end] = [starts[s]!, starts[s + 1]!];
    for (let i = start; i < end; i++) {
      keys[3 * i] = Math.max(start, i - window + 1);
      queries[3 * i] = Math.min(end - 1, i + window - 1);
    }
    const prefix = shared?.[s] ?? 0;
    if (prefix > 0) sharePrefix({ keys, queries }, { host: starts[s - 1]!, start, end, prefix, window });
  }
  return { keys, queries };
}

/** Lets a sequence see the prefix of the one before it, which begins at `host`, and nothing between. */
function sharePrefix(
  { keys, queries }: Intervals,
  s: { host: number; start: number; end: number; prefix: number; window: number },
): void {
  const { host, start, end, prefix, window } = s;
  for (let i = start; i < end; i++) {
    const unseen = Math.max(0, prefix + i - start - window + 1);
    if (unseen < prefix) keys.set([host + unseen, host + prefix, start], 3 * i);
  }
  for (let j = host; j < host + prefix; j++) {
    const seenBy = j - host + window - prefix;
    if (seenBy > 0) queries.set([Math.min(end - 1, start + seenBy - 1), queries[3 * j]! + 1, start], 3 * j);
  }
  // First keys must not decrease, nor last queries: what a token would then see besides goes into its gap.
  for (let i = start - 1; i >= host && keys[3 * i]! > keys[3 * i + 3]!; i--)
    keys.set([keys[3 * i + 3]!, keys[3 * i + 3]!, keys[3 * i]!], 3 * i);
  for (let j = host + prefix; j < start && queries[3 * j]! < queries[3 * j - 3]!; j++)
    queries.set([queries[3 * j - 3]!, queries[3 * j]! + 1, queries[3 * j - 3]! + 1], 3 * j);
}

function inVocabulary(id: number, vocab: number, what: string): number {
  if (!Number.isInteger(id) || id < 0 || id >= vocab)
    throw new UserError(`batch: expected a token ${what} from 0 to ${vocab - 1}, got ${id}`, {
      hint: "the data was tokenised for another base; use this base's own tokenizer",
    });
  return id;
}
