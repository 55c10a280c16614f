// A causal language model of the Llama family on one device: loaded once, then run forward and backward over micro-batches
// with nothing allocated and no pipeline made on the way.

import { UserError } from "../base/errors.ts";
import type { ModelConfig } from "../formats/config.ts";
import type { Device } from "../gpu/device.ts";
import { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Trace } from "../gpu/trace.ts";
import { uniformNoise } from "../ops/dropout.ts";
import { embed, embedBackward, tokensById } from "../ops/embed.ts";
import {
  type Activations,
  type BackwardWorking,
  takeActivations,
  takeWorking,
  type Working,
} from "./activations.ts";
import { AdapterParameters } from "./adapter-parameters.ts";
import { Arena } from "./arena.ts";
import { BaseModel, type BaseModelOptions, trains, withAdapter, withGradients } from "./base-model.ts";
import { type Batch, intervals } from "./batch.ts";
import { type DecoderLayer, type LayerContext, layerBackward, layerForward } from "./decoder-layer.ts";
import {
  chunkRows,
  type Head,
  headBackward,
  headLikeliest,
  headLogits,
  headLoss,
  headNorm,
  takeHead,
} from "./head.ts";
import type { DropoutState } from "./linear.ts";
import { type MemoryPlan, planMemory, runBuffers } from "./memory-plan.ts";
import type { ParameterBlock, Trainee } from "./parameter-block.ts";
import { type ModelSizes, planInputFor } from "./plan-input.ts";
import { ropeTables } from "./rope-tables.ts";
import { type NoiseState, noiseMagnitudes, type StepOptions } from "./step-options.ts";
import { TrainedWeights } from "./trained-weights.ts";

/** A run on a base: its sizes, and where to count time. */
export interface RunOptions extends Omit<ModelSizes, "load4bit"> {
  readonly trace?: Trace;
}

/** A base to load, and a run on it. */
export interface CausalLMOptions extends BaseModelOptions, RunOptions {}

/** Tensors that every micro-batch writes. */
interface BatchTensors {
  readonly ids: Tensor;
  /** Tokens grouped by id; only when the embedding may be trained. */
  readonly byId: { readonly order: Tensor; readonly starts: Tensor } | undefined;
  readonly positions: Tensor;
  readonly magnitudes: Tensor | undefined;
  /** Per distinct window. */
  readonly intervals: readonly {
    readonly window: number | undefined;
    readonly keys: Tensor;
    readonly queries: Tensor;
  }[];
}

/** A loaded model. */
export class CausalLM implements Trainee {
  private lossCount = 0;
  private readonly stream: Stream;
  private layers: readonly DecoderLayer[];
  private readonly rope: { readonly cos: Tensor; readonly sin: Tensor };
  private readonly residual: readonly Tensor[];
  private readonly sets: readonly Activations[];
  private readonly batch: BatchTensors;
  private head: Head;
  /** Distinct ids of the micro-batch; counted when the embedding is trained. */
  private distinctIds = 0;
  private adapterTrained = true;
  private readonly working: Working;

  private constructor(
    /** The base as it is now. */
    readonly base: BaseModel,
    /** False when the base belongs to somebody else, who frees it. */
    private readonly ownsBase: boolean,
    readonly plan: MemoryPlan,
    readonly adapter: AdapterParameters | undefined,
    /** The base's own weights that are trained. */
    readonly trained: TrainedWeights | undefined,
    private readonly arena: Arena,
    private readonly options: RunOptions,
  ) {
    const { config, device } = base;
    this.layers = withAdapter(base.layers, adapter);
    const tables = ropeTables(config, options.maxTokens);
    this.rope = { cos: arena.take("rope.cos"), sin: arena.take("rope.sin") };
    device.write(this.rope.cos, tables.cos);
    device.write(this.rope.sin, tables.sin);
    const residuals = options.train ? config.layers + 1 : 2;
    this.residual = Array.from({ length: residuals }, (_, i) => arena.take(`residual.${i}`));
    const sets = Math.max(1, plan.keptLayers);
    this.sets = Array.from({ length: sets }, (_, set) => takeActivations(arena, set));
    this.batch = {
      ids: arena.take("ids"),
      byId: arena.has("id_order")
        ? { order: arena.take("id_order"), starts: arena.take("id_starts") }
        : undefined,
      positions: arena.take("positions"),
      magnitudes: arena.has("magnitudes") ? arena.take("magnitudes") : undefined,
      intervals: [...new Set(config.slidingWindow)].map((window, w) => {
        return { window, keys: arena.take(`keys.${w}`), queries: arena.take(`queries.${w}`) };
      }),
    };
    this.head = takeHead(arena, base.norm, base.vocabulary);
    this.working = takeWorking(arena);
    arena.checkComplete();
    this.stream = new Stream(device, options.trace);
    if (trained) this.enterStage(0);
  }

