// The letters that shapes are written in, everywhere:
//   N tokens of a micro-batch (sequences end to end)   R labelled rows of it; also, in LoRA, the rank
//   C hidden size   H query heads   K key and value heads   D head width   F feed-forward width   V vocabulary
//   L layers   P positions   E experts
// Linear weights are [out, in], as in PyTorch. T stands for the tier's storage type of GEMM operands: f16 or f32.

import type { ModelConfig } from "../formats/config.ts";
import {
  expertPath,
  type LinearName,
  linearHasBias,
  linearPath,
  linearShape,
  mlpNames,
  singleLinearNames,
} from "../formats/tensor-names.ts";
import type { Tier } from "../gpu/facts.ts";

/** Storage type of weights and GEMM operands in a tier. */
export function operandType(tier: Tier): "f16" | "f32" {
  return tier === "f16" || tier === "matrix" ? "f16" : "f32";
}

/** Storage type of normalised activations, queries, keys, values and attention outputs in a tier. In tier f16 only weights and
 *  the gated MLP's inner values, by far the largest, are halved: halving these too moves SmolLM2's logits by 0.034 instead of
 *  0.015 (2026-11-21). In tier matrix products round their operands to f16 anyway. */
export function activationType(tier: Tier): "f16" | "f32" {
  return tier === "matrix" ? "f16" : "f32";
}

/** One linear layer's place and size. */
export interface LinearShape {
  readonly name: LinearName;
  /** Path under the base, e.g. `model.layers.0.self_attn.q_proj`. */
  readonly module: string;
  readonly layer: number;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly bias: boolean;
}

/** The linear layers that layer `layer` has one of, in the order in which they run: seven, or four beside experts. */
export function singleLinearShapes(config: ModelConfig, layer: number): LinearShape[] {
  return singleLinearNames(config).map((name) => shapeOf(config, layer, name, linearPath(layer, name)));
}

/** The linear layers of expert `expert` of layer `layer`. */
export function expertShapes(config: ModelConfig, layer: number, expert: number): LinearShape[] {
  return mlpNames.map((name) => shapeOf(config, layer, name, expertPath(layer, expert, name)));
}

/** All linear layers of layer `layer`. */
export function linearShapes(config: ModelConfig, layer: number): LinearShape[] {
  const experts = Array.from({ length: config.moe?.experts ?? 0 }, (_, e) => expertShapes(config, layer, e));
  return [...singleLinearShapes(config, layer), ...experts.flat()];
}

/** Rows that the feed-forward blocks compute for each token. */
export function mlpRows({ moe }: ModelConfig): number {
  return moe?.topk ?? 1;
}

function shapeOf(config: ModelConfig, layer: number, name: LinearName, module: string): LinearShape {
  const [outFeatures, inFeatures] = linearShape(config, name);
  return { name, module, layer, inFeatures, outFeatures, bias: linearHasBias(config, name) };
}

/** Rows `from` .. `from + rows` of a matrix that is split over several buffers. */
export interface RowShard {
  readonly from: number;
  readonly rows: number;
}

/** Shards start at multiples of this many rows, so that 4-bit blocks of 64 and LoRA's B split with them. */
const shardRows = 64;

/** Splits `rows` rows of `rowBytes` bytes so that no shard passes `maxBytes`.
 *  @throws RangeError when 64 rows alone are too many. */
export function shardByRows(rows: number, rowBytes: number, maxBytes: number): RowShard[] {
  const most = rows * rowBytes <= maxBytes ? rows : Math.floor(maxBytes / rowBytes / shardRows) * shardRows;
  if (most === 0)
    throw new RangeError(`shard: ${shardRows} rows of ${rowBytes} bytes do not fit ${maxBytes}`);
  const shards: RowShard[] = [];
  for (let from = 0; from < rows; from += most) shards.push({ from, rows: Math.min(most, rows - from) });
  return shards;
}
