// A request for completions of either kind, as it is after every check: prompts are ids, limits are kept.

import { show } from "../base/errors.ts";
import type { Role, Turn } from "../data/normalize.ts";
import { type Fields, isFields, kindOf } from "../data/turn-checks.ts";
import { ApiError } from "./api-error.ts";
import type { RequestFields } from "./request-fields.ts";
import { readLora, readShared, readTopLogprobs, type SharedFields } from "./sampling-fields.ts";
import type { AnswerOptions } from "./served-base.ts";
import { conversationIds, type TextFormat } from "./text-format.ts";

/** Prompts of one request. */
const MOST_PROMPTS = 256;
/** OpenAI's default for text completions. */
const TEXT_TOKENS = 16;

/** What a server makes of its base. */
export interface ServingLimits {
  readonly format: TextFormat;
  readonly normalize: boolean;
  readonly vocab: number;
  readonly contextTokens: number;
}

/** A checked request. */
export interface CompletionRequest {
  readonly kind: "chat" | "text";
  /** As the client wrote it; undefined: the base. */
  readonly model: string | undefined;
  /** llama.cpp's choice by id; see {@link readLora}. */
  readonly lora: number | null | undefined;
  readonly prompts: readonly (readonly number[])[];
  readonly n: number;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly returnTokenIds: boolean;
  /** Most likely tokens to show; undefined: no logprobs at all. */
  readonly logprobs: number | undefined;
  /** Whether messages went through training's normalisation; undefined for text. */
  readonly normalized: boolean | undefined;
  /** Of each prompt. */
  readonly options: readonly AnswerOptions[];
}

/** Reads a chat request.
 *  @throws ApiError 400; RefusedError when the messages or the template refuse. */
export function readChatRequest(fields: RequestFields, limits: ServingLimits): CompletionRequest {
  const { chat } = limits.format;
  const model = fields.string("model");
  const messages = fields.array("messages");
  if (messages === undefined || messages.length === 0)
    throw fields.error("messages", "expected at least one message, got none");
  const normalized = fields.boolean("normalize") ?? limits.normalize;
  const shared = readShared(fields);
  const wanted = fields.boolean("logprobs") ?? false;
  const top = readTopLogprobs(fields, "top_logprobs");
  if (top !== undefined && !wanted)
    throw fields.error("top_logprobs", "expected only together with logprobs: true");
  const lora = readLora(fields);
  fields.refuseRest(["messages", "temperature", "max_tokens"]);
  const turns = messages.map(readMessage);
  if (chat === undefined)
    throw new ApiError(
      400,
      limits.format.tokenizer === undefined
        ? "messages: expected a base with tokenizer files, got one without; /v1/completions takes token ids"
        : "messages: expected a base with a chat template, got one without; /v1/completions takes text",
      { param: "messages", code: "no_chat_template" },
    );
  const ids = [...conversationIds(turns, chat, normalized)];
  return {
    kind: "chat",
    model,
    lora,
    normalized,
    prompts: [ids],
    logprobs: wanted ? (top ?? 0) : undefined,
    ...shared,
    options: [answerOptions(ids, 0, shared, limits, wanted ? (top ?? 0) : undefined, undefined)],
  };
}

/** Reads a text completion request.
 *  @throws ApiError 400. */
export function readTextRequest(fields: RequestFields, limits: ServingLimits): CompletionRequest {
  const model = fields.string("model");
  const prompt = fields.any("prompt");
  if (prompt === undefined) throw fields.error("prompt", "expected text or token ids, got nothing");
  const addSpecial = fields.boolean("add_special_tokens") ?? true;
  const shared = readShared(fields);
  const logprobs = readTopLogprobs(fields, "logprobs");
  const lora = readLora(fields);
  fields.refuseRest(["prompt", "temperature", "max_tokens"]);
  const prompts = promptList(prompt).map((one, i) =>
    readPrompt(one, Array.isArray(prompt) && one !== prompt ? `prompt[${i}]` : "prompt", limits, addSpecial),
  );
  return {
    kind: "text",
    model,
    lora,
    normalized: undefined,
    prompts,
    logprobs,
    ...shared,
    options: prompts.map((ids, i) => answerOptions(ids, i * shared.n, shared, limits, logprobs, TEXT_TOKENS)),
  };
}

/** A prompt is a string or ids, or a list of either. */
function promptList(prompt: unknown): readonly unknown[] {
  if (!Array.isArray(prompt) || prompt.length === 0 || typeof prompt[0] === "number") return [prompt];
  if (prompt.length > MOST_PROMPTS)
    throw new ApiError(400, `prompt: expected at most ${MOST_PROMPTS} prompts, got ${prompt.length}`, {
      param: "prompt",
    });
  return prompt;
}

