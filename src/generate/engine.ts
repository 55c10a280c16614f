// Many requests on one base: they join and leave between any two steps, each with its own adapter, and share pages of the cache
// where their texts begin alike.

import { UserError } from "../base/errors.ts";
import type { Tokenizer } from "../data/tokenizer/tokenizer.ts";
import { budgetBytes } from "../gpu/memory.ts";
import type { BaseModel } from "../model/base-model.ts";
import { pageTokens } from "../ops/paged.ts";
import { Adapters, type LoadedAdapter } from "./adapters.ts";
import type { Answer } from "./answer.ts";
import { sizeCache } from "./buffers.ts";
import { Forward, type StepResult } from "./forward.ts";
import { checkGenerateOptions, type GenerateOptions } from "./options.ts";
import { notFinite } from "./sampler.ts";
import { type PlannedStep, Scheduler } from "./scheduler.ts";
import { Sequence } from "./sequence.ts";

export type { LoadedAdapter } from "./adapters.ts";
export type { Answer, Finished, FinishReason, GeneratedToken } from "./answer.ts";
export type { GenerateOptions } from "./options.ts";

/** How an engine is made. */
export interface EngineOptions {
  /** Turns tokens into text; without one, answers have ids only. */
  readonly tokenizer?: Tokenizer | undefined;
  /** Tokens that end an answer besides those of the base's config, such as the chat template's end of turn. */
  readonly endTokenIds?: readonly number[] | undefined;
  /** Requests that run at once; others wait. 8 by default. */
  readonly maxSequences?: number | undefined;
  /** Tokens of the longest prompt and answer together; as many as the base was made for by default. */
  readonly contextTokens?: number | undefined;
  /** Bytes of keys and values; by default what a few thousand tokens a sequence need, at most half of what is free. */
  readonly cacheBytes?: number | undefined;
  /** Most rows of one step: longer prompts take several. */
  readonly stepTokens?: number | undefined;
  /** Most tokens of each answer that are made before the host looks at them. */
  readonly stepsPerSubmit?: number | undefined;
}

/** One request. */
export interface GenerateRequest {
  readonly promptIds: readonly number[];
  /** Name of a loaded adapter; the base alone without it. */
  readonly adapter?: string | undefined;
  readonly options: GenerateOptions;
  /** Ends the answer with reason `abort` and frees its place. */
  readonly signal?: AbortSignal | undefined;
}

/** What the engine is doing. Tokens, except where a name says otherwise. */
export interface EngineStats {
  readonly running: number;
  readonly waiting: number;
  readonly cacheUsed: number;
  readonly cacheTotal: number;
  /** Since the engine was made. */
  readonly tokensGenerated: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly requests: number;
  /** Requests that gave up their pages for others and started again. */
  readonly preemptions: number;
}

/** Answers requests on a loaded base, which it does not own. */
export class Engine {
  /** Tokens of the longest prompt and answer together. */
  readonly contextTokens: number;
  private readonly loaded: Adapters;
  private readonly forward: Forward;
  private readonly scheduler: Scheduler;
  private readonly endTokens: ReadonlySet<number>;
  private readonly jobs: { run: () => Promise<void>; fail: (error: unknown) => void }[] = [];
  private readonly counts = { tokensGenerated: 0, promptTokens: 0, cachedTokens: 0, requests: 0 };
  private working: Promise<void> | undefined;
  private broken: unknown;
  private closed = false;

  private constructor(
    readonly base: BaseModel,
    private readonly options: EngineOptions,
  ) {
    const sizes = sizeCache(base.config, base.device, {
      sequences: options.maxSequences ?? 8,
      contextTokens: options.contextTokens,
      cacheBytes: options.cacheBytes,
      stepTokens: options.stepTokens,
      stepsPerSubmit: options.stepsPerSubmit,
      budgetBytes: budgetBytes(base.device.facts),
    });
    this.contextTokens = sizes.contextTokens;
    this.endTokens = new Set([...base.config.eosTokenIds, ...(options.endTokenIds ?? [])]);
    this.forward = new Forward(base, sizes);
    this.loaded = new Adapters(base, ({ rank, parameters }) =>
      this.exclusive(async () => {
        this.forward.reserveRank(rank);
        await this.forward.warmUp(parameters);
      }),
    );
    this.scheduler = new Scheduler({ ...sizes, pageTokens }, (sequence, first) =>
      this.forward.writePages(sequence.slot!, sequence.pages, first),
    );
  }

