// Runs the answers of one request: admission, time limit, a client that hangs up, and what became of each.

import { ApiError } from "./api-error.ts";
import type { CompletionRequest } from "./completion-request.ts";
import type { HotBase } from "./hot-base.ts";
import type { Metrics } from "./metrics.ts";
import type { AnswerEnd, AnswerToken } from "./served-base.ts";

/** Limits on what is asked at once. */
export interface AnswerLimits {
  /** Answers that are computed at once, and answers that may wait. */
  readonly maxSequences: number;
  readonly maxQueue: number;
  readonly timeoutMs: number;
}

/** Called as the answers of a request grow; `choice` counts through all prompts. */
export interface AnswerListener {
  onToken(choice: number, token: AnswerToken): void;
  onEnd(choice: number, end: AnswerEnd): void;
}

/** Lets answers through to the engine, so many at a time. */
export class Answers {
  private inFlight = 0;
  private closed = false;
  private readonly ends = new Set<() => void>();

  constructor(
    private readonly hot: HotBase,
    private readonly metrics: Metrics,
    private readonly limits: AnswerLimits,
  ) {}

  /** Takes places in the queue; give them back by calling what is returned.
   *  @throws ApiError 429 when there are not enough. */
  admit(choices: number): () => void {
    const { maxSequences, maxQueue } = this.limits;
    const most = maxSequences + maxQueue;
    if (choices > most)
      throw new ApiError(400, `n: expected at most ${most} answers in one request, got ${choices}`, {
        param: "n",
      });
    if (this.inFlight + choices > most)
      throw new ApiError(
        429,
        `the queue is full: ${this.inFlight} of ${most} answers are asked for already`,
        {
          code: "queue_full",
          retryAfter: 1,
        },
      );
    this.inFlight += choices;
    let held = true;
    return () => {
      if (held) this.inFlight -= choices;
      held = false;
    };
  }

  /** Ends every answer. */
  close(): void {
    this.closed = true;
    for (const end of this.ends) end();
  }

  /** Computes every answer of a request. Resolves when all are done, also when `hangUp` ended them.
   *  @throws ApiError when the time is up or the device failed; the others of the request are ended too. */
  async run(
    request: CompletionRequest,
    adapter: string | undefined,
    hangUp: AbortSignal,
    listener: AnswerListener,
  ): Promise<void> {
    const { engine } = this.hot.current;
    const stop = new AbortController();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      stop.abort();
    }, this.limits.timeoutMs);
    const end = () => stop.abort();
    this.ends.add(end);
    const signal = AbortSignal.any([hangUp, stop.signal]);
    const one = async (promptIds: readonly number[], prompt: number, choice: number) => {
      const given = request.options[prompt]!;
      const options = {
        ...given,
        seed: given.seed === undefined ? undefined : given.seed + (choice % request.n),
      };
      const answer = engine.generate({ promptIds, adapter, options, signal });
      for await (const token of answer) if (!signal.aborted) listener.onToken(choice, token);
      const finished = await answer.finished;
      this.metrics.countAnswer(finished);
      if (!signal.aborted) listener.onEnd(choice, finished);
    };
    const all = request.prompts.flatMap((ids, prompt) =>
      Array.from({ length: request.n }, (_, i) => one(ids, prompt, prompt * request.n + i)),
    );
    try {
      await Promise.all(all);
    } catch (error) {
      stop.abort();
      await Promise.allSettled(all);
      throw await this.hot.explain(error);
    } finally {
      clearTimeout(timer);
      this.ends.delete(end);
    }
    if (this.closed && !hangUp.aborted)
      throw new ApiError(503, "the server is stopping", { code: "stopping" });
    if (late && !hangUp.aborted)
      throw new ApiError(504, `expected an answer within ${this.limits.timeoutMs / 1000} s, got none`, {
        code: "timeout",
      });
  }
}
