// One GGUF file as a base, under Hugging Face names and in Hugging Face's row order.

import { basename } from "node:path";
import { DataError, show } from "../base/errors.ts";
import type { BaseWeights, QuantisedRows, TensorEntry } from "./base-contract.ts";
import type { ModelConfig } from "./config.ts";
import { allFinite, allFiniteStored, isFloatType } from "./dtype.ts";
import { FileReader } from "./file-reader.ts";
import { fingerprintFiles } from "./fingerprint.ts";
import { ggufModelConfig } from "./gguf-config.ts";
import { type GgufHeader, type GgufTensor, readGgufHeader } from "./gguf-header.ts";
import { notFinite } from "./not-finite.ts";
import { expectedTensors } from "./tensor-names.ts";

/** Bytes dequantised at a time, rounded down to whole blocks. */
const scratchBytes = 1 << 18;

/** Hugging Face module -> GGUF's, inside a block (gguf-py `tensor_mapping.py`). */
const blockNames: Readonly<Record<string, string>> = {
  "self_attn.q_proj": "attn_q",
  "self_attn.k_proj": "attn_k",
  "self_attn.v_proj": "attn_v",
  "self_attn.o_proj": "attn_output",
  "self_attn.q_norm": "attn_q_norm",
  "self_attn.k_norm": "attn_k_norm",
  "mlp.gate_proj": "ffn_gate",
  "mlp.up_proj": "ffn_up",
  "mlp.down_proj": "ffn_down",
  input_layernorm: "attn_norm",
  post_attention_layernorm: "ffn_norm",
};
const outerNames: Readonly<Record<string, string>> = {
  "model.embed_tokens.weight": "token_embd.weight",
  "model.norm.weight": "output_norm.weight",
  "lm_head.weight": "output.weight",
};

/** GGUF's name of a weight, e.g. `blk.0.attn_q.weight` for `model.layers.0.self_attn.q_proj.weight`. */
function ggufName(name: string): string {
  const match = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name);
  return match ? `blk.${match[1]}.${blockNames[match[2]!]}.${match[3]}` : outerNames[name]!;
}

export class GgufBase implements BaseWeights {
  readonly kind = "gguf";
  readonly config: ModelConfig;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly ignored: readonly string[];
  readonly ggufMetadata: ReadonlyMap<string, unknown>;
  readonly #reader: FileReader;
  readonly #header: GgufHeader;
  readonly #scratch = new Uint8Array(scratchBytes);
  /** The converter for `llama` interleaves the two halves of each head's rows of q and k; the other architectures' does not. */
  readonly #permuted: boolean;
  #fingerprint: string | undefined;

