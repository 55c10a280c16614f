// A base without weights: answers that are known beforehand, as slowly as a test wants, and a record of what was asked.

import { GpuError } from "../../src/base/errors.ts";
import type {
  Answer,
  AnswerEnd,
  AnswerRequest,
  AnswerToken,
  ServedBase,
  ServedEngine,
} from "../../src/serve/served-base.ts";

/** An engine that counts up from the prompt's last id. */
class FakeEngine implements ServedEngine {
  readonly asked: AnswerRequest[] = [];
  readonly loaded = new Map<string, string>();
  running = 0;
  made = 0;
  /** Milliseconds a token. */
  pace = 0;
  /** Thrown by every answer from now on. */
  broken: GpuError | undefined;
  /** Called while an adapter is read. */
  onLoad: () => void = () => undefined;

  constructor(private readonly vocab: number) {}

  async loadAdapter(name: string, directory: string): Promise<void> {
    this.onLoad();
    this.loaded.set(name, directory);
  }

  async unloadAdapter(name: string): Promise<void> {
    while (this.asked.some((one) => one.adapter === name) && this.running > 0) await Bun.sleep(1);
    this.loaded.delete(name);
  }

  generate(request: AnswerRequest): Answer {
    this.asked.push(request);
    const end = Promise.withResolvers<AnswerEnd>();
    end.promise.catch(() => undefined);
    const tokens = this.tokens(request, end);
    return Object.assign(tokens, { finished: end.promise });
  }

  stats() {
    return { running: this.running, waiting: 0, cacheUsed: 0, cacheTotal: 1, tokensGenerated: this.made };
  }

  private async *tokens(
    request: AnswerRequest,
    end: PromiseWithResolvers<AnswerEnd>,
  ): AsyncGenerator<AnswerToken> {
    const { promptIds, options, signal } = request;
    this.running++;
    try {
      let id = promptIds.at(-1)!;
      let made = 0;
      while (made < options.maxTokens && !signal?.aborted) {
        await Bun.sleep(this.pace);
        if (this.broken) {
          end.reject(this.broken);
          throw this.broken;
        }
        id = (id + 1) % this.vocab;
        made++;
        this.made++;
        const top = Array.from({ length: options.logprobs ?? 0 }, (_, k) => [id + k, -1 - k] as const);
        yield { id, text: `<${id}>`, logprob: -1, top };
      }
      const reason = signal?.aborted ? "abort" : "length";
      end.resolve({ reason, promptTokens: promptIds.length, completionTokens: made, cachedTokens: 0 });
    } finally {
      this.running--;
    }
  }
}

/** A base around a {@link FakeEngine}. */
export class FakeBase implements ServedBase {
  readonly engine: FakeEngine;
  readonly device = "none";
  lost = false;
  closed = false;

  constructor(
    readonly vocab = 320,
    readonly contextTokens = 512,
  ) {
    this.engine = new FakeEngine(vocab);
  }

  memory() {
    return new Map([["weights", 1]]);
  }

  /** What the device has left. */
  left: number | undefined = undefined;

  memoryLeft(): number | undefined {
    return this.left;
  }

  async isLost(): Promise<boolean> {
    return this.lost;
  }

  async train(): Promise<void> {
    throw new GpuError("train: expected a device, got none");
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  /** Takes the device away in the middle of whatever runs. */
  lose(): void {
    this.lost = true;
    this.engine.broken = new GpuError("device: lost while running (pulled)");
  }
}
