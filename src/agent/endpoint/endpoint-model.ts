// An endpoint as the harness sees it: turns in, one reply out, through the normalisation that training applies.

import { InfrastructureError } from "../../base/errors.ts";
import { normalizeForTemplate, type Turn } from "../../data/normalize.ts";
import type { GenerateSettings, Model, Reply } from "../contract.ts";
import type { ChatEndpoint } from "./chat-endpoint.ts";
import type { ChatMessage } from "./request-shape.ts";
import { TokenEstimate } from "./token-estimate.ts";

/** The messages that stand for recorded turns: what the trainer renders (a system turn folded into the first user turn,
 *  turns of one role joined). */
export function endpointMessages(turns: readonly Turn[]): ChatMessage[] {
  return normalizeForTemplate(turns).map(({ role, content }) => ({ role, content }));
}

/** The endpoint as a model.
 *  @param options.name what records call it; otherwise the model's name
 *  @param options.epoch part of the cache's key: samples of one scenario must differ in it */
export async function endpointModel(
  endpoint: ChatEndpoint,
  options: { readonly name?: string; readonly epoch?: string | number } = {},
): Promise<Model> {
  const model = await endpoint.model();
  const estimate = new TokenEstimate();
  let tokenizes = true;
  return {
    name: options.name ?? model,
    async generate(turns: readonly Turn[], settings: GenerateSettings, signal?: AbortSignal): Promise<Reply> {
      const messages = endpointMessages(turns);
      const { temperature, topP, seed, maxTokens } = settings;
      const reply = await endpoint.ask({
        messages,
        settings: { temperature, topP: topP === 1 ? undefined : topP, seed, maxTokens },
        ...(options.epoch !== undefined && { epoch: options.epoch }),
        signal,
      });
      const { content, finish, promptTokens, completionTokens } = reply;
      if (promptTokens !== undefined && promptTokens > 0) estimate.learn(messages, promptTokens);
      return { content, finish, promptTokens, completionTokens };
    },
    async complete(text, { temperature, topP, seed, maxTokens }, signal) {
      const body = { model, prompt: text, temperature, top_p: topP, seed, max_tokens: maxTokens };
      const answer = await endpoint.extra("/v1/completions", body, signal, Number.POSITIVE_INFINITY);
      signal?.throwIfAborted();
      const [choice] =
        (answer as { choices?: { text?: unknown; finish_reason?: unknown }[] } | undefined)?.choices ?? [];
      if (typeof choice?.text !== "string")
        throw new InfrastructureError(
          "api_error",
          `endpoint ${endpoint.address.shown}: expected a completion from /v1/completions, got none`,
          {
            retryable: false,
            hint: "a server with chat alone cannot go on with a text; name the base with --base",
          },
        );
      return {
        content: choice.text,
        finish: choice.finish_reason === "length" ? "length" : "stop",
        promptTokens: undefined,
        completionTokens: undefined,
      };
    },
    async countTokens(turns) {
      const messages = endpointMessages(turns);
      if (tokenizes) {
        const answer = await endpoint.extra("/tokenize", { model, messages, add_generation_prompt: true });
        const count = (answer as { count?: unknown } | undefined)?.count;
        if (typeof count === "number" && Number.isInteger(count) && count > 0) return count;
        // One refusal is enough: the route is vLLM's, and most servers have none.
        tokenizes = false;
      }
      return estimate.guess(messages);
    },
    describe: () => endpoint.describe(),
  };
}