  /** Goes over to what stage `index` trains. The moments of the base's own weights start at zero, those of the adapter are the
   *  caller's. */
  enterStage(index: number): void {
    const { base, adapter, trained } = this;
    if (!trained) throw new Error("model: loaded without stages");
    trained.enter(index);
    this.adapterTrained = this.options.stages![index]!.adapter;
    this.layers = withGradients(withAdapter(base.layers, adapter, this.adapterTrained), trained);
    this.head = {
      ...this.head,
      normGradient: trained.gradients("model.norm.weight")?.[0],
      vocabularyGradients: trained.gradients(
        this.config.tieWordEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight",
      ),
    };
  }

  /** What AdamW updates now. */
  get blocks(): readonly ParameterBlock[] {
    const adapter = this.adapterTrained ? (this.adapter?.blocks ?? []) : [];
    return [...adapter, ...(this.trained?.blocks ?? [])];
  }

  /** Brings copies of trained weights up to date. */
  updated(stream: Stream): void {
    this.trained?.refresh(stream);
  }

  /** Brings all copies up to date, after masters were written. */
  refreshWeights(): void {
    this.trained?.refreshAll(this.stream);
    this.stream.submit();
  }

  /** Reads a base's weights onto the device and makes every buffer that a run needs.
   *  @throws DataError for weights that are not what they should be, GpuError when memory runs out. */
  static async load(device: Device, options: CausalLMOptions): Promise<CausalLM> {
    const base = await BaseModel.load(device, options);
    try {
      return await CausalLM.make(base, true, options);
    } catch (error) {
      base[Symbol.dispose]();
      throw error;
    }
  }

  /** A run on a base that is loaded already and stays so. */
  static on(base: BaseModel, options: RunOptions): Promise<CausalLM> {
    return CausalLM.make(base, false, options);
  }

  private static async make(base: BaseModel, ownsBase: boolean, options: RunOptions): Promise<CausalLM> {
    const { device, load4bit } = base;
    const { targets = [], train = false, stages = [] } = options;
    const input = planInputFor(base.source, { ...options, load4bit }, device);
    const plan = planMemory(input);
    const arena = new Arena(device, runBuffers(input, plan.keptLayers));
    try {
      const take = (label: string) => arena.take(label);
      const adapter = targets.length ? new AdapterParameters(device, targets, train, take) : undefined;
      const trained = stages.length > 0 ? new TrainedWeights(device, base.masters, stages) : undefined;
      const model = new CausalLM(base, ownsBase, plan, adapter, trained, arena, options);
      await device.settle();
      return model;
    } catch (error) {
      arena.free();
      throw error;
    }
  }

  get device(): Device {
    return this.base.device;
  }

  get config(): ModelConfig {
    return this.base.config;
  }

  /** Forward and backward of one micro-batch; adds to the gradients of what is trained. Does not wait. */
  step(batch: Batch, options: StepOptions): void {
    const grads = this.trainable;
    this.upload(batch, options.gradientScale);
    if (batch.rows.length === 0) return;
    const contexts = this.contexts(batch, options.dropout);
    this.embedTokens(batch, options.neftune);
    this.forwardLayers(contexts);
    this.finishStep(batch, contexts, grads);
  }

  /** From the last layer's output to the gradients. */
  private finishStep(batch: Batch, contexts: readonly LayerContext[], grads: BackwardWorking): void {
    this.loss(batch, true);
    const { tokens, rows } = batch;
    const sizes = { tokens, rows: rows.length, scaled: false };
    headBackward(this.stream, this.head, this.config, grads.dx, sizes);
    this.stream.submit();
    this.backwardLayers(contexts, grads);
  }

