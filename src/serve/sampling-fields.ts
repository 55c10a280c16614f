// The fields that chat and text completions share: how many answers, how long, how sampled, what is sent back.

import { ApiError } from "./api-error.ts";
import type { RequestFields } from "./request-fields.ts";
import type { AnswerOptions } from "./served-base.ts";

/** Answers to one prompt. */
const MOST_CHOICES = 64;
const MOST_STOPS = 16;
/** vLLM's and OpenAI's bound. */
const MOST_TOP_LOGPROBS = 20;

/** What both kinds of completion say about their answers. */
export interface SharedFields {
  readonly n: number;
  readonly stream: boolean;
  /** A last chunk with the usage; undefined: none. */
  readonly includeUsage: boolean;
  readonly returnTokenIds: boolean;
  readonly maxTokens: number | undefined;
  readonly seed: number | undefined;
  /** Everything else that sampling needs. */
  readonly sampling: Omit<AnswerOptions, "maxTokens" | "seed" | "logprobs">;
}

/** Fields that change nothing here and are in many requests. */
const harmless = [
  "user",
  "store",
  "metadata",
  "service_tier",
  "safety_identifier",
  "prompt_cache_key",
  "prompt_cache_retention",
  "request_id",
  "cache_prompt",
  "id_slot",
] as const;

/** Fields that would change the answer and are refused unless they ask for what is done anyway. */
const unsupported: Readonly<Record<string, readonly unknown[]>> = {
  presence_penalty: [0],
  frequency_penalty: [0],
  logit_bias: [{}],
  best_of: [1],
  echo: [false],
  suffix: [""],
  tools: [[]],
  functions: [[]],
  tool_choice: ["none", "auto"],
  function_call: ["none", "auto"],
  parallel_tool_calls: [true, false],
  response_format: [{ type: "text" }],
  modalities: [["text"]],
  reasoning_effort: ["none"],
  verbosity: ["medium"],
  use_beam_search: [false],
  length_penalty: [1],
  min_tokens: [0],
  skip_special_tokens: [true],
  spaces_between_special_tokens: [true],
  include_stop_str_in_output: [false],
  prompt_logprobs: [0],
  add_generation_prompt: [true],
  continue_final_message: [false],
};

/** Reads the shared fields.
 *  @throws ApiError 400 naming a field that is wrong or cannot be honoured. */
export function readShared(fields: RequestFields): SharedFields {
  for (const name of harmless) fields.any(name);
  for (const [name, neutral] of Object.entries(unsupported)) {
    const value = fields.any(name);
    if (value === undefined) continue;
    const text = JSON.stringify(value);
    if (!neutral.some((one) => JSON.stringify(one) === text))
      throw fields.error(
        name,
        "expected no such request, which sekft cannot meet; leave it out",
        "unsupported",
      );
  }
  const stream = fields.boolean("stream") ?? false;
  const streamOptions = fields.object("stream_options");
  if (streamOptions && !stream)
    throw fields.error("stream_options", "expected only together with stream: true");
  const includeUsage = streamOptions?.boolean("include_usage") ?? false;
  streamOptions?.any("include_obfuscation");
  streamOptions?.any("continuous_usage_stats");
  streamOptions?.refuseRest();
  const maxTokens = fields.integer("max_tokens", { min: 1 });
  const maxCompletion = fields.integer("max_completion_tokens", { min: 1 });
  if (maxTokens !== undefined && maxCompletion !== undefined && maxTokens !== maxCompletion)
    throw fields.error("max_tokens", "expected either max_tokens or max_completion_tokens, got both");
  return {
    n: fields.integer("n", { min: 1, max: MOST_CHOICES }) ?? 1,
    stream,
    includeUsage,
    returnTokenIds: fields.boolean("return_token_ids") ?? false,
    maxTokens: maxCompletion ?? maxTokens,
    seed: fields.integer("seed"),
    sampling: {
      temperature: fields.number("temperature", { min: 0, max: 100 }) ?? 1,
      // 0 and -1 are how vLLM and llama.cpp write "all".
      topK: positive(fields.integer("top_k", { min: -1 })),
      topP: fields.number("top_p", { min: Number.MIN_VALUE, max: 1 }),
      minP: fields.number("min_p", { min: 0, max: 1 }),
      repetitionPenalty: repetitionPenalty(fields),
      stop: fields.strings("stop", MOST_STOPS),
      stopTokenIds: ids(fields, "stop_token_ids"),
      ignoreEos: fields.boolean("ignore_eos"),
    },
  };
}

/** The adapter that llama.cpp's `lora: [{id, scale}]` picks: its id, null for none, undefined without the field. */
export function readLora(fields: RequestFields): number | null | undefined {
  const list = fields.array("lora");
  return list === undefined ? undefined : pickLora(list, "lora");
}

/** The one adapter of a list of `{id, scale}` whose scale is 1; null when all are 0.
 *  @throws ApiError 400 for anything that one adapter at its own strength cannot express. */
export function pickLora(list: readonly unknown[], param: string): number | null {
  const wrong = (complaint: string) => new ApiError(400, `${param}: ${complaint}`, { param });
  let picked: number | null = null;
  for (const [i, item] of list.entries()) {
    const { id, scale } = (item ?? {}) as { id?: unknown; scale?: unknown };
    if (!Number.isInteger(id) || typeof scale !== "number")
      throw wrong(`[${i}]: expected {"id": whole number, "scale": number}`);
    if (scale !== 0 && scale !== 1)
      throw wrong(`[${i}].scale: expected 0 or 1, got ${scale}; an adapter is served at its own strength`);
    if (scale === 0) continue;
    if (picked !== null && picked !== id)
      throw wrong(`expected one adapter with scale 1, got ${picked} and ${id}`);
    picked = id as number;
  }
  return picked;
}

/** How many most likely tokens each token is to be shown with; undefined: no logprobs. */
export function readTopLogprobs(fields: RequestFields, name: string): number | undefined {
  return fields.integer(name, { min: 0, max: MOST_TOP_LOGPROBS });
}

function positive(value: number | undefined): number | undefined {
  return value === undefined || value < 1 ? undefined : value;
}

function repetitionPenalty(fields: RequestFields): number | undefined {
  // llama.cpp's name for the same.
  const value =
    fields.number("repetition_penalty", { min: 0, max: 100 }) ??
    fields.number("repeat_penalty", { min: 0, max: 100 });
  if (value === 0) throw fields.error("repetition_penalty", "expected more than 0, got 0");
  return value;
}

function ids(fields: RequestFields, name: string): number[] | undefined {
  const list = fields.array(name);
  if (list === undefined) return undefined;
  const wrong = list.findIndex((id) => !Number.isInteger(id) || (id as number) < 0);
  if (wrong >= 0) throw fields.error(`${name}[${wrong}]`, "expected a token id");
  return list as number[];
}
