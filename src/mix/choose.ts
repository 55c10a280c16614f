// Which rows of a source are held out and which are mixed, in what order. A generator of its own for each purpose and source.

import { Rng } from "../base/rng.ts";

/** What choosing needs of the rows. */
interface Rows {
  weight(row: number): number;
  group(row: number): number;
  isRemoved(row: number): boolean;
}

/** Rows tried for what is left of a quota, once the next one no longer fits. */
const TRIES = 1000;

/** Numbers of the rows from `first` to `end` that are still there. */
export function rowsLeft(rows: Rows, first: number, end: number): Uint32Array {
  const all = new Uint32Array(end - first);
  for (let i = 0; i < all.length; i++) all[i] = first + i;
  return kept(all, (row) => !rows.isRemoved(row));
}

// A typed array's own `filter` goes through a list of boxed values.
function kept(rows: Uint32Array, keep: (row: number) => boolean): Uint32Array {
  const some = new Uint32Array(rows.length);
  let count = 0;
  for (let i = 0; i < rows.length; i++) if (keep(rows[i]!)) some[count++] = rows[i]!;
  return some.slice(0, count);
}

/** Splits rows into those to hold out, `share` of them or just more, and the others. Rows of a group stay together. Both keep
 *  the order of the files. */
export function holdOut(
  rows: Rows,
  left: Uint32Array,
  share: number,
): { readonly held: Uint32Array; readonly mixed: Uint32Array } {
  if (share === 1) return { held: left, mixed: new Uint32Array(0) };
  const wanted = Math.ceil(share * left.length - 1e-9);
  if (wanted === 0) return { held: new Uint32Array(0), mixed: left };
  // Groups are hashes with the seed inside, so their order is a random one.
  const groups = new Uint32Array(left.length);
  for (let i = 0; i < left.length; i++) groups[i] = rows.group(left[i]!);
  const last = groups.sort()[wanted - 1]!;
  return {
    held: kept(left, (row) => rows.group(row) <= last),
    mixed: kept(left, (row) => rows.group(row) > last),
  };
}

/** How often each row is used.
 *  @returns row numbers, a row that is used twice standing there twice; their weights add up to `quota`, or as near as rows allow */
export function fillQuota(rows: Rows, left: Uint32Array, quota: number, rng: Rng): Uint32Array {
  const order = left.slice();
  shuffle(order, rng);
  let all = 0;
  for (const row of order) all += rows.weight(row);
  const passes = all === 0 ? 0 : Math.floor(quota / all);
  const rest = quota - passes * all;
  const chosen = new Uint32Array((passes + 1) * order.length);
  for (let pass = 0; pass < passes; pass++) chosen.set(order, pass * order.length);
  let count = passes * order.length;
  let sum = 0;
  let over: { row: number; weight: number } | undefined;
  let missed = 0;
  for (const row of order) {
    if (sum === rest || missed > TRIES) break;
    const weight = rows.weight(row);
    if (sum + weight <= rest) {
      chosen[count++] = row;
      sum += weight;
    } else {
      missed++;
      if (over === undefined || weight < over.weight) over = { row, weight };
    }
  }
  // One row too many may be nearer than one too few.
  if (over !== undefined && over.weight - (rest - sum) < rest - sum) chosen[count++] = over.row;
  return chosen.slice(0, count);
}

/** Puts rows into a random order (Fisher and Yates). */
export function shuffle(rows: Uint32Array, rng: Rng): void {
  for (let i = rows.length - 1; i > 0; i--) {
    const j = rng.int(0, i);
    const held = rows[i]!;
    rows[i] = rows[j]!;
    rows[j] = held;
  }
}

/** The generator for one purpose. */
export function rngFor(seed: number, purpose: string): Rng {
  return new Rng(`mix/${seed}/${purpose}`);
}
