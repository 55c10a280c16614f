// Base weights from files to the device, shard by shard, in bounded memory: stored bytes go as they are where the device
// keeps the same type, 4-bit checkpoints keep their codes, and --load-4bit quantises on the way.

import type { BaseWeights } from "../formats/base-weights.ts";
import { codeValues, type NestedAbsmax, nestAbsmax, quantise, unnestAbsmax } from "../formats/nf4.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Arena } from "./arena.ts";
import { quantBlockOf } from "./plan-input.ts";
import { type LinearShape, operandType, type RowShard, shardByRows } from "./shapes.ts";
import { masterLabel } from "./trained-plan.ts";
import type { MasterShard } from "./trained-weights.ts";

/** Rows of a weight matrix on the device. */
export interface DenseShard extends RowShard {
  readonly dense: Tensor;
}

/** Rows of a 4-bit weight matrix on the device. */
export interface QuantisedShard extends RowShard {
  readonly packed: Tensor;
  readonly absmax: Tensor;
  readonly block: number;
  readonly table: Tensor;
  /** Type that a dequantised weight is rounded to before it multiplies, as bitsandbytes does. */
  readonly roundTo: "F32" | "F16" | "BF16";
  /** Window on the shared scratch that takes the dequantised rows. */
  readonly scratch: Tensor;
}
export type WeightShard = DenseShard | QuantisedShard;

/** Bytes that are on the host at once: Dawn makes new staging memory for every upload above 4 MiB. */
const stagingBytes = 4 << 20;

/** Reads a base's weights into an arena's buffers. */
export class WeightLoader {
  private doneBytes = 0;
  private readonly totalBytes: number;
  private readonly staging = new Float32Array(stagingBytes / 4);
  private readonly tables = new Map<string, Tensor>();
  private scratch: Tensor | undefined;
  private readonly scratchViews = new Map<string, Tensor>();
  /** What was loaded of the weights that are to be trained. */
  readonly masters = new Map<string, readonly MasterShard[]>();

