// Models for tests: a list of replies, and the scenario's own reference solution.

import type { Model, Reply } from "../../src/agent/contract.ts";
import { InfrastructureError } from "../../src/base/errors.ts";

/** A reply of a script: a text, or what is done in its place, such as throwing. */
export type ScriptedReply = string | (() => string | Reply | Promise<string | Reply>);

/** Gives its replies one after the other, by the number of the assistant's turns asked for so far.
 *  @throws InfrastructureError `api_error` when it has none left. */
export function scriptedModel(replies: readonly ScriptedReply[], name = "scripted"): Model {
  let next = 0;
  return {
    name,
    async generate() {
      const reply = replies[next++];
      if (reply === undefined)
        throw new InfrastructureError(
          "api_error",
          `${name}: expected at most ${replies.length} turns, got more`,
          {
            retryable: false,
          },
        );
      const given = typeof reply === "string" ? reply : await reply();
      if (typeof given !== "string") return given;
      return { content: given, finish: "stop", promptTokens: undefined, completionTokens: undefined };
    },
  };
}

/** Replays the reference solution of a scenario. */
export function referenceModel(scenario: { readonly referenceSolution: readonly string[] }): Model {
  return scriptedModel(scenario.referenceSolution, "reference");
}
