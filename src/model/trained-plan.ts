// Which of a base's own weights are trained, stage by stage, and the buffers that this takes.

import type { Tier } from "../gpu/facts.ts";
import type { BufferSpec } from "./buffer-spec.ts";
import { operandType, type RowShard, shardByRows } from "./shapes.ts";

/** A weight of the base that is trained: a matrix or a vector. */
export interface TrainedTensor {
  /** E.g. `model.layers.0.self_attn.q_proj.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Held in f32 in every tier, and never split: norms, biases and routers. */
  readonly small: boolean;
}

/** What is trained at a time. */
export interface ModelStage {
  /** The base's own weights. */
  readonly tensors: readonly TrainedTensor[];
  /** The adapter too. */
  readonly adapter: boolean;
}

/** Names of all weights that any stage trains. */
export function trainedNames(stages: readonly ModelStage[]): Set<string> {
  return new Set(stages.flatMap(({ tensors }) => tensors.map(({ name }) => name)));
}

/** Rows of each buffer of a trained weight; of a vector, its elements. A binding must hold them in f32. */
function trainedShards({ shape, small }: TrainedTensor, maxBindingBytes: number): RowShard[] {
  const [rows = 1, columns = 1] = shape;
  return small ? [{ from: 0, rows }] : shardByRows(rows, columns * 4, maxBindingBytes);
}

/** Label of a matrix' f32 master copy, in tiers whose kernels read weights in f16. */
export function masterLabel(name: string, from: number): string {
  return `${name}@${from}.master`;
}

/** The master copies of a trained matrix; none in tiers whose kernels read f32, where the weight is its own master. */
export function masterBuffers(tensor: TrainedTensor, tier: Tier, maxBindingBytes: number): BufferSpec[] {
  if (operandType(tier) === "f32" || tensor.small) return [];
  return trainedShards(tensor, maxBindingBytes).map(({ from, rows }) => ({
    memoryClass: "master weights",
    label: masterLabel(tensor.name, from),
    dtype: "f32",
    shape: [rows, tensor.shape[1]!],
  }));
}

/** Gradients and AdamW's moments of what a stage trains. */
export function stageBuffers({ tensors }: ModelStage, maxBindingBytes: number): BufferSpec[] {
  return tensors.flatMap((tensor) =>
    trainedShards(tensor, maxBindingBytes).flatMap(({ from, rows }) => {
      const shape = [rows, ...tensor.shape.slice(1)];
      const buffer = (memoryClass: string, what: string): BufferSpec => ({
        memoryClass,
        label: `${tensor.name}@${from}.${what}`,
        dtype: "f32",
        shape,
      });
      return [
        buffer("weight gradients", "grad"),
        buffer("optimiser state", "exp_avg"),
        buffer("optimiser state", "exp_avg_sq"),
      ];
    }),
  );
}
