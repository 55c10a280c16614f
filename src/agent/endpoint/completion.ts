// What a chat completion says, or what is wrong with it.

/** One answer of an endpoint. */
export interface ChatReply {
  readonly content: string;
  /** `length`: cut by the limit on tokens. */
  readonly finish: "stop" | "length";
  readonly promptTokens: number | undefined;
  readonly completionTokens: number | undefined;
  /** The model's name as the server reports it. */
  readonly servedModel: string | undefined;
  /** It came from the cache; nothing was asked. */
  readonly cached: boolean;
}

/** Reads the body of a 200 answer; a string says what is wrong with it. */
export function readCompletion(body: string): ChatReply | string {
  if (body.trim() === "") return "an empty body";
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return /^\s*<(!doctype|html|\?xml)/i.test(body) ? "an HTML page" : "something that is not JSON";
  }
  const { choices, usage, model, error } = fields(value);
  if (error) return `an error: ${messageIn(body) ?? "without words"}`;
  if (!Array.isArray(choices)) return "a body without choices";
  if (choices.length === 0) return "no choices";
  const { message, finish_reason } = fields(choices[0]);
  const content = text(fields(message).content);
  if (content === undefined) return "a choice without content";
  const { prompt_tokens, completion_tokens } = fields(usage);
  return {
    content,
    finish: finish_reason === "length" ? "length" : "stop",
    promptTokens: count(prompt_tokens),
    completionTokens: count(completion_tokens),
    servedModel: typeof model === "string" ? model : undefined,
    cached: false,
  };
}

/** The message of an error body, in the shapes that servers use; `undefined`: none. */
export function messageIn(body: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    const words = body.trim();
    return words === "" || words.startsWith("<") ? undefined : words.slice(0, 300);
  }
  const { error, message, detail } = fields(value);
  for (const one of [fields(error).message, error, message, detail])
    if (typeof one === "string" && one !== "") return one.slice(0, 300);
  return undefined;
}

function fields(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === "object" ? (value as Record<string, unknown>) : {};
}

/** A string, or a list of text parts. */
function text(content: unknown): string | undefined {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return undefined;
  const parts = content.map((part) => fields(part).text);
  return parts.every((part) => typeof part === "string") ? parts.join("") : undefined;
}

function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : undefined;
}
