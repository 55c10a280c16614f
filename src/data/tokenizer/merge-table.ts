// The merges of a BPE model as one open-addressed table: (left id, right id) -> rank and merged id.

/** Looks up merges by the ids of their two halves. */
export interface MergeTable {
  /** Slot of the pair, or -1: index into `ranks` and `merged`. */
  find(left: number, right: number): number;
  readonly ranks: Int32Array;
  readonly merged: Int32Array;
}

/** Builds the table; `triples` is left, right, merged of each merge in order of rank. */
export function makeMergeTable(triples: Int32Array): MergeTable {
  const count = triples.length / 3;
  let size = 16;
  while (size < count * 2.5) size *= 2;
  const mask = size - 1;
  const lefts = new Int32Array(size).fill(-1);
  const rights = new Int32Array(size);
  const ranks = new Int32Array(size);
  const merged = new Int32Array(size);
  const hash = (left: number, right: number) => {
    const h = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b);
    return (h ^ (h >>> 15)) & mask;
  };
  const find = (left: number, right: number): number => {
    for (let slot = hash(left, right); ; slot = (slot + 1) & mask) {
      const there = lefts[slot]!;
      if (there === -1) return -1;
      if (there === left && rights[slot] === right) return slot;
    }
  };
  for (let rank = 0; rank < count; rank++) {
    const left = triples[rank * 3]!;
    const right = triples[rank * 3 + 1]!;
    let slot = hash(left, right);
    while (lefts[slot] !== -1 && !(lefts[slot] === left && rights[slot] === right)) slot = (slot + 1) & mask;
    // A merge listed twice counts with its last rank, as in a map that is filled in order.
    lefts[slot] = left;
    rights[slot] = right;
    ranks[slot] = rank;
    merged[slot] = triples[rank * 3 + 2]!;
  }
  return { find, ranks, merged };
}
