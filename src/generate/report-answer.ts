// One answer as a program or a person reads it: read to its end, timed, and put into words.

import type { Answer, Finished, GeneratedToken } from "./answer.ts";

/** An answer that is over. */
export interface TimedAnswer extends Finished {
  readonly tokens: readonly GeneratedToken[];
  readonly text: string;
  /** Milliseconds to the first token, and from there to the last. */
  readonly firstMs: number;
  readonly restMs: number;
}

/** Reads an answer to its end; `onText` hears of text as it comes. */
export async function readAnswer(answer: Answer, onText: (text: string) => void): Promise<TimedAnswer> {
  const start = performance.now();
  let first = start;
  const tokens: GeneratedToken[] = [];
  for await (const token of answer) {
    if (tokens.length === 0) first = performance.now();
    tokens.push(token);
    if (token.text !== "") onText(token.text);
  }
  const text = tokens.map((token) => token.text).join("");
  const end = performance.now();
  return { ...(await answer.finished), tokens, text, firstMs: first - start, restMs: end - first };
}

/** Prompt and answer tokens a second; undefined where there is nothing to measure. */
function speeds(answer: TimedAnswer): { prefill: number | undefined; decode: number | undefined } {
  const rate = (tokens: number, ms: number) =>
    tokens > 0 && ms > 0 ? Math.round((tokens / ms) * 1e5) / 100 : undefined;
  return {
    prefill: rate(answer.promptTokens - answer.cachedTokens, answer.firstMs),
    decode: rate(answer.completionTokens - 1, answer.restMs),
  };
}

/** The answer as one line of JSON; usage is worded as by OpenAI. */
export function answerJson(answer: TimedAnswer, about: Readonly<Record<string, unknown>>): string {
  const { tokens, text, reason, promptTokens, completionTokens, cachedTokens } = answer;
  const { prefill, decode } = speeds(answer);
  return JSON.stringify({
    text,
    ids: tokens.map(({ id }) => id),
    logprobs: tokens.map(({ id, logprob, top }) => ({ id, logprob, ...(top && { top }) })),
    finish_reason: reason,
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
      prompt_tokens_details: { cached_tokens: cachedTokens },
    },
    speeds: {
      prefill_tokens_per_s: prefill ?? null,
      decode_tokens_per_s: decode ?? null,
      first_token_ms: Math.round(answer.firstMs * 100) / 100,
    },
    ...about,
  });
}

/** How it ended and how fast it was, in one line. */
export function answerNote(answer: TimedAnswer, contextTokens: number): string {
  const { prefill, decode } = speeds(answer);
  const ends = {
    stop: "the answer ended by itself",
    length: "stopped at --max-tokens",
    context: `stopped: the context of ${contextTokens} tokens is full`,
    abort: "interrupted",
  };
  const parts = [
    `${answer.promptTokens} + ${answer.completionTokens} tokens`,
    ...(answer.cachedTokens > 0 ? [`${answer.cachedTokens} from the cache`] : []),
    ...(prefill === undefined ? [] : [`prompt ${prefill} tokens/s`]),
    ...(decode === undefined ? [] : [`answer ${decode} tokens/s`]),
    ends[answer.reason],
  ];
  return parts.join(", ");
}
