// Byte-pair encoding of one word: repeatedly merge the pair of lowest rank, leftmost first.

import type { MergeTable } from "./merge-table.ts";

/** Symbols of a word, merged in place: ids and their lengths (in units of the caller's choice); `count` are valid. */
export interface Symbols {
  ids: number[];
  lengths: number[];
}

/** Above this many symbols a heap beats scanning for the best pair (measured on software outputs of 20 to 200). */
const SCAN_LIMIT = 48;

/** Merges `symbols` as far as the table allows. Sennrich et al. 2016, algorithm 1. */
export function mergeSymbols(symbols: Symbols, table: MergeTable): void {
  if (symbols.ids.length <= SCAN_LIMIT) scan(symbols, table);
  else heap(symbols, table);
}

function scan({ ids, lengths }: Symbols, table: MergeTable): void {
  const slots: number[] = [];
  for (let i = 0; i + 1 < ids.length; i++) slots.push(table.find(ids[i]!, ids[i + 1]!));
  while (slots.length > 0) {
    let best = -1;
    let bestRank = 0x7fffffff;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i]!;
      if (slot >= 0 && table.ranks[slot]! < bestRank) {
        bestRank = table.ranks[slot]!;
        best = i;
      }
    }
    if (best < 0) return;
    ids[best] = table.merged[slots[best]!]!;
    lengths[best] = lengths[best]! + lengths[best + 1]!;
    ids.splice(best + 1, 1);
    lengths.splice(best + 1, 1);
    slots.splice(best, 1);
    if (best > 0) slots[best - 1] = table.find(ids[best - 1]!, ids[best]!);
    if (best < slots.length) slots[best] = table.find(ids[best]!, ids[best + 1]!);
  }
}

function heap({ ids, lengths }: Symbols, table: MergeTable): void {
  const n = ids.length;
  const next = new Int32Array(n);
  const previous = new Int32Array(n);
  const alive = new Uint8Array(n).fill(1);
  // A candidate is rank * 2^21 + position, with what the pair was when it was pushed, so that a stale one is known.
  const queue = new CandidateHeap();
  for (let i = 0; i < n; i++) {
    next[i] = i + 1;
    previous[i] = i - 1;
  }
  const push = (left: number) => {
    const right = next[left]!;
    if (left < 0 || right >= n) return;
    const slot = table.find(ids[left]!, ids[right]!);
    if (slot >= 0) queue.push(table.ranks[slot]!, left, slot);
  };
  for (let i = 0; i + 1 < n; i++) push(i);
  while (queue.size > 0) {
    const { position: left, slot } = queue.pop();
    if (alive[left] === 0) continue;
    const right = next[left]!;
    if (right >= n || table.find(ids[left]!, ids[right]!) !== slot) continue;
    ids[left] = table.merged[slot]!;
    lengths[left] = lengths[left]! + lengths[right]!;
    alive[right] = 0;
    next[left] = next[right]!;
    if (next[left]! < n) previous[next[left]!] = left;
    if (previous[left]! >= 0) push(previous[left]!);
    push(left);
  }
  let kept = 0;
  for (let i = 0; i < n; i = next[i]!) {
    ids[kept] = ids[i]!;
    lengths[kept] = lengths[i]!;
    kept++;
  }
  ids.length = kept;
  lengths.length = kept;
}

/** Binary heap of merge candidates, lowest rank first, leftmost among equals. */
class CandidateHeap {
  private readonly keys: number[] = [];
  private readonly slots: number[] = [];

  get size(): number {
    return this.keys.length;
  }

  push(rank: number, position: number, slot: number): void {
    const key = rank * 0x8000000 + position;
    let i = this.keys.length;
    this.keys.push(key);
    this.slots.push(slot);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (this.keys[parent]! <= key) break;
      this.keys[i] = this.keys[parent]!;
      this.slots[i] = this.slots[parent]!;
      i = parent;
    }
    this.keys[i] = key;
    this.slots[i] = slot;
  }

  pop(): { position: number; slot: number } {
    const top = { position: this.keys[0]! % 0x8000000, slot: this.slots[0]! };
    const key = this.keys.pop()!;
    const slot = this.slots.pop()!;
    const n = this.keys.length;
    if (n === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= n) break;
      if (child + 1 < n && this.keys[child + 1]! < this.keys[child]!) child++;
      if (this.keys[child]! >= key) break;
      this.keys[i] = this.keys[child]!;
      this.slots[i] = this.slots[child]!;
      i = child;
    }
    this.keys[i] = key;
    this.slots[i] = slot;
    return top;
  }
}
