// Any OpenAI-compatible endpoint: asks, asks again when that can help, and says plainly why when it cannot.

import { InfrastructureError } from "../../base/errors.ts";
import { type EndpointAddress, endpointAddress } from "./address.ts";
import { type ChatReply, messageIn, readCompletion } from "./completion.ts";
import type { EndpointChoice } from "./endpoint-options.ts";
import { GateKeeper } from "./gate-keeper.ts";
import { backoff, pause, retryAfter } from "./pause.ts";
import { ReplyCache } from "./reply-cache.ts";
import { type AnswerSchema, type ChatMessage, type ChatSettings, RequestShape } from "./request-shape.ts";
import { type Ask, exchange } from "./transport.ts";

/** How often a request is tried, by what went wrong. */
export interface Patience {
  /** The server is busy, failing or restarting. */
  readonly busy: number;
  /** Nobody listens. */
  readonly down: number;
  /** The answer makes no sense. */
  readonly malformed: number;
  /** No answer in time. */
  readonly silent: number;
  /** First wait between two tries, milliseconds. */
  readonly baseMs: number;
  /** Longest wait that a server may ask for, milliseconds. */
  readonly longestMs: number;
}

const defaultPatience: Patience = {
  busy: 7,
  down: 4,
  malformed: 3,
  silent: 2,
  baseMs: 500,
  longestMs: 300_000,
};

/** One question. */
export interface ChatQuestion {
  readonly messages: readonly ChatMessage[];
  readonly settings?: ChatSettings;
  /** Asks for JSON; servers that cannot be asked so are asked without, so the messages must say it too. */
  readonly schema?: AnswerSchema;
  /** Same question, another answer wanted: part of the cache's key, e.g. the number of the sample. */
  readonly epoch?: string | number;
  readonly signal?: AbortSignal | undefined;
}

const TRANSIENT = new Set([408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529]);

/** An endpoint that is asked many things at once. */
export class ChatEndpoint {
  readonly address: EndpointAddress;
  /** Requests sent and tokens that the server reported, the cache's answers not counted. */
  readonly spent = { requests: 0, promptTokens: 0, completionTokens: 0, cached: 0 };
  private readonly shape = new RequestShape();
  private readonly gate: GateKeeper;
  private readonly patience: Patience;
  private readonly cache: ReplyCache | undefined;
  private readonly served = new Set<string>();
  private chosen: Promise<string> | undefined;

  /** @param options.cacheFolder answers are kept and found there; without it, nothing is cached.
   *  @throws UserError for an address that is none */
  constructor(
    readonly choice: EndpointChoice,
    options: { readonly cacheFolder?: string | undefined; readonly patience?: Partial<Patience> } = {},
  ) {
    this.address = endpointAddress(choice.url);
    this.gate = new GateKeeper(choice.concurrency);
    this.patience = { ...defaultPatience, ...options.patience };
    this.cache = options.cacheFolder === undefined ? undefined : new ReplyCache(options.cacheFolder);
  }

  /** The model that is asked: the one given, or the only one served.
   *  @throws InfrastructureError, not to be retried, when there is none or a choice of several. */
  model(signal?: AbortSignal): Promise<string> {
    if (this.choice.model !== undefined) return Promise.resolve(this.choice.model);
    this.chosen ??= this.models(signal).then((names) => {
      if (names?.length === 1) return names[0]!;
      throw this.failure(`expected --model, got none`, {
        hint: names?.length ? `it serves ${list(names)}` : "it does not say which models it serves",
        retryable: false,
      });
    });
    this.chosen.catch(() => {
      this.chosen = undefined;
    });
    return this.chosen;
  }

  /** Asks until there is an answer that makes sense.
   *  @throws InfrastructureError `api_error` or `timeout`; `retryable: false` when no later try can help (a key that is
   *  refused, an unknown model); the signal's reason when aborted. */
  async ask(question: ChatQuestion): Promise<ChatReply> {
    const model = await this.model(question.signal);
    const settings = question.settings ?? {};
    const key = ReplyCache.key({
      url: this.address.shown,
      model,
      messages: question.messages,
      settings,
      schema: question.schema ?? null,
      epoch: question.epoch ?? 0,
    });
    const known = this.cache?.get(key);
    if (known) {
      this.spent.cached++;
      return known;
    }
    const reply = await this.insist(model, question, settings);
    this.cache?.put(key, reply);
    return reply;
  }

  /** Names of the served models; `undefined` when the endpoint has no such list. */
  async models(signal?: AbortSignal): Promise<readonly string[] | undefined> {
    const data = await this.modelList(signal);
    return data?.map(({ id }) => id);
  }

  /** Posts to a route beside `/v1`, once; `undefined` for anything but JSON with status 200.
   *  @param longestMs wait at most so long, and never longer than for an answer. */
  async extra(path: string, body: unknown, signal?: AbortSignal, longestMs = 30_000): Promise<unknown> {
    const answer = await this.exchange({
      method: "POST",
      url: `${this.address.root}${path}`,
      body,
      timeoutMs: Math.min(longestMs, this.choice.timeoutMs),
      signal,
    }).catch(() => undefined);
    return answer?.status === 200 ? parse(answer.body) : undefined;
  }

  /** For manifests: address, model, what the server calls itself, what had to be left out. Never the key. */
  async describe(): Promise<Readonly<Record<string, unknown>>> {
    const model = this.choice.model ?? (await this.model().catch(() => undefined));
    const entry = (await this.modelList())?.find(({ id }) => id === model);
    const { fingerprint, parent, owned_by, max_model_len }: Record<string, unknown> = entry ?? {};
    return {
      url: this.address.shown,
      model: model ?? null,
      server_models: [...this.served].sort(),
      ...(this.shape.adaptations.length > 0 && { adaptations: this.shape.adaptations }),
      ...Object.fromEntries(
        Object.entries({ fingerprint, parent, owned_by, max_model_len }).filter(([, one]) => one != null),
      ),
    };
  }

