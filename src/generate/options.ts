// How an answer is to be made: the options of a request, checked once.

import { show, UserError } from "../base/errors.ts";

/** Options of one answer. Names and meanings are those of transformers' GenerationConfig and of the OpenAI and vLLM servers. */
export interface GenerateOptions {
  /** Most tokens of the answer. */
  readonly maxTokens: number;
  /** Divides the logits before sampling; 0 (the default) takes the likeliest token. */
  readonly temperature?: number | undefined;
  /** Samples from this many likeliest tokens only; 0: all. */
  readonly topK?: number | undefined;
  /** Samples from the fewest likeliest tokens that together have this probability. Holtzman et al. 2020. */
  readonly topP?: number | undefined;
  /** Leaves out tokens below this share of the likeliest one's probability. Nguyen et al. 2024. */
  readonly minP?: number | undefined;
  /** Divides positive logits, and multiplies negative ones, of tokens that are in prompt or answer. Keskar et al. 2019. */
  readonly repetitionPenalty?: number | undefined;
  /** The same seed gives the same answer; without one, every answer has its own. */
  readonly seed?: number | undefined;
  /** Texts that end the answer; they are not part of it. */
  readonly stop?: readonly string[] | undefined;
  /** Tokens that end the answer besides the model's own end tokens. */
  readonly stopTokenIds?: readonly number[] | undefined;
  /** Go on past the model's own end tokens. */
  readonly ignoreEos?: boolean | undefined;
  /** How many of the likeliest tokens to report beside each token. */
  readonly logprobs?: number | undefined;
}

/** Most alternatives that are reported. */
const mostLogprobs = 100;

/** @throws UserError naming the option that cannot be. */
export function checkGenerateOptions(options: GenerateOptions, vocab: number): void {
  const { maxTokens, temperature, topK, topP, minP, repetitionPenalty, seed, stop, stopTokenIds, logprobs } =
    options;
  need("maxTokens", maxTokens, "a whole number of at least 1", Number.isInteger(maxTokens) && maxTokens >= 1);
  optional("temperature", temperature, "a number from 0 to 100", (v) => v >= 0 && v <= 100);
  optional("topK", topK, "a whole number of at least 0", (v) => Number.isInteger(v) && v >= 0);
  optional("topP", topP, "a number above 0, at most 1", (v) => v > 0 && v <= 1);
  optional("minP", minP, "a number from 0 to 1", (v) => v >= 0 && v <= 1);
  optional("repetitionPenalty", repetitionPenalty, "a number above 0", (v) => v > 0 && v <= 1e4);
  optional("seed", seed, "a whole number", (v) => Number.isSafeInteger(v));
  optional(
    "logprobs",
    logprobs,
    `a whole number from 0 to ${mostLogprobs}`,
    (v) => Number.isInteger(v) && v >= 0 && v <= mostLogprobs,
  );
  for (const text of stop ?? []) need("stop", text, "texts that are not empty", text !== "");
  for (const id of stopTokenIds ?? [])
    need("stopTokenIds", id, `ids from 0 to ${vocab - 1}`, Number.isInteger(id) && id >= 0 && id < vocab);
}

function optional(
  name: string,
  value: number | undefined,
  expected: string,
  holds: (value: number) => boolean,
): void {
  if (value !== undefined) need(name, value, expected, holds(value));
}

function need(name: string, value: unknown, expected: string, holds: boolean): void {
  if (!holds) throw new UserError(`generate: ${name}: expected ${expected}, got ${show(value)}`);
}
