// What a row counts for shares.

import { loadChatFormat } from "../data/chat/load-chat-format.ts";
import { normalizeForTemplate, type Turn } from "../data/normalize.ts";
import { RefusedError } from "../data/refused.ts";
import type { Unit } from "./spec.ts";

/** Units of a row, or why `sekft train` would not take it. */
export type Weigh = (turns: readonly Turn[]) => number | string;

/** Counts rows as one, characters as they are written, or tokens as the base's template and tokenizer make them: as many as
 *  `sekft train` trains on.
 *  @throws UserError or DataError where the base's tokenizer files cannot be read */
export function weighBy(unit: Unit, base: string | undefined, chatTemplate: string | undefined): Weigh {
  if (unit === "rows") return withAssistant(() => 1);
  if (unit === "characters")
    return withAssistant((turns) => turns.reduce((sum, { content }) => sum + content.length, 0));
  const format = loadChatFormat(base!, chatTemplate);
  return withAssistant((turns) => {
    try {
      return format.tokenizer.encode(format.template.render(normalizeForTemplate(turns), false)).ids.length;
    } catch (error) {
      if (error instanceof RefusedError) return error.code;
      throw error;
    }
  });
}

function withAssistant(weigh: Weigh): Weigh {
  return (turns) => {
    if (!turns.some(({ role }) => role === "assistant")) return "no_assistant_turn";
    return weigh(turns);
  };
}
