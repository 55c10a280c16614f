// The base's own weights that are trained: their f32 masters, which stay for the whole run, and the gradients and moments of the
// stage at hand. Kernels read f32 masters themselves where the tier computes in f32, and copies of them in f16 elsewhere.

import type { Device } from "../gpu/device.ts";
import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { convert } from "../ops/convert.ts";
import { Arena } from "./arena.ts";
import type { ParameterBlock } from "./parameter-block.ts";
import type { RowShard } from "./shapes.ts";
import { type ModelStage, stageBuffers, type TrainedTensor } from "./trained-plan.ts";

/** A buffer of a trained weight. */
export interface MasterShard extends RowShard {
  /** What the kernels read. */
  readonly weight: Tensor;
  /** f32; `weight` itself where that is f32. */
  readonly master: Tensor;
}

/** A {@link MasterShard} in training. */
export interface TrainedShard extends MasterShard {
  readonly gradient: Tensor;
  /** AdamW's first and second moment. */
  readonly m: Tensor;
  readonly v: Tensor;
}

/** A weight and its buffers. */
interface Sharded<S extends MasterShard> extends TrainedTensor {
  readonly shards: readonly S[];
}

/** The trained weights of a run. */
export class TrainedWeights {
  private arena: Arena | undefined;
  private current = new Map<string, Sharded<TrainedShard>>();
  private entered = -1;

  /** @param masters of every weight that a stage trains, by name */
  constructor(
    private readonly device: Device,
    private readonly masters: ReadonlyMap<string, readonly MasterShard[]>,
    private readonly stages: readonly ModelStage[],
  ) {}

  /** Makes gradients and moments of a stage, all zero, in place of the earlier ones. */
  enter(index: number): void {
    const stage = this.stages[index];
    if (!stage) throw new Error(`stages: expected one of ${this.stages.length}, got ${index}`);
    this.entered = index;
    this.arena?.free();
    const arena = new Arena(this.device, stageBuffers(stage, this.device.maxBindingBytes));
    this.arena = arena;
    this.current = new Map(
      stage.tensors.map((tensor) => {
        const { name } = tensor;
        const take = (from: number, what: string) => arena.take(`${name}@${from}.${what}`);
        const shards = this.mastersOf(name).map((shard) => ({
          ...shard,
          gradient: take(shard.from, "grad"),
          m: take(shard.from, "exp_avg"),
          v: take(shard.from, "exp_avg_sq"),
        }));
        return [name, { ...tensor, shards }];
      }),
    );
    arena.checkComplete();
  }

  /** What the stage at hand or one before it trains, each weight once. */
  get sofar(): readonly Sharded<MasterShard>[] {
    const tensors = this.stages.slice(0, this.entered + 1).flatMap((stage) => stage.tensors);
    const unique = new Map(tensors.map((tensor) => [tensor.name, tensor]));
    return [...unique.values()].map((tensor) => ({ ...tensor, shards: this.mastersOf(tensor.name) }));
  }

  /** What the stage at hand trains. */
  get trained(): readonly Sharded<TrainedShard>[] {
    return [...this.current.values()];
  }

  /** Gradient of each shard of a weight; undefined when the stage at hand does not train it. */
  gradients(name: string): readonly Tensor[] | undefined {
    return this.current.get(name)?.shards.map(({ gradient }) => gradient);
  }

  /** What AdamW updates. */
  get blocks(): readonly ParameterBlock[] {
    return this.trained.flatMap(({ shape, shards }) =>
      shards.map(({ master, gradient, m, v }): ParameterBlock => {
        const kind = shape.length === 1 ? "vector" : "matrix";
        return { p: master, g: gradient, m, v, ranges: [{ kind, start: 0, count: master.length }] };
      }),
    );
  }

  /** Reads the gradients of the stage at hand back. */
  async readGradients(): Promise<Map<string, Float32Array>> {
    const gradients = new Map<string, Float32Array>();
    for (const { name, shards } of this.trained) {
      const parts: Float32Array[] = [];
      for (const { gradient } of shards) parts.push(await this.device.read(gradient));
      const whole = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const part of parts) {
        whole.set(part, at);
        at += part.length;
      }
      gradients.set(name, whole);
    }
    return gradients;
  }

  /** Brings what the kernels read up to the masters of the stage at hand. */
  refresh(stream: Stream): void {
    for (const { shards } of this.current.values()) copyMasters(stream, shards);
  }

  /** As {@link refresh}, for every weight trained so far: after masters were written by hand. */
  refreshAll(stream: Stream): void {
    for (const { shards } of this.sofar) copyMasters(stream, shards);
  }

  /** Gives gradients and moments back; the masters are the base's. */
  [Symbol.dispose](): void {
    this.arena?.free();
    this.arena = undefined;
  }

  private mastersOf(name: string): readonly MasterShard[] {
    const shards = this.masters.get(name);
    if (!shards) throw new Error(`${name}: expected a base that was loaded to train it`);
    return shards;
  }
}

function copyMasters(stream: Stream, shards: readonly MasterShard[]): void {
  for (const { weight, master } of shards)
    if (weight !== master) convert(stream, { x: master, y: weight }, { count: master.length });
}
