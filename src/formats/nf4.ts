// 4-bit quantisation as bitsandbytes does it (NF4, FP4; blocks with one absmax; absmax itself in 8 bits on request).
// Dettmers et al. 2023, QLoRA, section 3; bitsandbytes 0.50 `functional.py`, `csrc/kernels.cu`.

/** Which 16 values the codes stand for. */
export type QuantType = "nf4" | "fp4";

/** Values of the 16 codes (bitsandbytes `_get_4bit_code`), f32. */
export const codeValues: Readonly<Record<QuantType, Float32Array>> = {
  nf4: Float32Array.of(
    -1,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1,
  ),
  // Sign, then an index into 0, 1/192, 2/3, 1, 1/3, 1/2, 1/6, 1/4.
  // Both zeros are +0.
  fp4: Float32Array.from(
    [1, -1].flatMap((s) => [0, 1 / 192, 2 / 3, 1, 1 / 3, 1 / 2, 1 / 6, 1 / 4].map((x) => s * x + 0)),
  ),
};

/** Weights per absmax where nothing else is said. */
const defaultBlocksize = 64;
/** absmax values per nested absmax. */
export const nestedBlocksize = 256;

/** Quantised values: two codes a byte, the even element in the high nibble, and one absmax a block. */
export interface Quantised {
  readonly quantType: QuantType;
  readonly blocksize: number;
  /** ceil(n / 2) bytes. */
  readonly packed: Uint8Array;
  /** ceil(n / blocksize). */
  readonly absmax: Float32Array;
}

/** absmax in 8 bits ("double quantisation"): absmax = map[code] x nested absmax + offset. */
export interface NestedAbsmax {
  readonly codes: Uint8Array;
  readonly nestedAbsmax: Float32Array;
  readonly offset: number;
}

/** Buckets over [-1, 1]; finer than the smallest distance between two thresholds, so each has at most one. */
const bucketsPerUnit = 2048;

interface CodeFinder {
  /** Threshold in each bucket (+inf where none). */
  readonly threshold: Float32Array;
  readonly below: Uint8Array;
  readonly above: Uint8Array;
}

const finders = new Map<QuantType, CodeFinder>();

function codeFinder(quantType: QuantType): CodeFinder {
  const known = finders.get(quantType);
  if (known !== undefined) return known;
  const values = codeValues[quantType];
  // Stable, as numpy's: of FP4's two zeros, code 0 comes before code 8.
  const order = Array.from(values.keys()).sort((a, b) => values[a]! - values[b]! || a - b);
  const midpoints = order.slice(1).map((code, i) => {
    const sum = Math.fround(values[order[i]!]! + values[code]!);
    return Math.fround(sum / 2);
  });
  const count = 2 * bucketsPerUnit + 1;
  const finder = {
    threshold: new Float32Array(count),
    below: new Uint8Array(count),
    above: new Uint8Array(count),
  };
  for (let bucket = 0; bucket < count; bucket++) {
    const start = bucket / bucketsPerUnit - 1;
    const passed = midpoints.filter((m) => m < start).length;
    const next = midpoints[passed];
    const inside = next !== undefined && next < start + 1 / bucketsPerUnit;
    finder.threshold[bucket] = inside ? next : Number.POSITIVE_INFINITY;
    finder.below[bucket] = order[passed]!;
    finder.above[bucket] = order[Math.min(passed + 1, 15)]!;
  }
  finders.set(quantType, finder);
  return finder;
}

/** Quantises `values` (row-major, n finite elements): block by block, q(x * (1 / absmax)) in f32 with the f32 midpoints as
 *  thresholds, a tie going to the lower value; an odd count is padded with the code of 0. */
