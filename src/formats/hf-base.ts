// A Hugging Face directory as a base: config.json and safetensors, plain floats or bitsandbytes' 4 bits.

import { join } from "node:path";
import { DataError, show } from "../base/errors.ts";
import type { BaseWeights, QuantisedRows, TensorEntry } from "./base-contract.ts";
import { type BnbTensor, findBnbWeights, isBnbPart, readBnbAbsmax, readBnbTensor } from "./bnb-state.ts";
import { type ModelConfig, readModelConfig } from "./config.ts";
import {
  allFinite,
  allFiniteStored,
  type FloatType,
  isFloatType,
  roundTo,
  widenBF16,
  widenF16,
} from "./dtype.ts";
import { fingerprintFiles } from "./fingerprint.ts";
import { splitExperts } from "./fused-experts.ts";
import { openShards } from "./hf-shards.ts";
import { dequantise, dequantiseRows, readByRows } from "./nf4.ts";
import { notFinite } from "./not-finite.ts";
import type { SafetensorsEntry, SafetensorsFile } from "./safetensors.ts";
import { expectedTensors } from "./tensor-names.ts";

const embedName = "model.embed_tokens.weight";
const headName = "lm_head.weight";

/** Bytes converted at a time: small enough to stay in the processor's cache. */
const scratchBytes = 1 << 18;

type Stored = { readonly file: SafetensorsFile; readonly entry: SafetensorsEntry; readonly bnb?: BnbTensor };

export class HfBase implements BaseWeights {
  readonly kind = "hf";
  readonly config: ModelConfig;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly ignored: readonly string[];
  readonly #files: readonly SafetensorsFile[];
  readonly #stored: ReadonlyMap<string, Stored>;
  readonly #scratch = new Uint8Array(scratchBytes);
  #fingerprint: string | undefined;

