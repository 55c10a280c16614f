// Answers in OpenAI's shapes, whole and in chunks, with vLLM's token ids where they are asked for.

import type { Tokenizer } from "../data/tokenizer/tokenizer.ts";
import type { CompletionRequest } from "./completion-request.ts";
import type { AnswerEnd, AnswerToken } from "./served-base.ts";

/** A finished answer. */
export interface FinishedAnswer {
  readonly tokens: readonly AnswerToken[];
  readonly end: AnswerEnd;
}

type Json = Record<string, unknown>;

/** Writes the answers of one request. */
export class CompletionShape {
  private readonly head: Json;
  private readonly ids: boolean;
  /** Characters of each choice so far, for the offsets of text logprobs. */
  private readonly offsets = new Map<number, number>();

  /** @param model the name that answers: the base's or an adapter's.
   *  @param tokenizer undefined: ids are sent in any case, because there is nothing else. */
  constructor(
    private readonly request: CompletionRequest,
    model: string,
    private readonly tokenizer: Tokenizer | undefined,
  ) {
    const { kind, stream, normalized } = request;
    const object = kind === "text" ? "text_completion" : stream ? "chat.completion.chunk" : "chat.completion";
    this.head = {
      id: `${kind === "chat" ? "chatcmpl" : "cmpl"}-${crypto.randomUUID().replaceAll("-", "")}`,
      object,
      created: Math.floor(Date.now() / 1000),
      model,
      system_fingerprint: null,
      ...(normalized !== undefined && { normalized }),
    };
    this.ids = request.returnTokenIds || tokenizer === undefined;
  }

  /** The answer to a request without stream. */
  whole(answers: readonly FinishedAnswer[]): Json {
    const { kind, prompts, n } = this.request;
    const choices = answers.map(({ tokens, end }, index) => {
      const text = tokens.map((token) => token.text).join("");
      return {
        index,
        ...(kind === "chat" ? { message: { role: "assistant", content: text, refusal: null } } : { text }),
        logprobs: this.logprobs(index, tokens),
        ...finish(end),
        ...(this.ids && { token_ids: tokens.map(({ id }) => id) }),
        ...(this.ids && kind === "text" && { prompt_token_ids: prompts[Math.floor(index / n)] }),
      };
    });
    return {
      ...this.head,
      choices,
      usage: this.usage(answers.map(({ end }) => end)),
      ...(this.ids && kind === "chat" && { prompt_token_ids: prompts[0] }),
    };
  }

  /** The chunks that come before any token. */
  opening(): Json[] {
    const { kind, prompts, n } = this.request;
    if (kind === "text") return [];
    return Array.from({ length: prompts.length * n }, (_, index) => ({
      ...this.chunk([
        { index, delta: { role: "assistant", content: "" }, logprobs: null, finish_reason: null },
      ]),
      ...(this.ids && index === 0 && { prompt_token_ids: prompts[0] }),
    }));
  }

  /** A token as it comes. */
  token(index: number, token: AnswerToken, first: boolean): Json {
    const { kind, prompts, n } = this.request;
    return this.chunk([
      {
        index,
        ...(kind === "chat" ? { delta: { content: token.text } } : { text: token.text }),
        logprobs: this.logprobs(index, [token]),
        finish_reason: null,
        ...(this.ids && { token_ids: [token.id] }),
        ...(this.ids && kind === "text" && first && { prompt_token_ids: prompts[Math.floor(index / n)] }),
      },
    ]);
  }

  /** The end of one choice. */
  ending(index: number, end: AnswerEnd): Json {
    const empty = this.request.kind === "chat" ? { delta: {} } : { text: "" };
    return this.chunk([{ index, ...empty, logprobs: null, ...finish(end) }]);
  }

  /** The last chunk, when usage was asked for. */
  closing(ends: readonly AnswerEnd[]): Json {
    return { ...this.head, choices: [], usage: this.usage(ends) };
  }

  private chunk(choices: Json[]): Json {
    return { ...this.head, choices, ...(this.request.includeUsage && { usage: null }) };
  }

  private usage(ends: readonly AnswerEnd[]): Json {
    const { prompts, n } = this.request;
    const prompt = prompts.reduce((sum, ids) => sum + ids.length, 0);
    const completion = ends.reduce((sum, { completionTokens }) => sum + completionTokens, 0);
    // Further answers to a prompt share it; only the first one's cache counts.
    const cached = ends.reduce((sum, { cachedTokens }, i) => sum + (i % n === 0 ? cachedTokens : 0), 0);
    return {
      prompt_tokens: prompt,
      completion_tokens: completion,
      total_tokens: prompt + completion,
      prompt_tokens_details: { cached_tokens: cached },
    };
  }

  private logprobs(index: number, tokens: readonly AnswerToken[]): Json | null {
    const { logprobs, kind } = this.request;
    if (logprobs === undefined) return null;
    if (kind === "text") return this.textLogprobs(index, tokens);
    const entry = (id: number, logprob: number) => {
      const token = this.spell(id);
      // Part of a character has no text of its own.
      const bytes = token.includes("\ufffd") ? null : [...new TextEncoder().encode(token)];
      return { token, logprob: finite(logprob), bytes };
    };
    return {
      content: tokens.map(({ id, logprob, top = [] }) => ({
        ...entry(id, logprob),
        top_logprobs: top.slice(0, logprobs).map(([other, value]) => entry(other, value)),
      })),
      refusal: null,
    };
  }

  private textLogprobs(index: number, tokens: readonly AnswerToken[]): Json {
    let at = this.offsets.get(index) ?? 0;
    const offsets = tokens.map(({ text }) => {
      const start = at;
      at += text.length;
      return start;
    });
    this.offsets.set(index, at);
    const most = this.request.logprobs!;
    return {
      tokens: tokens.map(({ id }) => this.spell(id)),
      token_logprobs: tokens.map(({ logprob }) => finite(logprob)),
      top_logprobs: tokens.map(({ id, logprob, top = [] }) =>
        // The chosen token is always among them, as in vLLM and OpenAI's own service.
        Object.fromEntries(
          [...top.slice(0, most), [id, logprob] as const].map(([other, value]) => [
            this.spell(other),
            finite(value),
          ]),
        ),
      ),
      text_offset: offsets,
    };
  }

  /** A token's own text; without a tokenizer in vLLM's notation for ids. */
  private spell(id: number): string {
    return this.tokenizer?.decode([id]) ?? `token_id:${id}`;
  }
}

/** JSON has no infinity; vLLM writes this floor too. */
function finite(logprob: number): number {
  return Math.max(logprob, -9999);
}

function finish({ reason }: AnswerEnd): Json {
  return {
    finish_reason: reason === "stop" ? "stop" : "length",
    // vLLM's field; here it tells a full context from a spent max_tokens.
    stop_reason: reason === "context" ? "context" : null,
  };
}
