// Which sequences share a row. Whole sequences only: the model keeps them apart by position and attention interval, so
// nothing is cut and nothing sees its neighbour.

/** Packs by best-fit decreasing: longest first, each into the fullest bin that still has room. Deterministic.
 *  @param lengths tokens of each sequence, none above `capacity`.
 *  @returns members of each bin; bins come in the order in which they were opened. */
export function planBins(lengths: readonly number[], capacity: number): number[][] {
  const order = lengths.map((_, i) => i).sort((a, b) => lengths[b]! - lengths[a]! || a - b);
  const bins: { members: number[]; room: number }[] = [];
  // Bins by the room they have left; the oldest of the fullest is taken.
  const byRoom: number[][] = Array.from({ length: capacity + 1 }, () => []);
  for (const index of order) {
    const length = lengths[index]!;
    if (length > capacity)
      throw new RangeError(`planBins: sequence ${index} has ${length} tokens, capacity ${capacity}`);
    let room = length;
    while (room <= capacity && byRoom[room]!.length === 0) room++;
    let bin = room <= capacity ? byRoom[room]!.shift()! : -1;
    if (bin < 0) {
      bin = bins.length;
      bins.push({ members: [], room: capacity });
    }
    const target = bins[bin]!;
    target.members.push(index);
    target.room -= length;
    byRoom[target.room]!.push(bin);
  }
  return bins.map((bin) => bin.members);
}
