// One step of a mixed batch on the device: rows of any number of sequences, new prompts and answers alike, each with its own
// position, pages and adapter. The weights are those that training reads.

import { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { AdapterParameters } from "../model/adapter-parameters.ts";
import type { BaseModel } from "../model/base-model.ts";
import type { DecoderLayer } from "../model/decoder-layer.ts";
import type { Linear } from "../model/linear.ts";
import { moeForward } from "../model/moe.ts";
import { ropeTables } from "../model/rope-tables.ts";
import { argmax } from "../ops/argmax.ts";
import { embed } from "../ops/embed.ts";
import { attentionPaged, ropePaged } from "../ops/paged.ts";
import { rmsNormForward } from "../ops/rms-norm.ts";
import { gatherRows } from "../ops/rows.ts";
import { swigluForward } from "../ops/swiglu.ts";
import { type CacheSizes, GenerationBuffers, paddedVocab } from "./buffers.ts";
import { type AdapterRows, project, projectShard } from "./projection.ts";

/** What one step computes. */
export interface Step {
  /** Token, position and row of the page table of each row; rows of one adapter lie together. */
  readonly ids: Uint32Array;
  readonly positions: Uint32Array;
  readonly slots: Uint32Array;
  readonly adapters: readonly AdapterRows[];
  /** Rows that get logits: first those that the host samples, then those of which the device takes the likeliest token. */
  readonly logitRows: Uint32Array;
  readonly hostRows: number;
  /** Tokens to make in a row for every row without a look at the host; above 1, every row is an answer's last one. */
  readonly repeat: number;
}

/** What came out. */
export interface StepResult {
  /** Logits of the host's rows, `stride` apart. */
  readonly logits: Float32Array;
  readonly stride: number;
  /** For each repeat, each of the device's rows: id, bits of its log probability. */
  readonly picks: Uint32Array;
}

/** A base with a key and value cache. */
export class Forward {
  readonly buffers: GenerationBuffers;
  /** Scratch of LoRA's inner values [N, R], as wide as the largest rank so far. */
  private inner: Tensor | undefined;
  private readonly stream: Stream;
  private readonly tableRows: Uint32Array;

  constructor(
    readonly base: BaseModel,
    readonly sizes: CacheSizes,
  ) {
    const { device, config } = base;
    this.buffers = new GenerationBuffers(device, config, sizes);
    this.stream = new Stream(device);
    this.tableRows = new Uint32Array(this.buffers.rowPages);
    const { cos, sin } = ropeTables(config, sizes.contextTokens);
    const angles = new Float32Array(cos.length * 2);
    cos.forEach((value, i) => {
      angles[2 * i] = value;
      angles[2 * i + 1] = sin[i]!;
    });
    device.write(this.buffers.angles, angles);
  }

  /** Makes room for adapters of rank `r`. */
  reserveRank(r: number): void {
    if (this.inner && this.inner.shape[1]! >= r) return;
    const { device } = this.base;
    if (this.inner) device.free(this.inner);
    this.inner = device.tensor("working set", "LoRA inner values", "f32", [this.sizes.stepTokens, r]);
  }

  /** Compiles what one row needs, with an adapter or without, so that no request waits for it. */
  async warmUp(adapter: AdapterParameters | undefined): Promise<void> {
    const scratch = Uint32Array.of(0);
    await this.run({
      ids: scratch,
      positions: scratch,
      slots: Uint32Array.of(this.sizes.sequences),
      adapters: adapter ? [{ adapter, from: 0, count: 1 }] : [],
      logitRows: scratch,
      hostRows: 0,
      repeat: 1,
    });
  }

  /** Tells the device which pages a sequence has, from its `first`-th on. */
  writePages(slot: number, pages: readonly number[], first: number): void {
    const count = pages.length - first;
    if (count <= 0) return;
    for (let i = 0; i < count; i++) this.tableRows[i] = pages[first + i]!;
    this.base.device.write(
      this.buffers.table,
      this.tableRows.subarray(0, count),
      slot * this.buffers.rowPages + first,
    );
  }

  /** Runs a step and waits for it.
   *  @throws GpuError when anything went wrong on the device. */
  async run(step: Step): Promise<StepResult> {
    const { device, config } = this.base;
    const { sequences } = this.sizes;
    const { buffers, stream } = this;
    const deviceRows = step.logitRows.length - step.hostRows;
    this.upload(step);
    for (let repeat = 0; repeat < step.repeat; repeat++) {
      this.record(step, repeat);
      if (deviceRows > 0)
        argmax(
          stream,
          { logits: buffers.logits, result: buffers.picks, ids: buffers.ids, positions: buffers.rows },
          {
            first: step.hostRows,
            rows: deviceRows,
            vocab: config.vocab,
            stride: paddedVocab(config),
            at: repeat * sequences,
            advance: step.repeat > 1,
          },
        );
      stream.submit();
    }
    const stride = paddedVocab(config);
    const logits = step.hostRows
      ? await device.read(buffers.logits.view(0, [step.hostRows, stride]))
      : new Float32Array(0);
    const words = deviceRows
      ? await device.readWords(buffers.picks.view(0, [(step.repeat - 1) * sequences + deviceRows, 2]))
      : new Uint32Array(0);
    if (step.logitRows.length === 0) await device.settle();
    return { logits, stride, picks: compact(words, step.repeat, sequences, deviceRows) };
  }

  private upload(step: Step): void {
    const { device } = this.base;
    const { buffers } = this;
    const rows = new Uint32Array(step.ids.length * 2);
    for (let i = 0; i < step.ids.length; i++) {
      rows[2 * i] = step.positions[i]!;
      rows[2 * i + 1] = step.slots[i]!;
    }
    device.write(buffers.ids, step.ids);
    device.write(buffers.rows, rows);
    if (step.logitRows.length) device.write(buffers.logitRows, step.logitRows);
  }

  private record(step: Step, repeat: number): void {
    const { base, buffers, stream } = this;
    const { hiddenSize: columns, rmsNormEps: eps } = base.config;
    const tokens = step.ids.length;
    for (const { dense: table, from, rows } of base.embedding)
      embed(stream, { ids: buffers.ids, table, x: buffers.x }, { tokens, columns, rowFrom: from, rows });
    const keys = step.positions.reduce((most, position) => Math.max(most, position), 0) + 1 + repeat;
    for (const layer of base.layers) {
      this.attention(layer, step, keys);
      this.mlp(layer, step);
    }
    const rows = step.logitRows.length;
    if (rows === 0) return;
    gatherRows(
      stream,
      { x: buffers.x, index: buffers.logitRows, out: buffers.headX },
      { rows, columns, indexOffset: 0 },
    );
    rmsNormForward(
      stream,
      { x: buffers.headX, weight: base.norm, y: buffers.headXn, rstd: buffers.rstd },
      { rows, columns, eps },
    );
    for (const shard of base.vocabulary)
      projectShard(
        stream,
        shard,
        { x: buffers.headXn, y: buffers.logits },
        { m: rows, k: columns, outStride: paddedVocab(base.config) },
      );
  }

  private attention(layer: DecoderLayer, step: Step, keys: number): void {
    const { base, buffers: b, stream } = this;
    const { hiddenSize: columns, rmsNormEps: eps, heads, kvHeads, headDim, slidingWindow } = base.config;
    const tokens = step.ids.length;
    rmsNormForward(
      stream,
      { x: b.x, weight: layer.inputNorm, y: b.xn, rstd: b.rstd },
      { rows: tokens, columns, eps },
    );
    this.project(layer.linear.q_proj, step, { x: b.xn, y: b.qPre ?? b.q });
    this.project(layer.linear.k_proj, step, { x: b.xn, y: b.kPre ?? b.k });
    this.project(layer.linear.v_proj, step, { x: b.xn, y: b.v });
    for (const [x, y, weight, ofHeads] of [
      [b.qPre, b.q, layer.qNorm, heads],
      [b.kPre, b.k, layer.kNorm, kvHeads],
    ] as const)
      if (x && weight)
        rmsNormForward(
          stream,
          { x, weight, y, rstd: b.rstd },
          { rows: tokens * ofHeads, columns: headDim, eps },
        );
    const cache = {
      rows: b.rows,
      table: b.table,
      kPages: b.kPages[layer.index]!,
      vPages: b.vPages[layer.index]!,
    };
    const sizes = { tokens, heads, kvHeads, headDim, rowPages: b.rowPages };
    ropePaged(stream, { q: b.q, k: b.k, v: b.v, angles: b.angles, rotated: b.rotated, ...cache }, sizes);
    attentionPaged(
      stream,
      { q: b.rotated, out: b.attention, parts: b.parts, ...cache },
      { ...sizes, keys, window: slidingWindow[layer.index], scale: 1 / Math.sqrt(headDim) },
    );
    this.project(layer.linear.o_proj, step, { x: b.attention, y: b.x }, true);
  }

  private mlp(layer: DecoderLayer, step: Step): void {
    const { base, buffers: b, stream } = this;
    const { hiddenSize: columns, rmsNormEps: eps, ffn, moe } = base.config;
    const tokens = step.ids.length;
    rmsNormForward(
      stream,
      { x: b.x, weight: layer.postAttentionNorm, y: b.xn, rstd: b.rstd },
      { rows: tokens, columns, eps },
    );
    if (layer.moe) {
      if (!moe || !b.moe) throw new Error("generate: experts without buffers");
      const { gate, up, h } = b;
      const sizes = { tokens, hiddenSize: columns, ffn, moe };
      moeForward(stream, layer.moe, { x: b.xn, y: b.x }, { gate, up, h, ...b.moe }, sizes);
      return;
    }
    const { gate_proj: gate, up_proj: up, down_proj: down } = layer.linear;
    this.project(gate, step, { x: b.xn, y: b.gate });
    this.project(up, step, { x: b.xn, y: b.up });
    swigluForward(stream, { gate: b.gate, up: b.up, h: b.h }, { count: tokens * ffn });
    this.project(down, step, { x: b.h, y: b.x }, true);
  }

  private project(linear: Linear, step: Step, tensors: { x: Tensor; y: Tensor }, accumulate = false): void {
    const rows = { tokens: step.ids.length, adapters: step.adapters };
    project(this.stream, linear, { ...tensors, inner: this.inner }, rows, accumulate);
  }

  /** Gives the cache and the working set back. */
  free(): void {
    this.buffers.free();
    if (this.inner) this.base.device.free(this.inner);
    this.inner = undefined;
  }
}

/** Takes the gaps out between the repeats, which lie `capacity` apart. */
function compact(words: Uint32Array, repeats: number, capacity: number, rows: number): Uint32Array {
  if (repeats === 1) return words;
  const out = new Uint32Array(repeats * rows * 2);
  for (let repeat = 0; repeat < repeats; repeat++) {
    const start = repeat * capacity * 2;
    out.set(words.subarray(start, start + rows * 2), repeat * rows * 2);
  }
  return out;
}
