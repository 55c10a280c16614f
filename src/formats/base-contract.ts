// What the rest of the program may ask of a base model's weights, whatever files they come from.

import type { ModelConfig } from "./config.ts";
import type { FloatType } from "./dtype.ts";
import type { QuantType } from "./nf4.ts";

/** How a tensor is stored: plain floats, bitsandbytes' 4-bit types, or GGUF's block types. */
export type StoredType =
  | FloatType
  | "NF4"
  | "FP4"
  | "Q8_0"
  | "Q4_0"
  | "Q4_1"
  | "Q5_0"
  | "Q5_1"
  | "Q4_K"
  | "Q5_K"
  | "Q6_K";

/** One weight, under its Hugging Face name. */
export interface TensorEntry {
  /** E.g. `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string;
  /** Of the weight itself, also where it is stored packed: [out, in], [vocab, hidden] or [n]. */
  readonly shape: readonly number[];
  readonly type: StoredType;
  /** On disk, with what dequantisation needs (absmax and its maps). */
  readonly bytes: number;
  /** Path of the file that holds it. */
  readonly file: string;
}

/** Rows of a bitsandbytes tensor, absmax decoded. */
export interface QuantisedRows {
  readonly quantType: QuantType;
  readonly blocksize: number;
  /** Two codes a byte, even element in the high nibble; starts at the block that holds the first element asked for. */
  readonly packed: Uint8Array;
  /** One f32 a block, from that block on. */
  readonly absmax: Float32Array;
  /** Elements of the first block that belong to earlier rows (0 whenever rows are whole blocks). */
  readonly skip: number;
  /** Type that bitsandbytes rounds a dequantised weight to before it multiplies. */
  readonly dtype: FloatType;
}

/** An open base model. Reads are positioned reads into the caller's or reused buffers: memory does not grow with the model. */
export interface BaseWeights {
  /** As given: a directory or a GGUF file. */
  readonly path: string;
  readonly kind: "hf" | "gguf";
  readonly config: ModelConfig;
  /** Exactly the tensors that `config` asks for. Tied: `lm_head.weight` is left out. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** Names in the files that the architecture has no use for, e.g. stored rotary frequencies. */
  readonly ignored: readonly string[];
  /** Metadata of a GGUF file (tokenizer, chat template); undefined for a directory. */
  readonly ggufMetadata?: ReadonlyMap<string, unknown>;
  /** f32 values of rows [fromRow, toRow) of the first dimension, dequantised where needed.
   *  @param into at least that many elements; made when left out. The returned array is its filled part.
   *  @throws DataError naming the tensor when `checkFinite` is set and a value is NaN or infinite. */
  readF32(
    name: string,
    fromRow: number,
    toRow: number,
    into?: Float32Array,
    options?: { readonly checkFinite?: boolean },
  ): Float32Array;
  /** Bytes of an F32, F16 or BF16 tensor as stored, from `byteOffset` of the tensor on, until `into` is full.
   *  @throws DataError naming the tensor when `checkFinite` is set and a value is NaN or infinite (read whole values then);
   *  Error when the tensor is stored in another type, or its rows in another order (see `storedInOrder`). */
  readRaw(
    name: string,
    byteOffset: number,
    into: Uint8Array,
    options?: { readonly checkFinite?: boolean },
  ): void;
  /** True when `readRaw` can be used: a float type whose rows lie in the file as in the Hugging Face layout. */
  storedInOrder(name: string): boolean;
  /** Packed codes and absmax of rows of an NF4 or FP4 tensor. */
  readQuantised(name: string, fromRow: number, toRow: number): QuantisedRows;
  /** `sha256:<hex>` over names, sizes, headers, config and weights: two bases with the same string are the same.
   *  Up to 2 GiB every byte is covered; above, headers and 16 pieces of 4 KiB of each tensor. */
  fingerprint(): string;
  close(): void;
  [Symbol.dispose](): void;
}
