// Rows that say nearly the same as an earlier one. Buckets of MinHash bring rows together; texts that are read again decide.

import { Column } from "./column.ts";
import { sortByKey } from "./sort-by-key.ts";

/** Texts of one bucket that a row is compared with. Rows that share a frame and nothing else may fill a bucket by the thousand. */
const MOST_COMPARED = 256;
/** Sketches say how similar two rows are, to within 0.04 (one standard deviation at 0.8): below this, texts are not read. */
const SKETCH_MARGIN = 0.2;
/** Rows whose keys are sorted together, more or less: 16 bytes each. */
const PART_ROWS = 1 << 20;
/** Sets of n-grams that are kept for the next comparison. */
const CACHED = 256;

/** What the search needs of the rows. */
export interface Comparable {
  readonly rows: number;
  readonly bands: number;
  /** Values of a sketch. */
  readonly sketchSize: number;
  /** Rows that take part. */
  takesPart(row: number): boolean;
  /** Rows whose keys are read together. */
  readonly blockRows: number;
  /** The keys in one band of the rows from `first`, a multiple of {@link blockRows}, on: as many as `into` holds. */
  readKeys(band: number, first: number, into: Uint32Array): void;
  readSketch(row: number, into: Uint8Array, offset: number): void;
  /** The n-grams of a row as different numbers in ascending order. */
  shingles(row: number): Uint32Array;
}

/** A row that is left out, the kept row that it repeats, and how similar the two are, measured on their texts. */
export interface Duplicate {
  readonly row: number;
  readonly of: number;
  readonly similarity: number;
}

/** What was found. */
export interface DuplicateSearch {
  /** Pairs whose texts were compared. */
  readonly compared: number;
  /** Rows that met so many others in a bucket that they were not compared with all of them. */
  readonly crowded: number;
}

/** Finds rows whose Jaccard similarity to an earlier kept row is at least `threshold`, in ascending order.
 *  @param tick is called now and then with the bands that are done, parts of one included */
export async function* findDuplicates(
  rows: Comparable,
  threshold: number,
  tick: (bandsDone: number) => Promise<void>,
): AsyncGenerator<Duplicate, DuplicateSearch> {
  const links = new Links(rows.rows);
  const pairs = new Pairs(rows, threshold);
  const crowd = new Uint8Array(rows.rows);
  const parts = Math.max(1, Math.ceil(rows.rows / PART_ROWS));
  const buckets = new Buckets(rows, parts);
  for (let band = 0; band < rows.bands; band++) {
    for (let part = 0; part < parts; part++) {
      for (const { from, to } of buckets.of(band, part, parts))
        compareBucket(buckets.order, from, to, pairs, links, crowd);
      await tick(band + (part + 1) / parts);
    }
  }
  yield* settle(rows.rows, links, pairs);
  return { compared: pairs.compared, crowded: crowd.reduce((sum, one) => sum + one, 0) };
}

/** Rows that meet in one band, a part of all keys at a time. */
class Buckets {
  private keys: Uint32Array;
  /** Rows, those of a bucket side by side. */
  order: Uint32Array;
  private spare: { keys: Uint32Array; order: Uint32Array };
  private readonly block: Uint32Array;

  constructor(
    private readonly rows: Comparable,
    parts: number,
  ) {
    this.block = new Uint32Array(rows.blockRows);
    // Keys are hashes, so parts are of nearly one size; what outgrew its room would be left behind.
    const room = Math.ceil((1.02 * rows.rows) / parts) + rows.blockRows;
    this.keys = new Uint32Array(room);
    this.order = new Uint32Array(room);
    this.spare = { keys: new Uint32Array(room), order: new Uint32Array(room) };
  }

  /** Where in {@link order} rows of equal keys stand, two at least, in ascending order. */
  *of(band: number, part: number, parts: number): Generator<{ from: number; to: number }> {
    const count = this.collect(band, part, parts);
    const { keys, order } = this;
    sortByKey(keys, order, count, this.spare);
    for (let from = 0; from < count; ) {
      let to = from + 1;
      while (to < count && keys[to] === keys[from]) to++;
      if (to - from > 1) yield { from, to };
      from = to;
    }
  }

  private collect(band: number, part: number, parts: number): number {
    const { rows, block } = this;
    let count = 0;
    for (let first = 0; first < rows.rows; first += block.length) {
      const here = Math.min(block.length, rows.rows - first);
      rows.readKeys(band, first, here === block.length ? block : block.subarray(0, here));
      if (count + here > this.keys.length) this.grow();
      for (let i = 0; i < here; i++) {
        const key = block[i]!;
        if (((key >>> 16) * parts) >>> 16 !== part || !rows.takesPart(first + i)) continue;
        this.keys[count] = key;
        this.order[count++] = first + i;
      }
    }
    return count;
  }

  private grow(): void {
    const length = this.keys.length + Math.max(this.keys.length >> 2, this.block.length);
    const bigger = (old: Uint32Array) => {
      const made = new Uint32Array(length);
      made.set(old);
      return made;
    };
    this.keys = bigger(this.keys);
    this.order = bigger(this.order);
    this.spare = { keys: new Uint32Array(length), order: new Uint32Array(length) };
  }
}

