// GGUF's tensor types and their dequantisation to f32, block by block. Each product is rounded to f32 as the C code's is.
// Layouts: ggml `ggml-common.h`; formulas: ggml `ggml-quants.c` dequantize_row_*, and the Python package gguf `quants.py`.

import { DataError } from "../base/errors.ts";
import type { StoredType } from "./base-contract.ts";
import { widenBF16, widenF16, widenOne } from "./dtype.ts";

/** Turns `blocks` blocks at the start of `from` into values at the start of `into`. */
type Dequantise = (from: Uint8Array, blocks: number, into: Float32Array) => void;

/** One of GGUF's types: blocks of `elements` values in `bytes` bytes. */
export interface BlockType {
  readonly name: StoredType;
  readonly elements: number;
  readonly bytes: number;
  readonly dequantise: Dequantise;
}

const { fround } = Math;

/** f16 at byte `at`. */
function half(from: Uint8Array, at: number): number {
  return widenOne("F16", from[at]! | (from[at + 1]! << 8));
}

/** Signed byte at `at`. */
function signed(from: Uint8Array, at: number): number {
  return (from[at]! << 24) >> 24;
}

const plainF32: Dequantise = (from, blocks, into) => {
  new Uint8Array(into.buffer, into.byteOffset, blocks * 4).set(from.subarray(0, blocks * 4));
};
const plainF16: Dequantise = (from, blocks, into) =>
  widenF16(new Uint16Array(from.buffer, from.byteOffset, blocks), into, blocks);
const plainBF16: Dequantise = (from, blocks, into) =>
  widenBF16(new Uint16Array(from.buffer, from.byteOffset, blocks), into, blocks);

const q8_0: Dequantise = (from, blocks, into) => {
  for (let block = 0, at = 0, out = 0; block < blocks; block++, at += 34, out += 32) {
    const d = half(from, at);
    for (let i = 0; i < 32; i++) into[out + i] = signed(from, at + 2 + i) * d;
  }
};

const q4_0: Dequantise = (from, blocks, into) => {
  for (let block = 0, at = 0, out = 0; block < blocks; block++, at += 18, out += 32) {
    const d = half(from, at);
    for (let i = 0; i < 16; i++) {
      const pair = from[at + 2 + i]!;
      into[out + i] = d * ((pair & 15) - 8);
      into[out + 16 + i] = d * ((pair >> 4) - 8);
    }
  }
};

const q4_1: Dequantise = (from, blocks, into) => {
  for (let block = 0, at = 0, out = 0; block < blocks; block++, at += 20, out += 32) {
    const d = half(from, at);
    const m = half(from, at + 2);
    for (let i = 0; i < 16; i++) {
      const pair = from[at + 4 + i]!;
      into[out + i] = fround(d * (pair & 15)) + m;
      into[out + 16 + i] = fround(d * (pair >> 4)) + m;
    }
  }
};

/** The fifth bits of a block's 32 codes. */
function fifthBits(from: Uint8Array, at: number): number {
  return from[at]! | (from[at + 1]! << 8) | (from[at + 2]! << 16) | (from[at + 3]! << 24);
}

const q5_0: Dequantise = (from, blocks, into) => {
  for (let block = 0, at = 0, out = 0; block < blocks; block++, at += 22, out += 32) {
    const d = half(from, at);
    const high = fifthBits(from, at + 2);
    for (let i = 0; i < 16; i++) {
      const pair = from[at + 6 + i]!;
      into[out + i] = d * (((pair & 15) | (((high >>> i) & 1) << 4)) - 16);
      into[out + 16 + i] = d * (((pair >> 4) | (((high >>> (i + 16)) & 1) << 4)) - 16);
    }
  }
};

const q5_1: Dequantise = (from, blocks, into) => {
  for (let block = 0, at = 0, out = 0; block < blocks; block++, at += 24, out += 32) {
    const d = half(from, at);
    const m = half(from, at + 2);
    const high = fifthBits(from, at + 4);
    for (let i = 0; i < 16; i++) {
      const pair = from[at + 8 + i]!;
      into[out + i] = fround(d * ((pair & 15) | (((high >>> i) & 1) << 4))) + m;
      into[out + 16 + i] = fround(d * ((pair >> 4) | (((high >>> (i + 16)) & 1) << 4))) + m;
    }
  }
};

/** 6-bit scale of group `j` (0 to 7) in the 12 packed bytes at `at`. */
function scaleK(from: Uint8Array, at: number, j: number): number {
  return j < 4 ? from[at + j]! & 63 : (from[at + j + 4]! & 15) | ((from[at + j - 4]! >> 6) << 4);
}

/** 6-bit minimum of group `j`. */
function minK(from: Uint8Array, at: number, j: number): number {
  return j < 4 ? from[at + j + 4]! & 63 : (from[at + j + 4]! >> 4) | ((from[at + j]! >> 6) << 4);
}

