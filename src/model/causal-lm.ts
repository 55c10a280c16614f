// A causal language model of the Llama family on one device: loaded once, then run forward and backward over micro-batches
// with nothing allocated and no pipeline made on the way.

import { UserError } from "../base/errors.ts";
import type { BaseWeights } from "../formats/base-weights.ts";
import type { ModelConfig } from "../formats/config.ts";
import type { Device } from "../gpu/device.ts";
import { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Trace } from "../gpu/trace.ts";
import { uniformNoise } from "../ops/dropout.ts";
import { embed } from "../ops/embed.ts";
import { type Activations, takeActivations, takeWorking, type Working } from "./activations.ts";
import { AdapterParameters } from "./adapter-parameters.ts";
import { Arena } from "./arena.ts";
import { type Batch, intervals } from "./batch.ts";
import { type DecoderLayer, type LayerContext, layerBackward, layerForward } from "./decoder-layer.ts";
import { chunkRows, type Head, headLogits, headLoss, headNorm, takeHead } from "./head.ts";
import type { DropoutState } from "./linear.ts";
import { loadLayer } from "./load-layer.ts";
import { type MemoryPlan, planMemory } from "./memory-plan.ts";
import { type ModelSizes, planInputFor } from "./plan-input.ts";
import { ropeTables } from "./rope-tables.ts";
import { type DenseShard, WeightLoader } from "./weights.ts";

/** What to load, and how large it may get. */
export interface CausalLMOptions extends ModelSizes {
  readonly base: BaseWeights;
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  readonly trace?: Trace;
}

/** NEFTune: uniform noise of magnitude alpha / sqrt(length x C) on the embeddings. Jain et al. 2023. */
export interface NoiseState {
  readonly alpha: number;
  readonly seed: number;
  readonly salt: number;
}

/** How one micro-batch is trained. */
export interface StepOptions {
  /** Multiplies every row's gradient: loss scale / labels in the accumulation window. */
  readonly gradientScale: number;
  readonly dropout?: DropoutState;
  readonly neftune?: NoiseState;
}

/** Tensors that every micro-batch writes. */
interface BatchTensors {
  readonly ids: Tensor;
  readonly positions: Tensor;
  readonly magnitudes: Tensor | undefined;
  /** Per distinct window. */
  readonly intervals: readonly {
    readonly window: number | undefined;
    readonly lo: Tensor;
    readonly hi: Tensor;
  }[];
}

/** A loaded model. */
export class CausalLM {
  private lossCount = 0;
  private readonly stream: Stream;

  private constructor(
    readonly device: Device,
    readonly config: ModelConfig,
    readonly plan: MemoryPlan,
    readonly adapter: AdapterParameters | undefined,
    private readonly arena: Arena,
    private readonly layers: readonly DecoderLayer[],
    private readonly embedding: readonly DenseShard[],
    private readonly head: Head,
    private readonly residual: readonly Tensor[],
    private readonly sets: readonly Activations[],
    private readonly working: Working,
    private readonly batch: BatchTensors,
    private readonly rope: { cos: Tensor; sin: Tensor },
    private readonly options: CausalLMOptions,
  ) {
    this.stream = new Stream(device, options.trace);
  }

  /** Reads a base's weights onto the device and makes every buffer that a run needs.
   *  @throws DataError for weights that are not what they should be, GpuError when memory runs out. */
  static async load(device: Device, options: CausalLMOptions): Promise<CausalLM> {
    const { base, targets = [], train = false, maxTokens } = options;
    const { config } = base;
    const plan = planMemory(planInputFor(base, options, device));
    const arena = new Arena(device, plan);
    const adapter = targets.length
      ? new AdapterParameters(device, targets, train, (label) => arena.take(label))
      : undefined;
    const loader = new WeightLoader(base, arena, options.onProgress);
    const layers: DecoderLayer[] = [];
    for (let index = 0; index < config.layers; index++)
      layers.push(await loadLayer(loader, config, index, options.load4bit ?? false, adapter));
    const embedding = await loader.matrix("model.embed_tokens.weight");
    const vocabulary = config.tieWordEmbeddings ? embedding : await loader.matrix("lm_head.weight");
    const norm = await loader.vector("model.norm.weight");
    const tables = ropeTables(config, maxTokens);
    const rope = { cos: arena.take("rope.cos"), sin: arena.take("rope.sin") };
    device.write(rope.cos, tables.cos);
    device.write(rope.sin, tables.sin);
    const residual = Array.from({ length: train ? config.layers + 1 : 2 }, (_, i) =>
      arena.take(`residual.${i}`),
    );
    const sets = Array.from({ length: Math.max(1, plan.keptLayers) }, (_, set) =>
      takeActivations(arena, set),
    );
    const windows = [...new Set(config.slidingWindow)];
    const batch: BatchTensors = {
      ids: arena.take("ids"),
      positions: arena.take("positions"),
      magnitudes: arena.has("magnitudes") ? arena.take("magnitudes") : undefined,
      intervals: windows.map((window, w) => ({
        window,
        lo: arena.take(`lo.${w}`),
        hi: arena.take(`hi.${w}`),
      })),
    };
    const head = takeHead(arena, norm, vocabulary);
    const working = takeWorking(arena);
    arena.checkComplete();
    await device.settle();
    return new CausalLM(
      device,
      config,
      plan,
      adapter,
      arena,
      layers,
      embedding,
      head,
      residual,
      sets,
      working,
      batch,
      rope,
      options,
    );
  }