  /** Makes the cache of a base and compiles what decoding needs.
   *  @throws GpuError when memory runs out. */
  static async create(base: BaseModel, options: EngineOptions = {}): Promise<Engine> {
    const engine = new Engine(base, options);
    try {
      await base.device.settle();
      await engine.forward.warmUp(undefined);
      return engine;
    } catch (error) {
      engine[Symbol.dispose]();
      throw error;
    }
  }

  /** What requests can name. */
  get adapters(): ReadonlyMap<string, LoadedAdapter> {
    return this.loaded.loaded;
  }

  /** Loads a PEFT directory beside the base; the base's weights are not read again.
   *  @throws UserError when the name is taken; DataError when the adapter does not fit the base. */
  async loadAdapter(name: string, directory: string): Promise<void> {
    await this.loaded.load(name, directory);
  }

  /** Takes an adapter's name away, waits for the requests that use it, and frees it.
   *  @throws UserError when there is none of that name. */
  async unloadAdapter(name: string): Promise<void> {
    const { uid } = await this.loaded.unload(name);
    this.scheduler.pool.forgetScope(uid);
  }

  /** Starts answering; tokens come whether or not anybody reads them.
   *  @throws UserError at once for an unknown adapter, a prompt that is empty, too long or not of this vocabulary, and for options
   *  that cannot be. What fails later is thrown by the iteration. */
  generate(request: GenerateRequest): Answer {
    const { promptIds, options, signal } = request;
    if (this.broken !== undefined) throw this.broken;
    if (this.closed) throw new UserError("generate: expected an open engine, got one that was closed");
    const { vocab } = this.base.config;
    checkGenerateOptions(options, vocab);
    this.checkPrompt(promptIds);
    const adapter = request.adapter === undefined ? undefined : this.loaded.hold(request.adapter);
    const sequence = new Sequence({
      promptIds,
      adapter,
      options,
      tokenizer: this.options.tokenizer,
      endTokens: this.endTokens,
      contextTokens: this.contextTokens,
      onLeave: () => this.close(sequence, "abort"),
    });
    this.counts.requests++;
    if (signal?.aborted) {
      if (adapter) this.loaded.release(adapter);
      sequence.end("abort");
      return sequence.answer;
    }
    const abort = () => this.close(sequence, "abort");
    signal?.addEventListener("abort", abort, { once: true });
    void sequence.answer.finished.then(
      () => signal?.removeEventListener("abort", abort),
      () => signal?.removeEventListener("abort", abort),
    );
    this.scheduler.waiting.push(sequence);
    this.wake();
    return sequence.answer;
  }

  /** Numbers for metrics. */
  stats(): EngineStats {
    const { pool, running, waiting, preemptions } = this.scheduler;
    return {
      running: running.length,
      waiting: waiting.length,
      cacheUsed: pool.held * pageTokens,
      cacheTotal: (pool.pages - 1) * pageTokens,
      preemptions,
      ...this.counts,
    };
  }

  /** Runs `work` while no step is under way; answers go on between two such works. */
  exclusive<V>(work: () => Promise<V>): Promise<V> {
    if (this.broken !== undefined) return Promise.reject(this.broken);
    const done = Promise.withResolvers<V>();
    const run = async () => {
      try {
        done.resolve(await work());
      } catch (error) {
        done.reject(error);
      }
    };
    this.jobs.push({ run, fail: done.reject });
    this.wake();
    return done.promise;
  }

