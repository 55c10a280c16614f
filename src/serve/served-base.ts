// The parts of an engine and of a loaded base that the server needs; tests put others in their place.

import type { Terminal } from "../base/command.ts";
import type { TrainOptions } from "../train/options.ts";
import type { RunHost } from "../train/run-host.ts";

/** How one answer is made. */
export interface AnswerOptions {
  readonly maxTokens: number;
  /** 0: the most likely token each time. */
  readonly temperature: number;
  readonly topK?: number | undefined;
  readonly topP?: number | undefined;
  readonly minP?: number | undefined;
  readonly repetitionPenalty?: number | undefined;
  readonly seed?: number | undefined;
  readonly stop?: readonly string[] | undefined;
  readonly stopTokenIds?: readonly number[] | undefined;
  readonly ignoreEos?: boolean | undefined;
  /** How many of the most likely tokens to name beside each chosen one. */
  readonly logprobs?: number | undefined;
}

/** One token of an answer. */
export interface AnswerToken {
  readonly id: number;
  /** Text that is complete with this token; may be empty. */
  readonly text: string;
  readonly logprob: number;
  readonly top?: readonly (readonly [id: number, logprob: number])[] | undefined;
}

/** How an answer ended: `context` when there was no room for more. */
export interface AnswerEnd {
  readonly reason: "stop" | "length" | "abort" | "context";
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Prompt tokens whose keys and values were there already. */
  readonly cachedTokens: number;
}

/** An answer while it is made. */
export type Answer = AsyncIterable<AnswerToken> & { readonly finished: Promise<AnswerEnd> };

/** What is to be continued, and by which adapter. */
export interface AnswerRequest {
  readonly promptIds: readonly number[];
  readonly adapter?: string | undefined;
  readonly options: AnswerOptions;
  readonly signal?: AbortSignal | undefined;
}

/** Load of an engine. */
export interface EngineStats {
  readonly running: number;
  readonly waiting: number;
  /** Of the cache of keys and values. */
  readonly cacheUsed: number;
  readonly cacheTotal: number;
  readonly tokensGenerated: number;
}

/** The part of an engine that the server needs. */
export interface ServedEngine {
  loadAdapter(name: string, directory: string): Promise<void>;
  /** Waits for the answers that use it. */
  unloadAdapter(name: string): Promise<void>;
  generate(request: AnswerRequest): Answer;
  stats(): EngineStats;
}

/** A base that is loaded. */
export interface ServedBase {
  readonly engine: ServedEngine;
  /** Ids are below this. */
  readonly vocab: number;
  /** Tokens of prompt and answer together. */
  readonly contextTokens: number;
  /** One line: adapter, driver, tier. */
  readonly device: string;
  /** Bytes on the device by class. */
  memory(): ReadonlyMap<string, number>;
  /** Bytes of device memory that are free; undefined where nobody can tell. */
  memoryLeft(): number | undefined;
  /** True when neither device nor engine will answer again. */
  isLost(): Promise<boolean>;
  /** Trains on this base while it goes on answering.
   *  @throws what `train` throws. */
  train(
    options: TrainOptions,
    terminal: Terminal,
    hooks: Pick<RunHost, "interrupted" | "onLog">,
  ): Promise<void>;
  /** Ends what runs and gives the device back. */
  close(): Promise<void>;
}