  /** As {@link step}, for a loss over whole sequences, whose slope on a token is known when all tokens of the batch are: the
   *  labelled rows' losses are read in between. Their gradients are taken with a weight of one and multiplied afterwards,
   *  which is the same, because each row's gradient is linear in its weight.
   *  @param factorsOf slope of the loss on each row's own [R], from the rows' losses [R]. */
  async stepSequences(
    batch: Batch,
    options: StepOptions,
    factorsOf: (losses: Float32Array) => Float32Array<ArrayBuffer>,
  ): Promise<void> {
    const grads = this.trainable;
    const { factors } = this.head;
    if (!factors) throw new Error("model: loaded without sequenceLoss: true");
    const rows = batch.rows.length;
    this.upload({ ...batch, weights: new Float32Array(rows).fill(1) }, options.gradientScale);
    if (rows === 0) return;
    const contexts = this.contexts(batch, options.dropout);
    this.embedTokens(batch, options.neftune);
    this.forwardLayers(contexts);
    this.loss(batch, true);
    this.stream.submit();
    const losses = await this.device.read(this.head.loss.view(0, [this.lossCount]));
    this.device.write(factors, factorsOf(losses.subarray(this.lossCount - rows)));
    headBackward(this.stream, this.head, this.config, grads.dx, { tokens: batch.tokens, rows, scaled: true });
    this.stream.submit();
    this.backwardLayers(contexts, grads);
  }

  /** As {@link step}, for a batch with rows whose targets are what the base says there, without the adapter: it runs forward first, and
   *  what lies below the adapter is the same for both. Waits once. */
  async stepTowardsBase(batch: Batch, options: StepOptions): Promise<void> {
    const grads = this.trainable;
    const { fromBase = new Uint32Array(0) } = batch;
    this.upload(batch, options.gradientScale);
    this.embedTokens(batch, undefined);
    this.forwardLayers(this.contexts(batch, undefined), 0, this.base.layers);
    this.device.write(
      this.head.rows,
      fromBase.map((row) => batch.rows[row]!),
    );
    const seen = { ...this.batch, x: this.residualAt(this.layers.length) };
    const found = headLikeliest(this.stream, this.head, this.config, seen, fromBase.length);
    this.stream.submit();
    const ids = await this.device.readWords(found);
    const targets = batch.targets.slice();
    for (const [i, row] of fromBase.entries()) targets[row] = ids[2 * i]!;
    this.device.write(this.head.rows, batch.rows);
    this.device.write(this.head.targets, targets, this.lossCount);
    const contexts = this.contexts(batch, options.dropout);
    if (options.neftune) this.embedTokens(batch, options.neftune);
    this.forwardLayers(contexts, options.neftune ? 0 : this.lowestTrained);
    this.finishStep(batch, contexts, grads);
  }

  private get trainable(): BackwardWorking {
    const { backward } = this.working;
    if (!backward || !(this.adapter ?? this.trained))
      throw new Error("model: loaded without train: true and LoRA targets or stages");
    return backward;
  }

  private backwardLayers(contexts: readonly LayerContext[], grads: BackwardWorking): void {
    const embedding = this.trained?.gradients("model.embed_tokens.weight");
    const lowest = embedding ? -1 : this.lowestTrained;
    for (let index = this.layers.length - 1; index >= Math.max(0, lowest); index--) {
      const set = this.setOf(index);
      const x = this.residual[index]!;
      // A layer that kept nothing runs forward again, into the set that the last such layer used.
      if (this.recomputed(index))
        layerForward(this.stream, this.layers[index]!, { x, y: undefined }, set, contexts[index]!);
      layerBackward(this.stream, this.layers[index]!, x, set, contexts[index]!, grads, index > lowest);
      this.stream.submit();
    }
    if (!embedding || !this.batch.byId) return;
    const t = { ids: this.batch.ids, ...this.batch.byId, dx: grads.dx };
    const sizes = {
      tokens: contexts[0]!.tokens,
      distinct: this.distinctIds,
      columns: this.config.hiddenSize,
    };
    this.base.embedding.forEach(({ from, rows }, i) => {
      embedBackward(this.stream, { ...t, dtable: embedding[i]! }, { ...sizes, rowFrom: from, rows });
    });
    this.stream.submit();
  }

