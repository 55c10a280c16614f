// MinHash: a short signature of a set of n-grams, whose agreement with another signature is the similarity of the two sets
// (Broder 1997), cut into bands so that similar rows meet in a bucket (Leskovec et al., Mining of Massive Datasets, 3.4).

import { Rng } from "../base/rng.ts";
import { finish } from "./words.ts";

/** Values of a signature that are computed at most. */
const MOST = 128;
/** Part of the pairs at the threshold that no bucket may bring together. */
const MISSED = 1e-3;

/** How many bands of how many values. */
export interface Bands {
  readonly bands: number;
  readonly rows: number;
}

/** The longest bands, so the fewest needless comparisons, that miss a pair at `threshold` with a probability under 1e-3:
 *  (1 - t^rows)^bands. */
export function bandsFor(threshold: number): Bands {
  let best: Bands = { bands: MOST, rows: 1 };
  for (let rows = 2; rows <= 32; rows++) {
    const bands = Math.floor(MOST / rows);
    if ((1 - threshold ** rows) ** bands < MISSED) best = { bands, rows };
  }
  return best;
}

/** Computes signatures, one at a time. */
export class MinHash {
  /** Values of a signature. */
  readonly size: number;
  /** One key a band: rows with an equal key in one band are compared. */
  readonly keys: Uint32Array;
  /** The lowest byte of each value: two signatures agree in as many as their sets are similar, but for 1 in 256. */
  readonly sketch: Uint8Array;
  private readonly factors: Int32Array;
  private readonly addends: Int32Array;
  private readonly values: Int32Array;

  constructor(private readonly bands: Bands) {
    this.size = bands.bands * bands.rows;
    this.keys = new Uint32Array(bands.bands);
    this.sketch = new Uint8Array(this.size);
    this.values = new Int32Array(this.size);
    const rng = new Rng("mix/minhash");
    this.factors = Int32Array.from({ length: this.size }, () => rng.next() | 1);
    this.addends = Int32Array.from({ length: this.size }, () => rng.next() | 0);
  }

  /** Computes {@link keys} and {@link sketch} of the first `count` of `hashes`, well mixed 32-bit numbers. */
  read(hashes: Uint32Array, count: number): void {
    const { values, factors, addends, size } = this;
    values.fill(0x7fffffff);
    for (let k = 0; k < count; k++) {
      const hash = hashes[k]!;
      for (let i = 0; i < size; i++) {
        const value = (Math.imul(hash, factors[i]!) + addends[i]!) | 0;
        if (value < values[i]!) values[i] = value;
      }
    }
    for (let i = 0; i < size; i++) this.sketch[i] = finish(values[i]!);
    const { rows } = this.bands;
    for (let band = 0; band < this.keys.length; band++) {
      let key = band;
      for (let i = band * rows; i < (band + 1) * rows; i++)
        key = finish((Math.imul(key, 31) + values[i]!) | 0);
      this.keys[band] = key;
    }
  }
}