/** Each row of a bucket is compared with those before it that were like none before them. */
function compareBucket(
  order: Uint32Array,
  from: number,
  to: number,
  pairs: Pairs,
  links: Links,
  crowd: Uint8Array,
): void {
  pairs.clear();
  const { firsts } = pairs;
  for (let at = from; at < to; at++) {
    const row = order[at]!;
    if (links.linksToAny(row, firsts)) continue;
    let found = false;
    for (let i = 0; i < firsts.length && !found; i++) {
      if (!pairs.mayBeSimilar(row, i)) continue;
      const similarity = pairs.similarity(row, firsts[i]!);
      found = similarity >= pairs.threshold;
      if (found) links.add(row, firsts[i]!, similarity);
    }
    if (found) continue;
    if (firsts.length < MOST_COMPARED) {
      pairs.pushSketch(row);
      firsts.push(row);
    } else crowd[row] = 1;
  }
}

/** A row goes when a row that is kept is like it; a row that is like one that goes is compared with what that one repeats. */
function* settle(rows: number, links: Links, pairs: Pairs): Generator<Duplicate> {
  const repeats = new Int32Array(rows).fill(-1);
  for (let row = 0; row < rows; row++) {
    if (!links.has(row)) continue;
    let best: Duplicate | undefined;
    for (const { to, similarity } of links.of(row)) {
      const kept = repeats[to]! < 0;
      const of = kept ? to : repeats[to]!;
      const measured = kept ? similarity : pairs.similarity(row, of);
      if (measured >= pairs.threshold && measured > (best?.similarity ?? 0))
        best = { row, of, similarity: measured };
    }
    if (best === undefined) continue;
    repeats[row] = best.of;
    yield best;
  }
}

/** Similar rows by row, the later one first. */
class Links {
  private readonly heads: Int32Array;
  private readonly targets = new Column(Uint32Array);
  private readonly similarities = new Column(Float64Array);
  private readonly next = new Column(Int32Array);

  constructor(rows: number) {
    this.heads = new Int32Array(rows).fill(-1);
  }

  add(row: number, to: number, similarity: number): void {
    this.next.push(this.heads[row]!);
    this.targets.push(to);
    this.similarities.push(similarity);
    this.heads[row] = this.targets.length - 1;
  }

  has(row: number): boolean {
    return this.heads[row]! >= 0;
  }

  linksToAny(row: number, firsts: readonly number[]): boolean {
    for (let link = this.heads[row]!; link >= 0; link = this.next.at(link))
      if (firsts.includes(this.targets.at(link))) return true;
    return false;
  }

  *of(row: number): Generator<{ to: number; similarity: number }> {
    for (let link = this.heads[row]!; link >= 0; link = this.next.at(link))
      yield { to: this.targets.at(link), similarity: this.similarities.at(link) };
  }
}

/** Compares two rows, by sketch and by text. */
class Pairs {
  compared = 0;
  /** Rows of the bucket that were like none before them. */
  readonly firsts: number[] = [];
  private readonly sketches: Uint8Array;
  private readonly own: Uint8Array;
  private ownRow = -1;
  private count = 0;
  private readonly least: number;
  private readonly cache = new Map<number, Uint32Array>();

  constructor(
    private readonly rows: Comparable,
    readonly threshold: number,
  ) {
    this.own = new Uint8Array(rows.sketchSize);
    this.sketches = new Uint8Array(MOST_COMPARED * rows.sketchSize);
    this.least = (threshold - SKETCH_MARGIN) * rows.sketchSize;
  }

  /** A new bucket begins. */
  clear(): void {
    this.count = 0;
    this.firsts.length = 0;
    this.ownRow = -1;
  }

  pushSketch(row: number): void {
    this.load(row);
    this.sketches.set(this.own, this.count++ * this.own.length);
  }

  /** Whether the sketch of `row` agrees enough with the one that was pushed as number `index`. */
  mayBeSimilar(row: number, index: number): boolean {
    this.load(row);
    const { own, sketches } = this;
    let same = 0;
    for (let i = 0, at = index * own.length; i < own.length; i++, at++) if (own[i] === sketches[at]) same++;
    return same >= this.least;
  }

  private load(row: number): void {
    if (this.ownRow === row) return;
    this.rows.readSketch(row, this.own, 0);
    this.ownRow = row;
  }

  /** Jaccard similarity of the n-grams of two rows. */
  similarity(a: number, b: number): number {
    this.compared++;
    return jaccard(this.shingles(a), this.shingles(b));
  }

  private shingles(row: number): Uint32Array {
    const known = this.cache.get(row);
    if (known !== undefined) return known;
    if (this.cache.size === CACHED) this.cache.delete(this.cache.keys().next().value!);
    const found = this.rows.shingles(row);
    this.cache.set(row, found);
    return found;
  }
}

/** Both ascending; two empty sets are the same. */
function jaccard(a: Uint32Array, b: Uint32Array): number {
  let both = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const x = a[i]!;
    const y = b[j]!;
    if (x === y) both++;
    if (x <= y) i++;
    if (y <= x) j++;
  }
  const either = a.length + b.length - both;
  return either === 0 ? 1 : both / either;
}