export function quantise(
  values: Float32Array,
  quantType: QuantType = "nf4",
  blocksize: number = defaultBlocksize,
): Quantised {
  const { threshold, below, above } = codeFinder(quantType);
  const blocks = Math.ceil(values.length / blocksize);
  const absmax = new Float32Array(blocks);
  const packed = new Uint8Array(Math.ceil(values.length / 2));
  for (let block = 0; block < blocks; block++) {
    const begin = block * blocksize;
    const end = Math.min(begin + blocksize, values.length);
    let top = 0;
    for (let i = begin; i < end; i++) {
      const x = Math.abs(values[i]!);
      if (x > top) top = x;
    }
    absmax[block] = top;
    // A zero block: 0 times anything finite is 0.
    const inverse = Math.fround(1 / Math.max(top, 1e-38));
    for (let i = begin; i < end; i++) {
      const x = Math.min(1, Math.max(-1, Math.fround(values[i]! * inverse)));
      const bucket = ((x + 1) * bucketsPerUnit) | 0;
      const code = x > threshold[bucket]! ? above[bucket]! : below[bucket]!;
      packed[i >> 1]! |= (i & 1) === 0 ? code << 4 : code;
    }
  }
  if (values.length % 2 === 1) packed[packed.length - 1]! |= below[bucketsPerUnit]!;
  return { quantType, blocksize, packed, absmax };
}

/** code x absmax in f32 for `count` elements. `skip` elements (less than a block) at the start of `packed` are left out,
 *  so that a slice can begin inside a block. */
export function dequantise(
  quantised: Quantised,
  count: number,
  into: Float32Array = new Float32Array(count),
  skip = 0,
): Float32Array {
  const { packed, absmax, blocksize } = quantised;
  const values = codeValues[quantised.quantType];
  if (skip % 2 === 0 && count % 2 === 0 && blocksize % 2 === 0) {
    for (let i = 0; i < count; ) {
      const at = i + skip;
      const scale = absmax[Math.floor(at / blocksize)]!;
      const end = Math.min(count, i + blocksize - (at % blocksize));
      for (; i < end; i += 2) {
        const pair = packed[(i + skip) >> 1]!;
        into[i] = values[pair >> 4]! * scale;
        into[i + 1] = values[pair & 15]! * scale;
      }
    }
    return into;
  }
  for (let i = 0; i < count; i++) {
    const at = i + skip;
    const pair = packed[at >> 1]!;
    into[i] = values[(at & 1) === 0 ? pair >> 4 : pair & 15]! * absmax[Math.floor(at / blocksize)]!;
  }
  return into;
}

/** As {@link dequantise}, but for a matrix whose rows are not whole blocks the way bitsandbytes' CPU kernel reads it, with which
 *  such a model was evaluated wherever there was no CUDA: column c of row r takes absmax[r floor(columns / blocksize) +
 *  floor(c / blocksize)], although the quantiser went by the flattened index. That kernel runs where columns is a multiple of 16;
 *  elsewhere, and for rows of whole blocks, which all published models have, both rules are one. bitsandbytes 0.50
 *  `csrc/cpu_ops.cpp` `dequantizeBlockwise4bitCpu`.
 *  @param firstRow row of `into[0]`; codes and absmax begin at the block that holds its first element, absmax of row 0 on. */
export function dequantiseRows(
  quantised: Quantised,
  firstRow: number,
  columns: number,
  into: Float32Array,
  skip: number,
): Float32Array {
  const { packed, absmax, blocksize } = quantised;
  const values = codeValues[quantised.quantType];
  const blocksPerRow = Math.floor(columns / blocksize);
  for (let i = 0; i < into.length; i++) {
    const row = firstRow + Math.floor(i / columns);
    const pair = packed[(i + skip) >> 1]!;
    const code = ((i + skip) & 1) === 0 ? pair >> 4 : pair & 15;
    into[i] = values[code]! * absmax[row * blocksPerRow + Math.floor((i % columns) / blocksize)]!;
  }
  return into;
}

/** True for a matrix that bitsandbytes' CPU kernel reads by {@link dequantiseRows}. */
export function readByRows(columns: number, blocksize: number): boolean {
  return columns % blocksize !== 0 && columns % 16 === 0;
}

let dynamicMap: Float32Array | undefined;

/** The 256 values of bitsandbytes' signed dynamic 8-bit type (`create_dynamic_map`), ascending, f32. */
export function dynamicMapValues(): Float32Array {
  if (dynamicMap !== undefined) return dynamicMap;
  const values = [0, 1];
  for (let i = 0; i < 7; i++) {
    const items = 2 ** i;
    const scale = 10 ** (i - 6);
    const boundaries = linspace(Math.fround(0.1), 1, items + 1);
    for (let k = 0; k < items; k++) {
      const mean = Math.fround(Math.fround(boundaries[k]! + boundaries[k + 1]!) / 2);
      const value = Math.fround(Math.fround(scale) * mean);
      values.push(value, -value);
    }
  }
  dynamicMap = Float32Array.from(values).sort();
  return dynamicMap;
}

