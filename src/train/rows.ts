// The training set as the loop sees it: rows in an order, cut into micro-batches. A row is one sequence, or with packing several.

import { type Batch, ignoreIndex, laidTokens, makeBatch, type Sequence } from "../model/batch.ts";

/** Sequences that are trained together and counted as one row. */
export type Row = readonly Sequence[];

/** Rows of a micro-batch and how they are ordered. */
export interface RowSource {
  readonly rows: readonly Row[];
  readonly batchSize: number;
  readonly vocab: number;
  /** Order of the rows in an epoch: a permutation of their indices. */
  order(epoch: number): ArrayLike<number>;
}

/** Labels that are trained: all but -100, and never the first token's (nothing stands before it). */
export function labelCount(row: Row): number {
  let count = 0;
  for (const { labels } of row)
    for (let t = 1; t < (labels?.length ?? 0); t++) if (labels![t] !== ignoreIndex) count++;
  return count;
}

/** Tokens of a row that are computed: a shared prefix once. */
export function tokenCount(row: Row): number {
  return row.reduce((sum, sequence) => sum + laidTokens(sequence), 0);
}

/** Micro-batches of a run, one after another; remembers the order of the epoch it is in. */
export class BatchReader {
  private epoch = -1;
  private current: ArrayLike<number> = [];

  constructor(private readonly source: RowSource) {}

  /** Micro-batch `index` of `epoch`, both counted from 0. */
  read(epoch: number, index: number): Batch {
    const { rows, batchSize, vocab } = this.source;
    if (epoch !== this.epoch) {
      this.current = this.source.order(epoch);
      this.epoch = epoch;
    }
    const end = Math.min(this.current.length, (index + 1) * batchSize);
    const sequences: Sequence[] = [];
    for (let i = index * batchSize; i < end; i++) sequences.push(...rows[this.current[i]!]!);
    return makeBatch(sequences, vocab);
  }
}

/** The largest micro-batch that any order can make: what the device's buffers must hold. */
export interface BatchBounds {
  readonly tokens: number;
  readonly labels: number;
}

/** Bounds of micro-batches of `batchSize` of these rows. */
export function batchBounds(rows: readonly Row[], batchSize: number): BatchBounds {
  return {
    tokens: sumOfLargest(rows.map(tokenCount), batchSize),
    labels: sumOfLargest(rows.map(labelCount), batchSize),
  };
}

function sumOfLargest(values: number[], count: number): number {
  return values
    .sort((a, b) => b - a)
    .slice(0, count)
    .reduce((sum, value) => sum + value, 0);
}