  constructor(
    private readonly base: BaseWeights,
    private readonly arena: Arena,
    private readonly onProgress?: (doneBytes: number, totalBytes: number) => void,
    /** Names of the weights that are to be trained: these get f32 masters. */
    private readonly trained: ReadonlySet<string> = new Set(),
  ) {
    this.totalBytes = [...base.tensors.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** A small tensor in f32: norms, biases and routers. */
  async small(name: string): Promise<Tensor> {
    const rows = this.base.tensors.get(name)!.shape[0]!;
    const tensor = this.arena.take(name);
    this.arena.device.write(tensor, this.base.readF32(name, 0, rows, undefined, { checkFinite: true }));
    if (this.trained.has(name)) this.masters.set(name, [{ from: 0, rows, weight: tensor, master: tensor }]);
    return this.loaded(name, tensor);
  }

  /** A matrix by row shards, in the tier's type. */
  async matrix(name: string): Promise<DenseShard[]> {
    const [rows, columns] = this.base.tensors.get(name)!.shape as [number, number];
    const shards: DenseShard[] = [];
    const masters: MasterShard[] = [];
    for (const shard of this.shards(rows, columns, name)) {
      const dense = this.arena.take(`${name}@${shard.from}`);
      await this.fillDense(name, shard, columns, dense);
      shards.push({ ...shard, dense });
      if (!this.trained.has(name)) continue;
      const master = dense.dtype === "f32" ? dense : this.arena.take(masterLabel(name, shard.from));
      if (master !== dense) await this.fillDense(name, shard, columns, master);
      masters.push({ ...shard, weight: dense, master });
    }
    if (masters.length > 0) this.masters.set(name, masters);
    return this.loaded(name, shards);
  }

  /** A linear layer's weights: 4-bit when the checkpoint is or `load4bit` asks for it. */
  async linear(shape: LinearShape, load4bit: boolean): Promise<WeightShard[]> {
    const name = `${shape.module}.weight`;
    if (quantBlockOf(this.base, shape.module, load4bit) === undefined) return this.matrix(name);
    const { type } = this.base.tensors.get(name)!;
    if (type === "NF4" || type === "FP4") return this.loaded(name, await this.storedQuantised(name, shape));
    return this.loaded(name, await this.quantised(name, shape));
  }

  private shards(rows: number, columns: number, name = ""): RowShard[] {
    const { device } = this.arena;
    const bytes = operandType(device.tier) === "f16" && !this.trained.has(name) ? 2 : 4;
    return shardByRows(rows, columns * bytes, device.maxBindingBytes);
  }

  /** Reads rows into the staging memory and hands them to the device, piece by piece. */
  private async fillDense(name: string, shard: RowShard, columns: number, target: Tensor): Promise<void> {
    const { device } = this.arena;
    const { type } = this.base.tensors.get(name)!;
    if (type === target.dtype.toUpperCase() && this.base.storedInOrder(name)) {
      const bytes = new Uint8Array(this.staging.buffer);
      const size = target.dtype === "f16" ? 2 : 4;
      const total = shard.rows * columns * size;
      for (let at = 0; at < total; at += bytes.length) {
        const piece = bytes.subarray(0, Math.min(bytes.length, total - at));
        this.base.readRaw(name, shard.from * columns * size + at, piece, { checkFinite: true });
        await device.upload(target, piece, at / size);
      }
      return;
    }
    const step = Math.max(1, Math.floor(this.staging.length / columns));
    const into = columns > this.staging.length ? new Float32Array(columns) : this.staging;
    for (let row = 0; row < shard.rows; row += step) {
      const from = shard.from + row;
      const to = shard.from + Math.min(shard.rows, row + step);
      const values = this.base.readF32(name, from, to, into, { checkFinite: true });
      const piece = target.dtype === "f16" ? Float16Array.from(values) : values;
      await device.upload(target, piece, row * columns);
    }
  }

  private async storedQuantised(
    name: string,
    { inFeatures, outFeatures }: LinearShape,
  ): Promise<QuantisedShard[]> {
    const shards: QuantisedShard[] = [];
    for (const shard of this.shards(outFeatures, inFeatures)) {
      const rows = this.base.readQuantised(name, shard.from, shard.from + shard.rows);
      if (rows.skip !== 0)
        throw new Error(
          `${name}: expected shards of whole blocks, got a block of ${rows.blocksize} cut at row ${shard.from}`,
        );
      const { packed, absmax, quantType, blocksize: block, dtype: roundTo } = rows;
      shards.push(
        await this.upload4bit(name, shard, inFeatures, { packed, absmax, quantType, block, roundTo }),
      );
    }
    return shards;
  }

  /** NF4 with double quantisation, as bitsandbytes' `Params4bit`: blocks of 64 over the flattened matrix. */
  private async quantised(name: string, { inFeatures, outFeatures }: LinearShape): Promise<QuantisedShard[]> {
    const block = 64;
    const shards = this.shards(outFeatures, inFeatures);
    const codes: Uint8Array[] = [];
    const absmax = new Float32Array(Math.ceil((outFeatures * inFeatures) / block));
    for (const shard of shards) {
      const packed = new Uint8Array(Math.ceil((shard.rows * inFeatures) / 2));
      // 64 rows are whole blocks and whole bytes whatever the columns, so pieces never split either.
      const step = Math.max(64, Math.floor(this.staging.length / inFeatures / 64) * 64);
      const buffer =
        step * inFeatures > this.staging.length ? new Float32Array(step * inFeatures) : this.staging;
      for (let row = 0; row < shard.rows; row += step) {
        const end = Math.min(shard.rows, row + step);
        const from = shard.from + row;
        const values = this.base.readF32(name, from, shard.from + end, buffer, { checkFinite: true });
        const piece = quantise(values, "nf4", block);
        packed.set(piece.packed, (row * inFeatures) / 2);
        absmax.set(piece.absmax, (from * inFeatures) / block);
      }
      codes.push(packed);
    }
    const nested: NestedAbsmax = nestAbsmax(absmax);
    const decoded = unnestAbsmax(nested);
    const loaded: QuantisedShard[] = [];
    for (const [i, shard] of shards.entries()) {
      const first = (shard.from * inFeatures) / block;
      const scales = decoded.subarray(first, first + Math.ceil((shard.rows * inFeatures) / block));
      const stored = { packed: codes[i]!, absmax: scales, quantType: "nf4", block, roundTo: "F32" } as const;
      loaded.push(await this.upload4bit(name, shard, inFeatures, stored));
    }
    return loaded;
  }

  private async upload4bit(
    name: string,
    shard: RowShard,
    columns: number,
    stored: Pick<QuantisedShard, "block" | "roundTo"> & {
      readonly packed: Uint8Array;
      readonly absmax: Float32Array;
      readonly quantType: "nf4" | "fp4";
    },
  ): Promise<QuantisedShard> {
    const label = `${name}@${shard.from}`;
    const { device } = this.arena;
    const packed = this.arena.take(`${label}.packed`);
    const absmax = this.arena.take(`${label}.absmax`);
    await device.upload(packed, stored.packed);
    await device.upload(absmax, stored.absmax);
    const { block, roundTo } = stored;
    const table = this.table(stored.quantType);
    return { ...shard, packed, absmax, block, table, roundTo, scratch: this.window(shard.rows, columns) };
  }

  private table(quantType: "nf4" | "fp4"): Tensor {
    let table = this.tables.get(quantType);
    if (!table) {
      table = this.arena.take("dequant.table");
      this.arena.device.write(table, codeValues[quantType]);
      this.tables.set(quantType, table);
    }
    return table;
  }

  /** One window of each shape, so that bind groups are shared by all layers. */
  private window(rows: number, columns: number): Tensor {
    this.scratch ??= this.arena.take("dequantised");
    const key = `${rows}x${columns}`;
    let view = this.scratchViews.get(key);
    if (!view) {
      view = this.scratch.view(0, [rows, columns]);
      this.scratchViews.set(key, view);
    }
    return view;
  }

  private loaded<V>(name: string, value: V): V {
    this.doneBytes += this.base.tensors.get(name)!.bytes;
    this.onProgress?.(this.doneBytes, this.totalBytes);
    return value;
  }
}
