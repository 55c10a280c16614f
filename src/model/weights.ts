// Base weights from files to the device, shard by shard, in bounded memory: stored bytes go as they are where the device
// keeps the same type, 4-bit checkpoints keep their codes, and --load-4bit quantises on the way.

import type { BaseWeights } from "../formats/base-weights.ts";
import { codeValues, type NestedAbsmax, nestAbsmax, quantise, unnestAbsmax } from "../formats/nf4.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Arena } from "./arena.ts";
import { quantBlockOf } from "./plan-input.ts";
import { type LinearShape, operandType, type RowShard, shardByRows } from "./shapes.ts";

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

/** Bytes of f32 that are on the host at once while converting. */
const stagingBytes = 16 << 20;

/** Reads a base's weights into an arena's buffers. */
export class WeightLoader {
  private doneBytes = 0;
  private readonly totalBytes: number;
  private readonly staging = new Float32Array(stagingBytes / 4);
  private readonly tables = new Map<string, Tensor>();
  private scratch: Tensor | undefined;
  private readonly scratchViews = new Map<string, Tensor>();

  constructor(
    private readonly base: BaseWeights,
    private readonly arena: Arena,
    private readonly onProgress?: (doneBytes: number, totalBytes: number) => void,
  ) {
    this.totalBytes = [...base.tensors.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** A vector in f32: norms and biases. */
  async vector(name: string): Promise<Tensor> {
    const count = this.base.tensors.get(name)!.shape[0]!;
    const tensor = this.arena.filled(name, (bytes) => {
      this.base.readF32(name, 0, count, asF32(bytes), { checkFinite: true });
    });
    return this.loaded(name, tensor);
  }

  /** A matrix by row shards, in the tier's type. */
  async matrix(name: string): Promise<DenseShard[]> {
    const [rows, columns] = this.base.tensors.get(name)!.shape as [number, number];
    const shards: DenseShard[] = [];
    for (const shard of this.shards(rows, columns)) {
      const dense = this.arena.filled(`${name}@${shard.from}`, (bytes) =>
        this.fillDense(name, shard, columns, bytes),
      );
      shards.push({ ...shard, dense });
      await this.breathe();
    }
    return this.loaded(name, shards);
  }

  /** A linear layer's weights: 4-bit when the checkpoint is or `load4bit` asks for it. */
  async linear(shape: LinearShape, load4bit: boolean): Promise<WeightShard[]> {
    const name = `${shape.module}.weight`;
    if (quantBlockOf(this.base, shape.module, load4bit) === undefined) return this.matrix(name);
    const { type } = this.base.tensors.get(name)!;
    if (type === "NF4" || type === "FP4") return this.loaded(name, this.storedQuantised(name, shape));
    return this.loaded(name, await this.quantised(name, shape));
  }

  private shards(rows: number, columns: number): RowShard[] {
    const { device } = this.arena;
    return shardByRows(rows, columns * (operandType(device.tier) === "f16" ? 2 : 4), device.maxBindingBytes);
  }

  private fillDense(name: string, { from, rows }: RowShard, columns: number, bytes: Uint8Array): void {
    const half = operandType(this.arena.device.tier) === "f16";
    const stored = this.base.tensors.get(name)!.type;
    const count = rows * columns;
    if (half && stored === "F16" && this.base.storedInOrder(name)) {
      this.base.readRaw(name, from * columns * 2, bytes.subarray(0, count * 2));
      return;
    }
    if (!half) {
      this.base.readF32(name, from, from + rows, asF32(bytes).subarray(0, count), { checkFinite: true });
      return;
    }
    const target = new Float16Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, count);
    this.eachPiece(name, { from, rows }, columns, (values, at) => target.set(values, at));
  }

  /** Hands rows over as f32, as many at once as the staging memory holds. */
  private eachPiece(
    name: string,
    { from, rows }: RowShard,
    columns: number,
    take: (values: Float32Array, at: number) => void,
  ): void {
    const step = Math.max(1, Math.floor(this.staging.length / columns));
    const into = columns > this.staging.length ? new Float32Array(columns) : this.staging;
    for (let row = 0; row < rows; row += step) {
      const end = Math.min(rows, row + step);
      take(this.base.readF32(name, from + row, from + end, into, { checkFinite: true }), row * columns);
    }
  }

  private storedQuantised(name: string, { inFeatures, outFeatures }: LinearShape): QuantisedShard[] {
    return this.shards(outFeatures, inFeatures).map((shard) => {
      const rows = this.base.readQuantised(name, shard.from, shard.from + shard.rows);
      if (rows.skip !== 0)
        throw new Error(
          `${name}: expected shards of whole blocks, got a block of ${rows.blocksize} cut at row ${shard.from}`,
        );
      const [packed, absmax] = this.upload4bit(name, shard, rows.packed, rows.absmax);
      return {
        ...shard,
        packed,
        absmax,
        block: rows.blocksize,
        table: this.table(rows.quantType),
        roundTo: rows.dtype,
        scratch: this.window(shard.rows, inFeatures),
      };
    });
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
      await this.breathe();
    }
    const nested: NestedAbsmax = nestAbsmax(absmax);
    const decoded = unnestAbsmax(nested);
    return shards.map((shard, i) => {
      const first = (shard.from * inFeatures) / block;
      const scales = decoded.subarray(first, first + Math.ceil((shard.rows * inFeatures) / block));
      const [packed, scale] = this.upload4bit(name, shard, codes[i]!, scales);
      return {
        ...shard,
        packed,
        absmax: scale,
        block,
        table: this.table("nf4"),
        roundTo: "F32",
        scratch: this.window(shard.rows, inFeatures),
      };
    });
  }

  private upload4bit(
    name: string,
    shard: RowShard,
    packed: Uint8Array,
    absmax: Float32Array,
  ): [Tensor, Tensor] {
    const label = `${name}@${shard.from}`;
    return [
      this.arena.filled(`${label}.packed`, (bytes) => bytes.set(packed)),
      this.arena.filled(`${label}.absmax`, (bytes) => asF32(bytes).set(absmax)),
    ];
  }

  private table(quantType: "nf4" | "fp4"): Tensor {
    let table = this.tables.get(quantType);
    if (!table) {
      table = this.arena.filled("dequant.table", (bytes) => asF32(bytes).set(codeValues[quantType]));
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

  private async breathe(): Promise<void> {
    await this.arena.device.check();
  }

  private loaded<V>(name: string, value: V): V {
    this.doneBytes += this.base.tensors.get(name)!.bytes;
    this.onProgress?.(this.doneBytes, this.totalBytes);
    return value;
  }
}

function asF32(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.byteLength / 4));
}