function readPrompt(
  prompt: unknown,
  place: string,
  limits: ServingLimits,
  addSpecial: boolean,
): readonly number[] {
  const wrong = (complaint: string, code = "invalid_value") =>
    new ApiError(400, `${place}: ${complaint}`, { param: "prompt", code });
  const { tokenizer, textPrefix } = limits.format;
  if (typeof prompt === "string") {
    if (!prompt.isWellFormed()) throw wrong("expected Unicode text, got a lone surrogate");
    if (tokenizer === undefined)
      throw wrong("expected token ids, because this base has no tokenizer files", "no_tokenizer");
    const { ids } = tokenizer.encode(prompt);
    const doubled = textPrefix.length > 0 && textPrefix.every((id, k) => ids[k] === id);
    const all = addSpecial && !doubled ? [...textPrefix, ...ids] : [...ids];
    if (all.length === 0) throw wrong("expected at least one token, got none");
    return all;
  }
  if (!Array.isArray(prompt))
    throw wrong(`expected text or token ids, got ${kindOf(prompt)}`, "invalid_type");
  if (prompt.length === 0) throw wrong("expected at least one token id, got none");
  const bad = prompt.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= limits.vocab);
  if (bad >= 0)
    throw wrong(`[${bad}]: expected a token id from 0 to ${limits.vocab - 1}, got ${show(prompt[bad])}`);
  return prompt as number[];
}

/** Where the answer may stop; the prompt and the wish for tokens must fit the context together. */
function answerOptions(
  ids: readonly number[],
  firstChoice: number,
  shared: SharedFields,
  limits: ServingLimits,
  logprobs: number | undefined,
  fallback: number | undefined,
): AnswerOptions {
  const { contextTokens, format, vocab } = limits;
  const room = contextTokens - ids.length;
  const { maxTokens = Math.min(fallback ?? room, room), sampling } = shared;
  if (room < 1 || maxTokens > room) {
    const asked = shared.maxTokens === undefined ? "" : ` and ${shared.maxTokens} of answer`;
    throw new ApiError(
      400,
      `prompt: expected at most ${contextTokens} tokens with the answer, which is the context, got ${ids.length}${asked}`,
      { param: fallback === undefined ? "messages" : "prompt", code: "context_length_exceeded" },
    );
  }
  if (sampling.stop && format.tokenizer === undefined)
    throw new ApiError(
      400,
      "stop: expected a base with tokenizer files, got one without; use stop_token_ids",
      {
        param: "stop",
        code: "no_tokenizer",
      },
    );
  const outside = sampling.stopTokenIds?.find((id) => id >= vocab);
  if (outside !== undefined)
    throw new ApiError(400, `stop_token_ids: expected ids below ${vocab}, got ${outside}`, {
      param: "stop_token_ids",
    });
  return {
    ...sampling,
    maxTokens,
    logprobs,
    seed: shared.seed === undefined ? undefined : shared.seed + firstChoice,
  };
}

/** OpenAI's newer name of system. */
const roles: Readonly<Record<string, Role>> = {
  system: "system",
  developer: "system",
  user: "user",
  assistant: "assistant",
};

function readMessage(value: unknown, index: number): Turn {
  const place = `messages[${index}]`;
  const wrong = (complaint: string, field = "") =>
    new ApiError(400, `${place}${field}: ${complaint}`, { param: `${place}${field}`, code: "invalid_value" });
  if (!isFields(value)) throw wrong(`expected an object, got ${kindOf(value)}`);
  if (typeof value.role !== "string" || !Object.hasOwn(roles, value.role))
    throw wrong(`expected system, developer, user or assistant, got ${show(value.role)}`, ".role");
  for (const name of ["tool_calls", "function_call", "audio"])
    if ((value[name] ?? undefined) !== undefined) throw wrong("sekft has no tools and no sound", `.${name}`);
  const content = contentText(value, wrong);
  if (!content.isWellFormed()) throw wrong("expected Unicode text, got a lone surrogate", ".content");
  return { role: roles[value.role]!, content };
}

/** A string, or text parts, which are joined by line breaks as vLLM does. */
function contentText({ content }: Fields, wrong: (complaint: string, field: string) => ApiError): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) throw wrong(`expected text, got ${kindOf(content ?? null)}`, ".content");
  const parts = content.map((part, i) => {
    if (isFields(part) && part.type === "text" && typeof part.text === "string") return part.text;
    throw wrong('expected {"type": "text", "text": ...}; nothing but text is understood', `.content[${i}]`);
  });
  return parts.join("\n");
}