/** torch.linspace in f32: the second half counts down from the end; fused, so each value is rounded once. */
function linspace(start: number, end: number, steps: number): Float32Array {
  const step = Math.fround(Math.fround(end - start) / (steps - 1));
  return Float32Array.from({ length: steps }, (_, i) =>
    i < Math.floor(steps / 2) ? start + step * i : end - step * (steps - 1 - i),
  );
}

/** Quantises absmax to 8 bits: minus the mean, blocks of 256 by their largest magnitude, nearest entry of the dynamic map. */
export function nestAbsmax(absmax: Float32Array): NestedAbsmax {
  const map = dynamicMapValues();
  const offset = Math.fround(torchSum(absmax) / absmax.length);
  const codes = new Uint8Array(absmax.length);
  const nestedAbsmax = new Float32Array(Math.ceil(absmax.length / nestedBlocksize));
  for (let block = 0; block < nestedAbsmax.length; block++) {
    const rest = absmax
      .subarray(block * nestedBlocksize, (block + 1) * nestedBlocksize)
      .map((x) => x - offset);
    const top = rest.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    nestedAbsmax[block] = top;
    rest.forEach((x, i) => {
      codes[block * nestedBlocksize + i] = nearest(map, top === 0 ? 0 : Math.fround(x / top));
    });
  }
  return { codes, nestedAbsmax, offset };
}

/** Index of the entry of the ascending `map` that is nearest to `x`; the lower one of two. */
function nearest(map: Float32Array, x: number): number {
  let low = 0;
  let high = map.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (map[middle]! < x) low = middle + 1;
    else high = middle;
  }
  return low > 0 && x - map[low - 1]! <= map[low]! - x ? low - 1 : low;
}

/** absmax from its 8-bit form: map[code] x nested absmax, then plus offset, each rounded to f32.
 *  `map` and `blocksize` come from the file where there is one. */
export function unnestAbsmax(
  nested: NestedAbsmax,
  map: Float32Array = dynamicMapValues(),
  blocksize: number = nestedBlocksize,
): Float32Array {
  const offset = Math.fround(nested.offset);
  return Float32Array.from(
    nested.codes,
    (code, i) => Math.fround(map[code]! * nested.nestedAbsmax[Math.floor(i / blocksize)]!) + offset,
  );
}

/** Sum in f32 in the order of torch's CPU kernel (`SumKernel.cpp`: `lanes` lanes, 4 rows, cascade of 4 levels), so that the
 *  mean of absmax has its bits. */
function torchSum(values: Float32Array, lanes = 8): number {
  const rows = 4;
  const vectors = Math.floor(values.length / lanes);
  const size = Math.floor(vectors / rows);
  const levelPower = Math.max(4, Math.floor(Math.ceil(Math.log2(Math.max(size, 1))) / 4));
  const width = rows * lanes;
  const levels = Array.from({ length: 4 }, () => new Float32Array(width));
  const first = levels[0]!;
  const add = (i: number) => {
    for (let k = 0; k < width; k++) first[k]! += values[i * width + k]!;
  };
  let i = 0;
  while (i + 2 ** levelPower <= size) {
    for (let j = 0; j < 2 ** levelPower; j++, i++) add(i);
    for (let level = 1; level < 4; level++) {
      for (let k = 0; k < width; k++) levels[level]![k]! += levels[level - 1]![k]!;
      levels[level - 1]!.fill(0);
      if (Math.floor(i / 2 ** (level * levelPower)) % 2 ** levelPower !== 0) break;
    }
  }
  for (; i < size; i++) add(i);
  for (let level = 1; level < 4; level++) for (let k = 0; k < width; k++) first[k]! += levels[level]![k]!;
  for (let v = size * rows; v < vectors; v++)
    for (let k = 0; k < lanes; k++) first[k]! += values[v * lanes + k]!;
  for (let row = 1; row < rows; row++) for (let k = 0; k < lanes; k++) first[k]! += first[row * lanes + k]!;
  let sum = 0;
  for (let k = vectors * lanes; k < values.length; k++) sum = Math.fround(sum + values[k]!);
  for (let k = 0; k < lanes; k++) sum = Math.fround(sum + first[k]!);
  return sum;
}