  /** Forward and loss of one micro-batch. Does not wait. */
  evaluate(batch: Batch): void {
    this.upload(batch, 0);
    if (batch.rows.length === 0) return;
    this.embedTokens(batch, undefined);
    this.forwardLayers(this.contexts(batch, undefined));
    this.loss(batch, false);
    this.stream.submit();
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

  /** Mean logits of the rows that {@link takeLosses} would give now; to be asked for before it. Waits.
   *  @throws GpuError as there. */
  async readMeanLogits(): Promise<Float32Array> {
    const { meanLogits } = this.head;
    if (!meanLogits) throw new Error("model: loaded without sequenceLoss: true");
    if (this.lossCount === 0) return new Float32Array(0);
    return this.device.read(meanLogits.view(0, [this.lossCount]));
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
    const normed = new Float32Array(options.hidden ? batch.tokens * hiddenSize : 0);
    const logits = new Float32Array(batch.tokens * vocab);
    const capacity = this.head.rows.length;
    for (let first = 0; first < batch.tokens; first += capacity) {
      const rows = Math.min(capacity, batch.tokens - first);
      this.device.write(
        this.head.rows,
        Uint32Array.from({ length: rows }, (_, i) => first + i),
      );
      await this.readLogits(rows, logits.subarray(first * vocab));
      if (options.hidden)
        normed.set(await this.device.read(this.head.xn.view(0, [rows, hiddenSize])), first * hiddenSize);
    }
    if (options.hidden) hidden.push(normed);
    return { logits, hidden };
  }

  /** Logits [R, V] of a batch's labelled rows only: what the model says of each label's place. Waits. */
  async labelledLogits(batch: Batch): Promise<Float32Array> {
    this.upload(batch, 0);
    const rows = batch.rows.length;
    const logits = new Float32Array(rows * this.config.vocab);
    if (rows === 0) return logits;
    this.embedTokens(batch, undefined);
    this.forwardLayers(this.contexts(batch, undefined));
    await this.readLogits(rows, logits);
    return logits;
  }

  /** Norms the rows that `head.rows` names and reads their logits into `out`. */
  private async readLogits(rows: number, out: Float32Array): Promise<void> {
    const { vocab } = this.config;
    headNorm(this.stream, this.head, this.config, this.residualAt(this.layers.length), rows);
    this.stream.submit();
    for (let from = 0; from < rows; from += chunkRows(this.head)) {
      const count = Math.min(chunkRows(this.head), rows - from);
      headLogits(this.stream, this.head, this.config, from, count);
      this.stream.submit();
      out.set(await this.device.read(this.head.logits.view(0, [count, vocab])), from * vocab);
    }
  }

  /** Gives the run's memory back, and the base's if it was loaded for this run. */
  [Symbol.dispose](): void {
    this.trained?.[Symbol.dispose]();
    this.arena.free();
    if (this.ownsBase) this.base[Symbol.dispose]();
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
    if (this.batch.byId && this.trained?.gradients("model.embed_tokens.weight")) {
      const { order, starts } = tokensById(batch.ids);
      this.distinctIds = starts.length - 1;
      this.device.write(this.batch.byId.order, order);
      this.device.write(this.batch.byId.starts, starts);
    }
    this.device.write(this.batch.positions, batch.positions);
    this.device.write(rows, batch.rows);
    this.device.write(targets, batch.targets, this.lossCount);
    this.device.write(
      weights,
      batch.weights.map((weight) => weight * gradientScale),
      this.lossCount,
    );
    for (const { window, keys, queries } of this.batch.intervals) {
      const seen = intervals(batch, window);
      this.device.write(keys, seen.keys);
      this.device.write(queries, seen.queries);
    }
  }

  private contexts(batch: Batch, dropout: DropoutState | undefined): LayerContext[] {
    const { config, working } = this;
    return config.slidingWindow.map((window) => {
      const { keys, queries } = this.batch.intervals.find((interval) => interval.window === window)!;
      const { positions } = this.batch;
      return { config, tokens: batch.tokens, positions, ...this.rope, keys, queries, dropout, working };
    });
  }

  private embedTokens(batch: Batch, noise: NoiseState | undefined): void {
    const { hiddenSize: columns } = this.config;
    const { tokens } = batch;
    const x = this.residualAt(0);
    for (const { from, rows, dense } of this.base.embedding)
      embed(this.stream, { ids: this.batch.ids, table: dense, x }, { tokens, columns, rowFrom: from, rows });
    if (!noise || !this.batch.magnitudes) return;
    const { alpha, seed, salt } = noise;
    this.device.write(this.batch.magnitudes, noiseMagnitudes(batch, alpha, columns));
    uniformNoise(this.stream, { x, magnitude: this.batch.magnitudes }, { tokens, columns, seed, salt });
  }

  /** Runs `layers` from number `from` on. */
  private forwardLayers(contexts: readonly LayerContext[], from = 0, layers = this.layers): void {
    for (let index = from; index < layers.length; index++) {
      const tensors = { x: this.residualAt(index), y: this.residualAt(index + 1) };
      layerForward(this.stream, layers[index]!, tensors, this.setOf(index), contexts[index]!);
      this.stream.submit();
    }
  }

  private loss(batch: Batch, gradient: boolean): void {
    const x = this.residualAt(this.layers.length);
    const sizes = { rows: batch.rows.length, offset: this.lossCount, gradient };
    headLoss(this.stream, this.head, this.config, x, sizes);
    this.lossCount += batch.rows.length;
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
    const index = this.layers.findIndex(trains);
    return index < 0 ? this.layers.length : index;
  }
}
