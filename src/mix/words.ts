// A text as a row of words, each as a number: what near-duplicates and contamination are found by. Nothing is allocated a text.

/** Classes of characters below 128: nothing, part of a word, a word by itself. */
const GAP = 0;
const PART = 1;
const ALONE = 2;
const ascii = Uint8Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code);
  if (code <= 32 || code === 127) return GAP;
  return /\w/.test(char) ? PART : ALONE;
});

function classOf(code: number): number {
  if (code < 128) return ascii[code]!;
  if (code === 0xa0 || code === 0x85 || code === 0xfeff || code === 0x3000) return GAP;
  if (code >= 0x2000 && code <= 0x206f)
    return code <= 0x200d || code === 0x2028 || code === 0x2029 ? GAP : ALONE;
  // Scripts that are written without blanks: each sign is a word.
  const unspaced =
    (code >= 0x2e80 && code <= 0x9fff) ||
    (code >= 0xac00 && code <= 0xd7a3) ||
    (code >= 0xf900 && code <= 0xfaff);
  return unspaced ? ALONE : PART;
}

/** The words of one text at a time: runs of letters, digits and _, and each other sign by itself. Callers give lower case. */
export class Words {
  /** Hash of each word; only the first {@link count} are of this text. */
  hashes = new Uint32Array(4096);
  /** UTF-16 code units at which each word begins and ends. */
  starts = new Uint32Array(4096);
  ends = new Uint32Array(4096);
  count = 0;

  /** Reads `text` in place of the last one. */
  read(text: string): void {
    this.count = 0;
    const { length } = text;
    for (let i = 0; i < length; ) {
      const kind = classOf(text.charCodeAt(i));
      if (kind === GAP) {
        i++;
        continue;
      }
      const start = i;
      let hash = 0x811c9dc5;
      do {
        hash = Math.imul(hash ^ text.charCodeAt(i++), 0x01000193);
      } while (kind === PART && i < length && classOf(text.charCodeAt(i)) === PART);
      if (this.count === this.hashes.length) this.grow();
      this.starts[this.count] = start;
      this.ends[this.count] = i;
      this.hashes[this.count++] = finish(hash);
    }
  }

  /** The index of the first word that begins at `unit` or later. */
  from(unit: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.starts[middle]! < unit) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private grow(): void {
    for (const name of ["hashes", "starts", "ends"] as const) {
      const bigger = new Uint32Array(2 * this[name].length);
      bigger.set(this[name]);
      this[name] = bigger;
    }
  }
}

/** Hashes of the runs of `n` words from word `first` on, written to `into`; fewer than `n` words are one run.
 *  @returns how many */
export function ngrams(words: Words, n: number, first: number, into: { hashes: Uint32Array }): number {
  const length = words.count - first;
  if (length <= 0) return 0;
  const runs = Math.max(1, length - n + 1);
  if (into.hashes.length < runs) into.hashes = new Uint32Array(Math.max(runs, 2 * into.hashes.length));
  const width = Math.min(n, length);
  const { hashes } = words;
  // A polynomial in an odd number, rolled on word by word (Karp and Rabin 1987).
  let high = 1;
  for (let i = 1; i < width; i++) high = Math.imul(high, BASE);
  let hash = 0;
  for (let i = 0; i < width; i++) hash = (Math.imul(hash, BASE) + hashes[first + i]!) | 0;
  into.hashes[0] = finish(hash);
  for (let i = 1; i < runs; i++) {
    hash = Math.imul(hash - Math.imul(hashes[first + i - 1]!, high), BASE) + hashes[first + i + width - 1]!;
    into.hashes[i] = finish(hash);
  }
  return runs;
}

const BASE = 0x2c1b3c6d;

/** The finaliser of MurmurHash3: every bit of the input moves every bit of the result. */
export function finish(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
