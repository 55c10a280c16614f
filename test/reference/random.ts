// The exact twin of kernels/lib/random.wgsl, and what dropout and noise make of its bits.

/** pcg3d (Jarzynski & Olano 2020), first word, of (index, salt, seed). */
export function randomBits(seed: number, salt: number, index: number): number {
  const start = (word: number) => (Math.imul(word, 1664525) + 1013904223) >>> 0;
  let x = start(index);
  let y = start(salt);
  let z = start(seed);
  x = (x + Math.imul(y, z)) >>> 0;
  y = (y + Math.imul(z, x)) >>> 0;
  z = (z + Math.imul(x, y)) >>> 0;
  x = (x ^ (x >>> 16)) >>> 0;
  y = (y ^ (y >>> 16)) >>> 0;
  z = (z ^ (z >>> 16)) >>> 0;
  return (x + Math.imul(y, z)) >>> 0;
}

/** True when dropout keeps an element. */
export function kept(probability: number, seed: number, salt: number, index: number): boolean {
  return randomBits(seed, salt, index) >= Math.floor(probability * 2 ** 32);
}

/** NEFTune's noise of an element, in [-1, 1). */
export function uniform(seed: number, salt: number, index: number): number {
  return (randomBits(seed, salt, index) >>> 8) * 2 ** -23 - 1;
}