  /** Forward and backward of one micro-batch; adds to the adapter's gradients. Does not wait. */
  step(batch: Batch, options: StepOptions): void {
    const grads = this.working.backward;
    if (!grads || !this.adapter) throw new Error("model: loaded without train: true and LoRA targets");
    this.upload(batch, options.gradientScale);
    if (batch.rows.length === 0) return;
    const contexts = this.contexts(batch, options.dropout);
    this.embedTokens(batch, options.neftune);
    this.forwardLayers(contexts);
    this.loss(batch, grads.dx);
    const lowest = this.lowestTrained;
    for (let index = this.layers.length - 1; index >= lowest; index--) {
      const set = this.setOf(index);
      const x = this.residual[index]!;
      // A layer that kept nothing runs forward again, into the set that the last such layer used.
      if (this.recomputed(index))
        layerForward(
          this.stream,
          this.layers[index]!,
          { x, y: this.residual.at(-1)! },
          set,
          contexts[index]!,
        );
      layerBackward(this.stream, this.layers[index]!, x, set, contexts[index]!, grads, index > lowest);
      this.stream.submit();
    }
  }

  /** Forward and loss of one micro-batch. Does not wait. */
  evaluate(batch: Batch): void {
    this.upload(batch, 0);
    if (batch.rows.length === 0) return;
    this.embedTokens(batch, undefined);
    this.forwardLayers(this.contexts(batch, undefined));
    this.loss(batch, undefined);
  }

  /** Plain losses (negative log likelihoods) of every labelled row since they were last taken, in order. Waits.
   *  @throws GpuError when anything went wrong on the device since the last look. */
  async takeLosses(): Promise<Float32Array> {
    const count = this.lossCount;
    this.lossCount = 0;
    if (count === 0) {
      await this.device.settle();
      return new Float32Array(0);
    }
    return this.device.read(this.head.loss.view(0, [count]));
  }

  /** Logits [N, V] of a batch, and with `hidden` L + 1 hidden states [N, C]: 0 the embedding, the last one after the final
   *  norm, as in transformers. */
  async forward(
    batch: Batch,
    options: { hidden?: boolean } = {},
  ): Promise<{ logits: Float32Array; hidden: Float32Array[] }> {
    this.upload(
      { ...batch, rows: new Uint32Array(0), targets: new Uint32Array(0), weights: new Float32Array(0) },
      0,
    );
    const contexts = this.contexts(batch, undefined);
    const { hiddenSize, vocab } = this.config;
    const hidden: Float32Array[] = [];
    const take = async (x: Tensor) => {
      if (options.hidden) hidden.push(await this.device.read(x.view(0, [batch.tokens, hiddenSize])));
    };
    this.embedTokens(batch, undefined);
    this.stream.submit();
    await take(this.residualAt(0));
    for (const [index, layer] of this.layers.entries()) {
      const tensors = { x: this.residualAt(index), y: this.residualAt(index + 1) };
      layerForward(this.stream, layer, tensors, this.setOf(index), contexts[index]!);
      this.stream.submit();
      if (index + 1 < this.layers.length) await take(this.residualAt(index + 1));
    }
    const last = this.residualAt(this.layers.length);
    const normed = new Float32Array(options.hidden ? batch.tokens * hiddenSize : 0);
    const logits = new Float32Array(batch.tokens * vocab);
    const capacity = this.head.rows.length;
    for (let first = 0; first < batch.tokens; first += capacity) {
      const rows = Math.min(capacity, batch.tokens - first);
      this.device.write(
        this.head.rows,
        Uint32Array.from({ length: rows }, (_, i) => first + i),
      );
      headNorm(this.stream, this.head, this.config, last, rows);
      this.stream.submit();
      if (options.hidden)
        normed.set(await this.device.read(this.head.xn.view(0, [rows, hiddenSize])), first * hiddenSize);
      for (let from = 0; from < rows; from += chunkRows(this.head)) {
        const count = Math.min(chunkRows(this.head), rows - from);
        headLogits(this.stream, this.head, this.config, from, count);
        this.stream.submit();
        logits.set(await this.device.read(this.head.logits.view(0, [count, vocab])), (first + from) * vocab);
      }
    }
    if (options.hidden) hidden.push(normed);
    return { logits, hidden };
  }

