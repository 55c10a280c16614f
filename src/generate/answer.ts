// The answer to one request while it grows: tokens for whoever reads them, and how it ended.

/** A token of an answer. */
export interface GeneratedToken {
  readonly id: number;
  /** Text that is certain since the token before; may be empty. */
  readonly text: string;
  /** Natural log of the model's probability of the token. */
  readonly logprob: number;
  /** The likeliest tokens there, when they were asked for. */
  readonly top?: [id: number, logprob: number][];
}

/** Why an answer ended: a stop token or text; as many tokens as were asked for; the reader left; the context is full. */
export type FinishReason = "stop" | "length" | "abort" | "context";

/** How an answer ended. */
export interface Finished {
  readonly reason: FinishReason;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Tokens of the prompt that were in the cache. */
  readonly cachedTokens: number;
}

/** What a request gets: its tokens as they come, and how it ended. Leaving the loop early aborts the request. */
export interface Answer extends AsyncIterable<GeneratedToken> {
  /** Rejects with what the iteration throws. */
  readonly finished: Promise<Finished>;
}

/** The engine's end of an {@link Answer}. Tokens wait here until they are read. */
export class GrowingAnswer implements Answer {
  readonly finished: Promise<Finished>;
  private readonly tokens: GeneratedToken[] = [];
  private readonly settle: PromiseWithResolvers<Finished>;
  private ended = false;
  private failure: unknown;
  private wake: (() => void) | undefined;

  /** @param leave called when the reader does not want any more. */
  constructor(private readonly leave: () => void) {
    this.settle = Promise.withResolvers<Finished>();
    this.finished = this.settle.promise;
    // Whoever only iterates hears of a failure there.
    this.finished.catch(() => undefined);
  }

  get isOver(): boolean {
    return this.ended;
  }

  push(token: GeneratedToken): void {
    if (this.ended) return;
    this.tokens.push(token);
    this.stir();
  }

  end(finished: Finished): void {
    if (this.ended) return;
    this.ended = true;
    this.settle.resolve(finished);
    this.stir();
  }

  fail(error: unknown): void {
    if (this.ended) return;
    this.ended = true;
    this.failure = error;
    this.settle.reject(error);
    this.stir();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<GeneratedToken> {
    try {
      while (true) {
        const token = this.tokens.shift();
        if (token) {
          yield token;
          continue;
        }
        if (this.failure !== undefined) throw this.failure;
        if (this.ended) return;
        await new Promise<void>((wake) => {
          this.wake = wake;
        });
      }
    } finally {
      if (!this.ended) this.leave();
    }
  }

  private stir(): void {
    this.wake?.();
    this.wake = undefined;
  }
}
