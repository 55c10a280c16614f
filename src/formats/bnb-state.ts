// The tensors that bitsandbytes stores beside a packed 4-bit weight: absmax, its nesting, and a JSON record of the rest.
// bitsandbytes 0.50 `functional.py` QuantState.from_dict / as_dict.

import { DataError, show } from "../base/errors.ts";
import type { FloatType } from "./dtype.ts";
import { parseJsonObject } from "./json-file.ts";
import { codeValues, type QuantType, unnestAbsmax } from "./nf4.ts";
import type { SafetensorsEntry, SafetensorsFile } from "./safetensors.ts";

/** A packed weight and what dequantises it. */
export interface BnbTensor {
  readonly file: SafetensorsFile;
  readonly packed: SafetensorsEntry;
  readonly absmax: SafetensorsEntry;
  readonly quantType: QuantType;
  readonly blocksize: number;
  readonly shape: readonly number[];
  /** Type of the weight before it was quantised. */
  readonly dtype: FloatType;
  readonly nested: { readonly blocksize: number; readonly offset: number } | undefined;
  /** On disk, all parts together. */
  readonly bytes: number;
}

const blocksizes = [32, 64, 128, 256, 512, 1024, 2048, 4096];
const dtypes: Readonly<Record<string, FloatType>> = { float32: "F32", float16: "F16", bfloat16: "BF16" };
const stateKey = /^(.+)\.quant_state\.bitsandbytes__(nf4|fp4)$/;
const partKey = /\.(absmax|quant_map|nested_absmax|nested_quant_map|quant_state\.bitsandbytes__(nf4|fp4))$/;

/** Weight name -> its quant_state entry, for a file's names. */
export function findBnbWeights(names: Iterable<string>): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of names) {
    const match = stateKey.exec(name);
    if (match) found.set(match[1]!, name);
  }
  return found;
}

/** True for a tensor that belongs to a packed weight. */
export function isBnbPart(name: string): boolean {
  return partKey.test(name);
}

/** Reads and checks the state of the packed weight `name`. */
export function readBnbTensor(file: SafetensorsFile, name: string, stateName: string): BnbTensor {
  const fail = (part: string, expected: string, got: unknown) =>
    new DataError({ file: file.path, field: `${name}${part}` }, `expected ${expected}, got ${show(got)}`);
  const state = parseJsonObject(file.readAll(file.entry(stateName)), `${file.path}: ${stateName}`);
  const quantType = state.quant_type;
  if (quantType !== "nf4" && quantType !== "fp4") throw fail(" quant_type", "nf4 or fp4", quantType);
  const blocksize = state.blocksize;
  if (typeof blocksize !== "number" || !blocksizes.includes(blocksize))
    throw fail(" blocksize", `one of ${blocksizes.join(", ")}`, blocksize);
  const dtype = dtypes[String(state.dtype)];
  if (dtype === undefined) throw fail(" dtype", Object.keys(dtypes).join(", "), state.dtype);
  const shape = state.shape;
  if (!Array.isArray(shape) || shape.length === 0 || !shape.every((n) => Number.isSafeInteger(n) && n > 0))
    throw fail(" shape", "a list of positive whole numbers", shape);
  const count = (shape as number[]).reduce((product, n) => product * n, 1);
  const packed = file.entry(name);
  // The storage type may be any (bnb_4bit_quant_storage); only its bytes count.
  if (packed.bytes !== Math.ceil(count / 2))
    throw fail("", `${Math.ceil(count / 2)} packed bytes for ${show(shape)}`, packed.bytes);
  const blocks = Math.ceil(count / blocksize);
  const absmax = file.entry(`${name}.absmax`);
  checkCodes(file, name, quantType);
  const parts = [packed, absmax, file.entry(`${name}.quant_map`), file.entry(stateName)];
  let nested: BnbTensor["nested"];
  if (absmax.dtype === "U8") {
    const nestedBlocksize = state.nested_blocksize;
    if (typeof nestedBlocksize !== "number" || !Number.isSafeInteger(nestedBlocksize) || nestedBlocksize < 1)
      throw fail(" nested_blocksize", "a positive whole number", nestedBlocksize);
    if (typeof state.nested_offset !== "number")
      throw fail(" nested_offset", "a number", state.nested_offset);
    nested = { blocksize: nestedBlocksize, offset: state.nested_offset };
    const outer = file.entry(`${name}.nested_absmax`);
    const map = file.entry(`${name}.nested_quant_map`);
    if (outer.dtype !== "F32" || outer.bytes !== 4 * Math.ceil(blocks / nestedBlocksize))
      throw fail(
        ".nested_absmax",
        `F32 [${Math.ceil(blocks / nestedBlocksize)}]`,
        `${outer.dtype} ${show(outer.shape)}`,
      );
    if (map.dtype !== "F32" || map.bytes !== 1024)
      throw fail(".nested_quant_map", "F32 [256]", `${map.dtype} ${show(map.shape)}`);
    parts.push(outer, map);
  } else if (absmax.dtype !== "F32") throw fail(".absmax dtype", "U8 or F32", absmax.dtype);
  if (absmax.bytes !== blocks * (nested ? 1 : 4))
    throw fail(".absmax", `${blocks} values for ${show(shape)} in blocks of ${blocksize}`, absmax.shape);
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  return { file, packed, absmax, quantType, blocksize, shape: shape as number[], dtype, nested, bytes };
}

/** The codes must mean what the kernels think they mean. */
function checkCodes(file: SafetensorsFile, name: string, quantType: QuantType): void {
  const entry = file.entry(`${name}.quant_map`);
  const stored = entry.bytes === 64 ? new Float32Array(file.readAll(entry).buffer) : new Float32Array(0);
  if (entry.dtype === "F32" && codeValues[quantType].every((value, i) => value === stored[i])) return;
  throw new DataError(
    { file: file.path, field: entry.name },
    `expected the 16 values of ${quantType}, got others`,
  );
}

/** absmax of blocks [from, to) in f32, the nested form decoded exactly as bitsandbytes does. */
export function readBnbAbsmax(tensor: BnbTensor, from: number, to: number): Float32Array {
  const { file, absmax, nested, packed } = tensor;
  if (nested === undefined) {
    const values = new Float32Array(to - from);
    file.read(absmax, from * 4, new Uint8Array(values.buffer));
    return values;
  }
  // Whole nested blocks, so that the decoder's own indexing holds.
  const start = Math.floor(from / nested.blocksize);
  const codes = new Uint8Array(to - start * nested.blocksize);
  file.read(absmax, start * nested.blocksize, codes);
  const nestedAbsmax = new Float32Array(Math.ceil(to / nested.blocksize) - start);
  file.read(file.entry(`${packed.name}.nested_absmax`), start * 4, new Uint8Array(nestedAbsmax.buffer));
  const map = new Float32Array(file.readAll(file.entry(`${packed.name}.nested_quant_map`)).buffer);
  const decoded = unnestAbsmax({ codes, nestedAbsmax, offset: nested.offset }, map, nested.blocksize);
  return decoded.subarray(from - start * nested.blocksize);
}