  /** Gives all of the model's memory back. */
  [Symbol.dispose](): void {
    this.arena.free();
  }

  private upload(batch: Batch, gradientScale: number): void {
    const { maxTokens } = this.options;
    if (batch.tokens > maxTokens)
      throw new UserError(`batch: expected at most ${maxTokens} tokens, got ${batch.tokens}`, {
        hint: "raise --max-length, or lower --per-device-train-batch-size",
      });
    const { rows, targets, weights, loss } = this.head;
    if (batch.rows.length > rows.length || this.lossCount + batch.targets.length > loss.length)
      throw new Error(
        `batch: ${batch.rows.length} labelled rows after ${this.lossCount} do not fit ${loss.length}`,
      );
    this.device.write(this.batch.ids, batch.ids);
    this.device.write(this.batch.positions, batch.positions);
    this.device.write(rows, batch.rows);
    this.device.write(targets, batch.targets, this.lossCount);
    this.device.write(
      weights,
      batch.weights.map((weight) => weight * gradientScale),
      this.lossCount,
    );
    for (const { window, lo, hi } of this.batch.intervals) {
      const seen = intervals(batch, window);
      this.device.write(lo, seen.lo);
      this.device.write(hi, seen.hi);
    }
  }

  private contexts(batch: Batch, dropout: DropoutState | undefined): LayerContext[] {
    const { config, working } = this;
    return config.slidingWindow.map((window) => {
      const { lo, hi } = this.batch.intervals.find((interval) => interval.window === window)!;
      const { positions } = this.batch;
      return { config, tokens: batch.tokens, positions, ...this.rope, lo, hi, dropout, working };
    });
  }

  private embedTokens(batch: Batch, noise: NoiseState | undefined): void {
    const { hiddenSize: columns } = this.config;
    const { tokens } = batch;
    const x = this.residualAt(0);
    for (const { from, rows, dense } of this.embedding)
      embed(this.stream, { ids: this.batch.ids, table: dense, x }, { tokens, columns, rowFrom: from, rows });
    if (!noise || !this.batch.magnitudes) return;
    const magnitudes = new Float32Array(tokens);
    for (let s = 0; s + 1 < batch.starts.length; s++) {
      const [start, end] = [batch.starts[s]!, batch.starts[s + 1]!];
      magnitudes.fill(noise.alpha / Math.sqrt((end - start) * columns), start, end);
    }
    this.device.write(this.batch.magnitudes, magnitudes);
    const { seed, salt } = noise;
    uniformNoise(this.stream, { x, magnitude: this.batch.magnitudes }, { tokens, columns, seed, salt });
  }

  private forwardLayers(contexts: readonly LayerContext[]): void {
    this.layers.forEach((layer, index) => {
      const tensors = { x: this.residualAt(index), y: this.residualAt(index + 1) };
      layerForward(this.stream, layer, tensors, this.setOf(index), contexts[index]!);
      this.stream.submit();
    });
  }

  private loss(batch: Batch, dx: Tensor | undefined): void {
    const x = this.residualAt(this.layers.length);
    const sizes = { tokens: batch.tokens, rows: batch.rows.length, offset: this.lossCount };
    headLoss(this.stream, this.head, this.config, { x, dx }, sizes);
    this.lossCount += batch.rows.length;
    this.stream.submit();
  }

  /** Input of layer `index`; when not training, two buffers take turns. */
  private residualAt(index: number): Tensor {
    return this.residual[index % this.residual.length]!;
  }

  /** The first kept layer and all layers that keep nothing share set 0. */
  private setOf(index: number): Activations {
    return this.sets[Math.max(0, index - (this.layers.length - this.sets.length))]!;
  }

  private recomputed(index: number): boolean {
    return index < this.layers.length - this.sets.length;
  }

  /** Below this layer nothing trains. */
  private get lowestTrained(): number {
    return this.layers.findIndex(({ linear }) =>
      Object.values(linear).some(({ lora }) => lora !== undefined),
    );
  }
}