  /** Opens the file and checks its header.
   *  @throws UserError or DataError naming the key or tensor. */
  constructor(readonly path: string) {
    this.#reader = new FileReader(path, "a GGUF file");
    try {
      this.#header = readGgufHeader(this.#reader);
      this.ggufMetadata = this.#header.metadata;
      const factors = this.#header.tensors.get("rope_freqs.weight");
      this.config = ggufModelConfig(this.#header, factors && this.#whole(factors), path);
      this.#permuted = this.ggufMetadata.get("general.architecture") === "llama";
      const wanted = expectedTensors(this.config);
      this.tensors = new Map([...wanted].map(([name, shape]) => [name, this.#entry(name, shape)]));
      const used = new Set([...wanted.keys()].map(ggufName));
      this.ignored = [...this.#header.tensors.keys()].filter(
        (name) => !used.has(name) && name !== "rope_freqs.weight",
      );
      const bias = this.ignored.find((name) => name.endsWith(".bias"));
      if (bias !== undefined)
        throw new DataError(
          { file: path, field: bias },
          "expected no such bias in this architecture, got one",
        );
    } catch (error) {
      this.#reader.close();
      throw error;
    }
  }

  #entry(name: string, shape: readonly number[]): TensorEntry {
    const stored = ggufName(name);
    const tensor = this.#header.tensors.get(stored);
    const fail = (complaint: string) => new DataError({ file: this.path, field: stored }, complaint);
    if (tensor === undefined) throw fail(`expected a tensor of shape ${show(shape)}, got none`);
    if (tensor.shape.length !== shape.length || tensor.shape.some((n, i) => n !== shape[i]))
      throw fail(`expected shape ${show(shape)} as the metadata says, got ${show(tensor.shape)}`);
    return { name, shape, type: tensor.type.name, bytes: tensor.bytes, file: this.path };
  }

  readF32(
    name: string,
    fromRow: number,
    toRow: number,
    into?: Float32Array,
    options: { readonly checkFinite?: boolean } = {},
  ): Float32Array {
    const tensor = this.#of(name);
    const [rows = 1, ...rest] = tensor.shape;
    const columns = rest.reduce((product, n) => product * n, 1);
    if (!(fromRow >= 0 && fromRow <= toRow && toRow <= rows))
      throw new RangeError(`${name}: rows ${fromRow} to ${toRow} of ${rows}`);
    const count = (toRow - fromRow) * columns;
    const target = (into ?? new Float32Array(count)).subarray(0, count);
    if (target.length < count) throw new RangeError(`${name}: room for ${target.length} of ${count} values`);
    if (this.#isPermuted(name)) this.#readPermuted(tensor, fromRow, toRow, columns, target);
    else this.#readElements(tensor, fromRow * columns, target);
    if (options.checkFinite === true && !allFinite(target))
      throw notFinite(name, this.path, target, fromRow, columns);
    return target;
  }

  #isPermuted(name: string): boolean {
    return this.#permuted && /\.[qk]_proj\.(weight|bias)$/.test(name);
  }

  /** Undoes `reshape(heads, 2, D / 2, ...).swapaxes(1, 2)` of llama.cpp's converter: row (h, half, i) lies at (h, i, half). */
  #readPermuted(
    tensor: GgufTensor,
    fromRow: number,
    toRow: number,
    columns: number,
    target: Float32Array,
  ): void {
    const { headDim } = this.config;
    const head = new Float32Array(headDim * columns);
    for (let first = fromRow - (fromRow % headDim); first < toRow; first += headDim) {
      this.#readElements(tensor, first * columns, head);
      for (let row = Math.max(first, fromRow); row < Math.min(first + headDim, toRow); row++) {
        const inHead = row - first;
        const stored = inHead < headDim / 2 ? 2 * inHead : 2 * (inHead - headDim / 2) + 1;
        target.set(head.subarray(stored * columns, (stored + 1) * columns), (row - fromRow) * columns);
      }
    }
  }

  /** Elements from `first` on, in the order of the file, until `target` is full. A slice may begin or end inside a block. */
  #readElements(tensor: GgufTensor, first: number, target: Float32Array): void {
    const { elements, bytes, dequantise, name } = tensor.type;
    if (name === "F32") {
      this.#reader.read(
        tensor.offset + first * 4,
        new Uint8Array(target.buffer as ArrayBuffer, target.byteOffset, target.byteLength),
      );
      return;
    }
    // Rows are whole blocks, so `first` and the end are block boundaries.
    const atOnce = Math.floor(scratchBytes / bytes);
    const blocks = target.length / elements;
    for (let done = 0; done < blocks; done += atOnce) {
      const count = Math.min(atOnce, blocks - done);
      this.#reader.read(
        tensor.offset + (first / elements + done) * bytes,
        this.#scratch.subarray(0, count * bytes),
      );
      dequantise(this.#scratch, count, target.subarray(done * elements, (done + count) * elements));
    }
  }

  #whole(tensor: GgufTensor): Float32Array {
    const values = new Float32Array(tensor.shape.reduce((product, n) => product * n, 1));
    this.#readElements(tensor, 0, values);
    return values;
  }

  readRaw(
    name: string,
    byteOffset: number,
    into: Uint8Array,
    options: { readonly checkFinite?: boolean } = {},
  ): void {
    const tensor = this.#of(name);
    const type = tensor.type.name;
    if (!isFloatType(type) || this.#isPermuted(name))
      throw new Error(`${name}: readRaw of a tensor stored as ${type}, or permuted`);
    if (byteOffset < 0 || byteOffset + into.byteLength > tensor.bytes)
      throw new RangeError(`read of ${name}: ${byteOffset}+${into.byteLength} exceeds ${tensor.bytes} bytes`);
    this.#reader.read(tensor.offset + byteOffset, into);
    if (options.checkFinite !== true || allFiniteStored(type, into)) return;
    // Read again to say where the first bad value is.
    for (let row = 0; row < tensor.shape[0]!; row++)
      this.readF32(name, row, row + 1, undefined, { checkFinite: true });
  }

  storedInOrder(name: string): boolean {
    return isFloatType(this.#of(name).type.name) && !this.#isPermuted(name);
  }

  readQuantised(name: string): QuantisedRows {
    throw new Error(`${name}: readQuantised of a tensor stored as ${this.#of(name).type.name}`);
  }

  fingerprint(): string {
    this.#fingerprint ??= fingerprintFiles("gguf", [
      {
        name: basename(this.path),
        bytes: this.#reader.bytes,
        headerBytes: this.#header.dataOffset,
        tensors: this.#header.tensors.values(),
        read: (offset, into) => this.#reader.read(offset, into),
      },
    ]);
    return this.#fingerprint;
  }

  close(): void {
    this.#reader.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #of(name: string): GgufTensor {
    const tensor = this.tensors.has(name) ? this.#header.tensors.get(ggufName(name)) : undefined;
    if (tensor === undefined) throw new Error(`${this.path}: no tensor ${name}`);
    return tensor;
  }
}