const q4K: Dequantise = (from, blocks, into) => {
  for (let block = 0, at = 0, out = 0; block < blocks; block++, at += 144) {
    const d = half(from, at);
    const dmin = half(from, at + 2);
    for (let j = 0; j < 8; j++, out += 32) {
      const scale = fround(d * scaleK(from, at + 4, j));
      const min = fround(dmin * minK(from, at + 4, j));
      const quants = at + 16 + (j >> 1) * 32;
      const shift = (j & 1) * 4;
      for (let i = 0; i < 32; i++) into[out + i] = fround(scale * ((from[quants + i]! >> shift) & 15)) - min;
    }
  }
};

const q5K: Dequantise = (from, blocks, into) => {
  for (let block = 0, at = 0, out = 0; block < blocks; block++, at += 176) {
    const d = half(from, at);
    const dmin = half(from, at + 2);
    for (let j = 0; j < 8; j++, out += 32) {
      const scale = fround(d * scaleK(from, at + 4, j));
      const min = fround(dmin * minK(from, at + 4, j));
      const quants = at + 48 + (j >> 1) * 32;
      const shift = (j & 1) * 4;
      for (let i = 0; i < 32; i++) {
        const code = ((from[quants + i]! >> shift) & 15) | (((from[at + 16 + i]! >> j) & 1) << 4);
        into[out + i] = fround(scale * code) - min;
      }
    }
  }
};

const q6K: Dequantise = (from, blocks, into) => {
  for (let block = 0, at = 0, out = 0; block < blocks; block++, at += 210) {
    const d = half(from, at + 208);
    for (let group = 0; group < 16; group++, out += 16) {
      const scale = fround(d * signed(from, at + 192 + group));
      // 32 values in a row share nibble and bit positions: 8 such runs, 4 in each half of the block.
      const run = group >> 1;
      const low = at + (run >> 2) * 64 + (run & 1) * 32 + (group & 1) * 16;
      const lowShift = (run & 2) * 2;
      const high = at + 128 + (run >> 2) * 32 + (group & 1) * 16;
      const highShift = (run & 3) * 2;
      for (let i = 0; i < 16; i++) {
        const code = ((from[low + i]! >> lowShift) & 15) | (((from[high + i]! >> highShift) & 3) << 4);
        into[out + i] = scale * (code - 32);
      }
    }
  }
};

/** By ggml's number of the type (`enum ggml_type`). */
const types: Readonly<Record<number, BlockType>> = {
  0: { name: "F32", elements: 1, bytes: 4, dequantise: plainF32 },
  1: { name: "F16", elements: 1, bytes: 2, dequantise: plainF16 },
  2: { name: "Q4_0", elements: 32, bytes: 18, dequantise: q4_0 },
  3: { name: "Q4_1", elements: 32, bytes: 20, dequantise: q4_1 },
  6: { name: "Q5_0", elements: 32, bytes: 22, dequantise: q5_0 },
  7: { name: "Q5_1", elements: 32, bytes: 24, dequantise: q5_1 },
  8: { name: "Q8_0", elements: 32, bytes: 34, dequantise: q8_0 },
  12: { name: "Q4_K", elements: 256, bytes: 144, dequantise: q4K },
  13: { name: "Q5_K", elements: 256, bytes: 176, dequantise: q5K },
  14: { name: "Q6_K", elements: 256, bytes: 210, dequantise: q6K },
  30: { name: "BF16", elements: 1, bytes: 2, dequantise: plainBF16 },
};

/** Names of types that are known but not read, for the error. */
const otherNames: Readonly<Record<number, string>> = {
  9: "Q8_1",
  10: "Q2_K",
  11: "Q3_K",
  15: "Q8_K",
  16: "IQ2_XXS",
  17: "IQ2_XS",
  18: "IQ3_XXS",
  19: "IQ1_S",
  20: "IQ4_NL",
  21: "IQ3_S",
  22: "IQ2_S",
  23: "IQ4_XS",
  24: "I8",
  25: "I16",
  26: "I32",
  27: "I64",
  28: "F64",
  29: "IQ1_M",
  34: "TQ1_0",
  35: "TQ2_0",
  39: "MXFP4",
};

/** @throws DataError for a type that cannot be read, naming it and those that can. */
export function blockTypeOf(id: number, tensor: string, file: string): BlockType {
  const type = types[id];
  if (type !== undefined) return type;
  const known = Object.values(types).map(({ name }) => name);
  throw new DataError(
    { file, field: tensor },
    `expected one of the types ${known.join(", ")}, got ${otherNames[id] ?? `type ${id}`}`,
    { hint: "use another quantisation of this model" },
  );
}
