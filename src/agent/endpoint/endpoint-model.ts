// An endpoint as the harness sees it: turns in, one reply out, through the normalisation that training applies.

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
