// One request at work: its tokens, how far they are in the cache, and what a new token means for its answer.

import type { Tokenizer } from "../data/tokenizer/tokenizer.ts";
import type { LoadedAdapter } from "./adapters.ts";
import { type FinishReason, GrowingAnswer } from "./answer.ts";
import type { GenerateOptions } from "./options.ts";
import type { Chain } from "./page-pool.ts";
import { type Choice, Sampler } from "./sampler.ts";
import { TextStream } from "./text-stream.ts";

/** What a sequence is made from. */
export interface SequenceRequest {
  readonly promptIds: readonly number[];
  readonly adapter: LoadedAdapter | undefined;
  readonly options: GenerateOptions;
  readonly tokenizer: Tokenizer | undefined;
  /** The model's own end tokens. */
  readonly endTokens: ReadonlySet<number>;
  readonly contextTokens: number;
  /** Called when the reader leaves. */
  readonly onLeave: () => void;
}

/** A request, waiting or running. */
export class Sequence {
  /** Prompt and answer. */
  readonly tokens: number[];
  readonly promptTokens: number;
  readonly adapter: LoadedAdapter | undefined;
  readonly answer: GrowingAnswer;
  readonly sampler: Sampler;
  /** Tokens whose keys and values are in the cache. */
  computed = 0;
  /** Pages of the cache, the first `known` of which others may share. */
  pages: number[] = [];
  known = 0;
  chain: Chain = "";
  /** Row of the page table; undefined while it waits. */
  slot: number | undefined;
  /** Tokens of the prompt that the cache had when it first ran. */
  cachedTokens: number | undefined;
  private readonly text: TextStream;
  private readonly stopTokens: ReadonlySet<number>;

  constructor(private readonly request: SequenceRequest) {
    const { promptIds, adapter, options, tokenizer, endTokens, onLeave } = request;
    this.tokens = [...promptIds];
    this.promptTokens = promptIds.length;
    this.adapter = adapter;
    this.answer = new GrowingAnswer(onLeave);
    this.sampler = new Sampler(options);
    this.text = new TextStream(tokenizer, options.stop ?? []);
    this.stopTokens = new Set([...(options.ignoreEos ? [] : endTokens), ...(options.stopTokenIds ?? [])]);
  }

  /** Marks pages as an adapter's own; 0 is the base. */
  get scope(): number {
    return this.adapter?.uid ?? 0;
  }

  /** Tokens that must still be computed before the next one can be chosen. */
  get pending(): number {
    return this.tokens.length - this.computed;
  }

  get completionTokens(): number {
    return this.tokens.length - this.promptTokens;
  }

  /** Tokens that may be made before anything but a stop token ends the answer. */
  get left(): number {
    const { options, contextTokens } = this.request;
    return Math.min(options.maxTokens - this.completionTokens, contextTokens - this.tokens.length);
  }

  /** The device may choose several tokens in a row. */
  get isPlain(): boolean {
    return this.sampler.isPlain && !this.request.options.stop?.length;
  }

  /** Takes the next token.
   *  @returns how the answer ended with it, or undefined. */
  accept({ id, logprob, top }: Choice): FinishReason | undefined {
    this.tokens.push(id);
    const reason = this.reasonAfter(id);
    const told = reason === "stop" ? { text: "", stopped: false } : this.text.push(id);
    const ending = told.stopped ? "stop" : reason;
    const rest = ending && !told.stopped ? this.text.finish() : { text: "", stopped: false };
    this.answer.push({ id, text: told.text + rest.text, logprob, ...(top && { top }) });
    return rest.stopped ? "stop" : ending;
  }

  private reasonAfter(id: number): FinishReason | undefined {
    const { options, contextTokens } = this.request;
    if (this.stopTokens.has(id)) return "stop";
    if (this.completionTokens >= options.maxTokens) return "length";
    return this.tokens.length >= contextTokens ? "context" : undefined;
  }

  /** Tells the reader that the answer is over. Text that was held back is lost with an abort. */
  end(reason: FinishReason): void {
    const { promptTokens, completionTokens, cachedTokens = 0 } = this;
    this.answer.end({ reason, promptTokens, completionTokens, cachedTokens });
  }
}