  private async insist(model: string, question: ChatQuestion, settings: ChatSettings): Promise<ChatReply> {
    const tries = { busy: 0, down: 0, malformed: 0, silent: 0 };
    const again = async (why: keyof typeof tries, error: InfrastructureError, askedMs?: number) => {
      if (++tries[why] >= this.patience[why]) throw error;
      if (askedMs !== undefined && askedMs > this.patience.longestMs)
        throw this.failure(
          `expected to wait at most ${this.patience.longestMs / 1000} s, got asked for ${Math.ceil(askedMs / 1000)} s`,
          { cause: error },
        );
      await pause(
        askedMs === undefined
          ? backoff(tries[why] - 1, this.patience.baseMs, Math.random())
          : askedMs + 50 * Math.random(),
        question.signal,
      );
    };
    for (;;) {
      const body = this.shape.body(model, question.messages, settings, question.schema);
      const answer = await this.guarded(body, question.signal).catch(async (error) => {
        if (!(error instanceof InfrastructureError)) throw error;
        const why =
          error.kind === "timeout" ? "silent" : /no connection/.test(error.message) ? "down" : "busy";
        await again(why, error);
        return undefined;
      });
      if (answer === undefined) continue;
      if (answer.status === 200) {
        const reply = readCompletion(answer.body);
        if (typeof reply !== "string") return this.count(reply);
        await again("malformed", this.failure(`expected a chat completion, got ${reply}`));
        continue;
      }
      if ([400, 422, 500, 501].includes(answer.status) && this.shape.adapt(body, answer.status, answer.body))
        continue;
      const words = this.redacted(messageIn(answer.body) ?? "");
      if (!TRANSIENT.has(answer.status))
        throw await this.refusal(answer.status, words, model, question.signal);
      const error = this.failure(`expected an answer, got status ${answer.status}${words && `: ${words}`}`);
      await again("busy", error, retryAfter(answer.headers));
    }
  }

  /** One request inside the adaptive limit. */
  private async guarded(body: unknown, signal: AbortSignal | undefined) {
    const leave = await this.gate.enter(signal);
    try {
      this.spent.requests++;
      const answer = await this.exchange({
        method: "POST",
        url: `${this.address.base}/chat/completions`,
        body,
        timeoutMs: this.choice.timeoutMs,
        signal,
      });
      if (answer.status === 429 || answer.status === 503 || answer.status === 529)
        this.gate.refused(Math.min(retryAfter(answer.headers) ?? 0, this.patience.longestMs));
      else if (answer.status === 200) this.gate.succeeded();
      return answer;
    } catch (error) {
      if (error instanceof InfrastructureError && error.kind === "timeout") this.gate.refused(0);
      throw error;
    } finally {
      leave();
    }
  }

  private count(reply: ChatReply): ChatReply {
    this.spent.promptTokens += reply.promptTokens ?? 0;
    this.spent.completionTokens += reply.completionTokens ?? 0;
    if (reply.servedModel !== undefined) this.served.add(reply.servedModel);
    return reply;
  }

  /** Why a status that no later try changes. */
  private async refusal(status: number, words: string, model: string, signal: AbortSignal | undefined) {
    const said = words && `: ${words}`;
    const final = (message: string, hint?: string) =>
      this.failure(message, { retryable: false, ...(hint !== undefined && { hint }) });
    if (status === 401 || status === 403)
      return final(
        `expected a key that is accepted, got status ${status}${said}`,
        this.choice.key === undefined ? "give one with --key or SEKFT_KEY" : "check --key or SEKFT_KEY",
      );
    const aboutModel =
      /model/i.test(words) && /not.{0,20}(found|exist|served|loaded)|unknown|expected|invalid/i.test(words);
    if (status !== 404 && !aboutModel) return final(`expected an answer, got status ${status}${said}`);
    const names = await this.models(signal).catch(() => undefined);
    if (names !== undefined && !names.includes(model))
      return final(
        `expected a model that is served, got ${model}`,
        names.length > 0 ? `it serves ${list(names)}` : "it serves none",
      );
    if (aboutModel) return final(`expected a model that is served, got ${model}${said}`);
    return final(
      `expected /chat/completions below it, got status ${status}${said}`,
      "correct --url; it ends where /chat/completions begins",
    );
  }

  private async modelList(signal?: AbortSignal): Promise<readonly ModelEntry[] | undefined> {
    const answer = await this.exchange({
      method: "GET",
      url: `${this.address.base}/models`,
      timeoutMs: Math.min(10_000, this.choice.timeoutMs),
      signal,
    }).catch(() => {
      signal?.throwIfAborted();
      return undefined;
    });
    const value = answer?.status === 200 ? parse(answer.body) : undefined;
    const data = (value as { data?: unknown } | null | undefined)?.data;
    if (!Array.isArray(data)) return undefined;
    return data.filter((one): one is ModelEntry => typeof one?.id === "string");
  }

  private exchange(ask: Ask) {
    return exchange(this.address, this.choice.key, ask);
  }

  private failure(
    what: string,
    detail: { hint?: string; retryable?: boolean; cause?: unknown } = {},
  ): InfrastructureError {
    return new InfrastructureError("api_error", `endpoint ${this.address.shown}: ${what}`, detail);
  }

  /** Servers repeat keys in their complaints. */
  private redacted(words: string): string {
    const { key } = this.choice;
    return key ? words.replaceAll(key, "***") : words;
  }
}

type ModelEntry = Readonly<Record<string, unknown>> & { readonly id: string };

function list(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more` : names.join(", ");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
