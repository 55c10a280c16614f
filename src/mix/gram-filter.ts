// Is a number surely not among those that were added? One look at a bit, before anything slower.

/** Bits for each number: one in sixteen others looks as if it were there. */
const BITS_EACH = 16;

/** A Bloom filter with one hash, over numbers that are hashes already. */
export class GramFilter {
  private readonly bits: Uint8Array;
  private readonly mask: number;

  constructor(numbers: number) {
    let size = 1024;
    while (size < BITS_EACH * numbers && size < 2 ** 31) size *= 2;
    this.bits = new Uint8Array(size / 8);
    this.mask = size - 1;
  }

  add(number: number): void {
    const bit = (number & this.mask) >>> 0;
    this.bits[bit >>> 3]! |= 1 << (bit & 7);
  }

  mayHave(number: number): boolean {
    const bit = (number & this.mask) >>> 0;
    return (this.bits[bit >>> 3]! & (1 << (bit & 7))) !== 0;
  }
}
