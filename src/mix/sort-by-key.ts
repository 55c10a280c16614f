// Sorts row numbers by a 32-bit key, in time that grows with the rows only.

/** Sorts the first `count` of `order` by the `keys` beside them, ascending; equal keys keep their order. Radix sort, 16 bits at a
 *  time; `spare` is overwritten. */
export function sortByKey(
  keys: Uint32Array,
  order: Uint32Array,
  count: number,
  spare: { readonly keys: Uint32Array; readonly order: Uint32Array },
): void {
  pass(keys, order, count, 0, spare.keys, spare.order);
  pass(spare.keys, spare.order, count, 16, keys, order);
}

function pass(
  keys: Uint32Array,
  order: Uint32Array,
  count: number,
  shift: number,
  toKeys: Uint32Array,
  toOrder: Uint32Array,
): void {
  const starts = new Uint32Array(65537);
  for (let i = 0; i < count; i++) starts[((keys[i]! >>> shift) & 0xffff) + 1]!++;
  for (let i = 1; i < starts.length; i++) starts[i]! += starts[i - 1]!;
  for (let i = 0; i < count; i++) {
    const at = starts[(keys[i]! >>> shift) & 0xffff]!++;
    toKeys[at] = keys[i]!;
    toOrder[at] = order[i]!;
  }
}
