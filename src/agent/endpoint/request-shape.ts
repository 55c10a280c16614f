// What a chat request looks like, and how it gets plainer for servers that refuse a part of it.

import { messageIn } from "./completion.ts";

/** One message of a request. */
export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** How an answer is sampled; what is `undefined` is left to the server. */
export interface ChatSettings {
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly seed?: number | undefined;
  readonly maxTokens?: number | undefined;
}

/** JSON that an answer must be, as a JSON schema with a name. */
export interface AnswerSchema {
  readonly name: string;
  readonly schema: Readonly<Record<string, unknown>>;
}

const FORMATS = ["json_schema", "json_object", "plain"] as const;
type Format = (typeof FORMATS)[number];

/** What a server was found not to take; learnt once, kept for the process. */
export class RequestShape {
  private format: Format = "json_schema";
  private tokensField: "max_tokens" | "max_completion_tokens" = "max_tokens";
  private readonly dropped = new Set<string>();

  /** What is left out of or changed in requests, for the manifest. */
  get adaptations(): readonly string[] {
    return [
      ...(this.format === "json_schema" ? [] : [`response_format: ${this.format}`]),
      ...(this.tokensField === "max_tokens" ? [] : ["max_completion_tokens"]),
      ...[...this.dropped].map((name) => `no ${name}`),
    ];
  }

  /** The request as this server takes it. */
  body(
    model: string,
    messages: readonly ChatMessage[],
    settings: ChatSettings,
    schema: AnswerSchema | undefined,
  ): Record<string, unknown> {
    const sampling: Record<string, unknown> = {
      temperature: settings.temperature,
      top_p: settings.topP,
      seed: settings.seed,
    };
    const body: Record<string, unknown> = { model, messages, stream: false };
    for (const [name, value] of Object.entries(sampling))
      if (value !== undefined && !this.dropped.has(name)) body[name] = value;
    if (settings.maxTokens !== undefined) body[this.tokensField] = settings.maxTokens;
    if (schema && this.format === "json_schema")
      body.response_format = {
        type: "json_schema",
        json_schema: { name: schema.name, strict: true, schema: schema.schema },
      };
    if (schema && this.format === "json_object") body.response_format = { type: "json_object" };
    return body;
  }

  /** Makes `sent` plainer after the server refused it with `answer`; false when there is nothing in it to blame. */
  adapt(sent: Readonly<Record<string, unknown>>, status: number, answer: string): boolean {
    const words = messageIn(answer) ?? answer.slice(0, 1000);
    const named = (name: string) => words.includes(name) || answer.includes(`"${name}"`);
    if (status >= 500 && !/response_format|json_schema|json_object|grammar/i.test(words)) return false;
    if (sent.max_tokens !== undefined && words.includes("max_completion_tokens")) {
      this.tokensField = "max_completion_tokens";
      return true;
    }
    if (/support|unrecognized|unknown|unexpected|extra|permitted|allowed|invalid/i.test(words))
      for (const name of ["temperature", "top_p", "seed"])
        if (sent[name] !== undefined && !this.dropped.has(name) && named(name)) {
          this.dropped.add(name);
          return true;
        }
    // Many servers refuse a response format without saying so clearly; one step plainer is worth a try.
    if (sent.response_format === undefined || /context|too long|tokens/i.test(words)) return false;
    this.format = FORMATS[FORMATS.indexOf(formatOf(sent)) + 1]!;
    return true;
  }
}

function formatOf(sent: Readonly<Record<string, unknown>>): Format {
  const { type } = sent.response_format as { type: Format };
  return type;
}