  /** Opens the directory and checks all headers against config.json.
   *  @throws UserError or DataError naming the file and the tensor. */
  constructor(readonly path: string) {
    const config = readModelConfig(join(path, "config.json"));
    this.#files = openShards(path);
    try {
      const stored = collect(this.#files, config, path);
      if (config.moe) splitExperts(stored, config);
      this.config = resolveTie(config, stored, path);
      const wanted = expectedTensors(this.config);
      this.tensors = new Map(
        [...wanted].map(([name, shape]) => [name, tensorEntry(name, shape, stored, this.#files)]),
      );
      this.#stored = stored;
      this.ignored = [...stored.keys()].filter((name) => !wanted.has(name) && name !== headName);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  readF32(
    name: string,
    fromRow: number,
    toRow: number,
    into?: Float32Array,
    options: { readonly checkFinite?: boolean } = {},
  ): Float32Array {
    const { stored, columns } = this.#rows(name, fromRow, toRow);
    const count = (toRow - fromRow) * columns;
    const target = (into ?? new Float32Array(count)).subarray(0, count);
    if (target.length < count) throw new RangeError(`${name}: room for ${target.length} of ${count} values`);
    if (stored.bnb !== undefined) {
      const rows = this.readQuantised(name, fromRow, toRow);
      if (readByRows(columns, rows.blocksize)) {
        const absmax = readBnbAbsmax(stored.bnb, 0, Math.ceil((toRow * columns) / rows.blocksize));
        dequantiseRows({ ...rows, absmax }, fromRow, columns, target, rows.skip);
      } else dequantise(rows, count, target, rows.skip);
      roundTo(rows.dtype, target);
    } else this.#readFloats(stored, fromRow * columns, target);
    if (options.checkFinite === true && !allFinite(target))
      throw notFinite(name, stored.file.path, target, fromRow, columns);
    return target;
  }

  #readFloats(stored: Stored, first: number, target: Float32Array): void {
    const { file, entry } = stored;
    if (entry.dtype === "F32") {
      file.read(entry, first * 4, new Uint8Array(target.buffer, target.byteOffset, target.byteLength));
      return;
    }
    const widen = entry.dtype === "F16" ? widenF16 : widenBF16;
    const halves = new Uint16Array(this.#scratch.buffer);
    for (let done = 0; done < target.length; ) {
      const count = Math.min(halves.length, target.length - done);
      file.read(entry, (first + done) * 2, this.#scratch.subarray(0, count * 2));
      widen(halves, target.subarray(done, done + count), count);
      done += count;
    }
  }

  readRaw(
    name: string,
    byteOffset: number,
    into: Uint8Array,
    options: { readonly checkFinite?: boolean } = {},
  ): void {
    const { file, entry, bnb } = this.#of(name);
    if (bnb !== undefined || !isFloatType(entry.dtype))
      throw new Error(`${name}: readRaw of a packed tensor`);
    file.read(entry, byteOffset, into);
    if (options.checkFinite === true && !allFiniteStored(entry.dtype, into)) this.#nameNotFinite(name);
  }

  /** Reads the tensor again to say where the first bad value is. */
  #nameNotFinite(name: string): void {
    const [rows = 1] = this.tensors.get(name)!.shape;
    for (let row = 0; row < rows; row++) this.readF32(name, row, row + 1, undefined, { checkFinite: true });
  }

  storedInOrder(name: string): boolean {
    return this.#of(name).bnb === undefined;
  }

  readQuantised(name: string, fromRow: number, toRow: number): QuantisedRows {
    const { stored, columns } = this.#rows(name, fromRow, toRow);
    const bnb = stored.bnb;
    if (bnb === undefined)
      throw new Error(`${name}: readQuantised of a tensor stored as ${stored.entry.dtype}`);
    const { blocksize, quantType, dtype } = bnb;
    const firstBlock = Math.floor((fromRow * columns) / blocksize);
    const end = toRow * columns;
    // Blocks are 32 elements or more, so a block begins at a whole byte.
    const packed = new Uint8Array(Math.ceil(end / 2) - (firstBlock * blocksize) / 2);
    bnb.file.read(bnb.packed, (firstBlock * blocksize) / 2, packed);
    const absmax = readBnbAbsmax(bnb, firstBlock, Math.ceil(end / blocksize));
    return { quantType, blocksize, packed, absmax, skip: fromRow * columns - firstBlock * blocksize, dtype };
  }

  fingerprint(): string {
    this.#fingerprint ??= fingerprintFiles(
      JSON.stringify(this.config.raw),
      this.#files.map((file) => ({
        name: file.path.slice(this.path.length).replace(/^[\\/]+/, ""),
        bytes: file.bytes,
        headerBytes: file.dataOffset,
        tensors: file.entries.values(),
        read: (offset, into) => file.readFile(offset, into),
      })),
    );
    return this.#fingerprint;
  }

  close(): void {
    for (const file of this.#files) file.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #of(name: string): Stored {
    const stored = this.#stored.get(name);
    if (stored === undefined || !this.tensors.has(name)) throw new Error(`${this.path}: no tensor ${name}`);
    return stored;
  }

  #rows(name: string, fromRow: number, toRow: number): { stored: Stored; columns: number } {
    const stored = this.#of(name);
    const [rows = 1, ...rest] = this.tensors.get(name)!.shape;
    if (!(fromRow >= 0 && fromRow <= toRow && toRow <= rows))
      throw new RangeError(`${name}: rows ${fromRow} to ${toRow} of ${rows}`);
    return { stored, columns: rest.reduce((product, n) => product * n, 1) };
  }
}

/** Everything in the files, packed weights joined with their states. */
function collect(files: readonly SafetensorsFile[], config: ModelConfig, path: string): Map<string, Stored> {
  const stored = new Map<string, Stored>();
  for (const file of files) {
    const packed = findBnbWeights(file.entries.keys());
    for (const [name, entry] of file.entries) {
      const stateName = packed.get(name);
      if (stateName !== undefined)
        stored.set(name, { file, entry, bnb: readBnbTensor(file, name, stateName) });
      else if (!isBnbPart(name)) stored.set(name, { file, entry });
    }
  }
  const quantised = [...stored].find(([, { bnb }]) => bnb !== undefined)?.[0];
  if (quantised !== undefined && config.quantization === undefined)
    throw new DataError(
      { file: join(path, "config.json"), field: "quantization_config" },
      `expected bitsandbytes' settings (${quantised} is quantised), got none`,
    );
  return stored;
}

/** Settles what tie_word_embeddings means for these files, as transformers 5 `tie_weights` does: a stored head that differs
 *  from the embedding is not tied, and a lone head serves as the embedding. */
function resolveTie(config: ModelConfig, stored: Map<string, Stored>, path: string): ModelConfig {
  const head = stored.get(headName);
  if (!config.tieWordEmbeddings || head === undefined) return config;
  const embed = stored.get(embedName);
  if (embed === undefined) {
    stored.set(embedName, head);
    return config;
  }
  if (!isFloatType(head.entry.dtype) || !isFloatType(embed.entry.dtype))
    throw new DataError(
      { file: path, field: headName },
      `expected floats, got ${head.entry.dtype}, ${embed.entry.dtype}`,
    );
  return sameBytes(head, embed) ? config : { ...config, tieWordEmbeddings: false };
}

function sameBytes(a: Stored, b: Stored): boolean {
  if (a.entry.bytes !== b.entry.bytes || a.entry.dtype !== b.entry.dtype) return false;
  const size = 1 << 20;
  const [left, right] = [Buffer.alloc(size), Buffer.alloc(size)];
  for (let done = 0; done < a.entry.bytes; done += size) {
    const count = Math.min(size, a.entry.bytes - done);
    a.file.read(a.entry, done, left.subarray(0, count));
    b.file.read(b.entry, done, right.subarray(0, count));
    if (left.compare(right, 0, count, 0, count) !== 0) return false;
  }
  return true;
}

function tensorEntry(
  name: string,
  shape: readonly number[],
  stored: ReadonlyMap<string, Stored>,
  files: readonly SafetensorsFile[],
): TensorEntry {
  const found = stored.get(name);
  if (found === undefined)
    throw new DataError(
      { file: files[0]!.path, field: name },
      `expected a tensor of shape ${show(shape)}, got none${files.length > 1 ? ` in ${files.length} shards` : ""}`,
      { hint: "the files do not hold the whole model that config.json describes; download it again" },
    );
  const { file, entry, bnb } = found;
  const fail = (complaint: string) => new DataError({ file: file.path, field: name }, complaint);
  const actual = bnb?.shape ?? entry.shape;
  if (actual.length !== shape.length || actual.some((n, i) => n !== shape[i]))
    throw fail(`expected shape ${show(shape)} as config.json says, got ${show(actual)}`);
  if (bnb !== undefined && (shape.length !== 2 || name === embedName || name === headName))
    throw fail(`expected F32, F16 or BF16 for this tensor, got ${bnb.quantType}`);
  if (bnb !== undefined)
    return { name, shape, type: bnb.quantType === "nf4" ? "NF4" : "FP4", bytes: bnb.bytes, file: file.path };
  if (!isFloatType(entry.dtype))
    throw fail(`expected F32, F16, BF16 or bitsandbytes' 4 bits, got ${entry.dtype}`);
  return { name, shape, type: entry.dtype satisfies FloatType, bytes: entry.bytes, file: file.path };
}