  /** Aborts what runs and gives the cache and the adapters back; the base stays. */
  [Symbol.dispose](): void {
    if (this.closed) return;
    this.closed = true;
    for (const sequence of this.sequences()) this.close(sequence, "abort");
    const gone = new UserError("generate: expected an open engine, got one that was closed");
    for (const { fail } of this.jobs.splice(0)) fail(gone);
    const free = () => {
      this.forward.free();
      this.loaded.free();
    };
    if (this.working) void this.working.then(free);
    else free();
  }

  private checkPrompt(promptIds: readonly number[]): void {
    const { vocab } = this.base.config;
    if (promptIds.length === 0) throw new UserError("prompt: expected at least one token, got none");
    if (promptIds.length >= this.contextTokens)
      throw new UserError(
        `prompt: expected fewer tokens than the context's ${this.contextTokens}, got ${promptIds.length}`,
        { hint: "shorten the conversation, or serve it with a longer context" },
      );
    const wrong = promptIds.find((id) => !Number.isInteger(id) || id < 0 || id >= vocab);
    if (wrong !== undefined) throw new UserError(`prompt: expected ids from 0 to ${vocab - 1}, got ${wrong}`);
  }

  private sequences(): Sequence[] {
    return [...this.scheduler.running, ...this.scheduler.waiting];
  }

  private wake(): void {
    this.working ??= this.work().finally(() => {
      this.working = undefined;
      if (!this.closed && (this.jobs.length > 0 || this.sequences().length > 0)) this.wake();
    });
  }

  private async work(): Promise<void> {
    try {
      while (!this.closed) {
        await this.jobs.shift()?.run();
        const planned = this.scheduler.plan(this.jobs.length === 0);
        if (planned) this.take(planned, await this.forward.run(planned.step));
        else if (this.jobs.length === 0) return;
      }
    } catch (error) {
      this.broken = error;
      for (const { fail } of this.jobs.splice(0)) fail(error);
      for (const sequence of this.sequences()) {
        this.leave(sequence);
        sequence.answer.fail(error);
      }
    }
  }

  private take(planned: PlannedStep, { logits, stride, picks }: StepResult): void {
    const { vocab } = this.base.config;
    this.scheduler.computed(planned);
    for (const [i, sequence] of planned.host.entries()) {
      if (sequence.answer.isOver) continue;
      try {
        const row = logits.subarray(i * stride, i * stride + vocab);
        this.accept(sequence, sequence.sampler.choose(row, sequence.tokens));
      } catch (error) {
        this.leave(sequence);
        sequence.answer.fail(error);
      }
    }
    const logprobs = new Float32Array(picks.buffer, picks.byteOffset, picks.length);
    for (const [i, sequence] of planned.device.entries())
      for (let repeat = 0; repeat < planned.step.repeat && !sequence.answer.isOver; repeat++) {
        const at = 2 * (repeat * planned.device.length + i);
        const logprob = logprobs[at + 1]!;
        if (Number.isNaN(logprob)) {
          this.leave(sequence);
          sequence.answer.fail(notFinite());
        } else this.accept(sequence, { id: picks[at]!, logprob, top: undefined });
      }
    for (const { sequence } of planned.shares)
      if (sequence.slot !== undefined) this.scheduler.publish(sequence);
  }

  private accept(sequence: Sequence, choice: Parameters<Sequence["accept"]>[0]): void {
    this.counts.tokensGenerated++;
    const reason = sequence.accept(choice);
    if (reason) this.close(sequence, reason);
  }

  /** Ends an answer and frees its place. */
  private close(sequence: Sequence, reason: Parameters<Sequence["end"]>[0]): void {
    if (sequence.answer.isOver) return;
    if (sequence.slot !== undefined) this.scheduler.publish(sequence);
    this.leave(sequence);
    sequence.end(reason);
  }

  private leave(sequence: Sequence): void {
    this.counts.promptTokens += sequence.promptTokens;
    this.counts.cachedTokens += sequence.cachedTokens ?? 0;
    this.scheduler.remove(sequence);
    if (sequence.adapter) this.loaded.release(sequence.adapter);
  }
}
