// A tokenizer and its chat template together: what "the base's own format" means everywhere.

import { type NormalizedTurn, normalizeForTemplate, type Turn } from "../normalize.ts";
import type { Encoding, Tokenizer } from "../tokenizer/tokenizer.ts";
import type { ChatTemplate } from "./chat-template.ts";

/** How a base wants conversations written. */
export interface ChatFormat {
  readonly tokenizer: Tokenizer;
  readonly template: ChatTemplate;
  /** What closes an assistant turn, and its id; undefined when the template closes it with no token of its own. */
  readonly endOfTurn: { readonly text: string; readonly id: number } | undefined;
  /** `eos_token` of the tokenizer files, for messages. */
  readonly eosToken: string | undefined;
  readonly bosToken: string | undefined;
  /** Reads the tokenizer files, by name, so that an adapter directory can carry them. */
  readonly files: () => ReadonlyMap<string, string>;
}

/** Ids that a server computes for a conversation that is to be continued by the assistant: the same normalisation,
 *  template and tokenizer as training.
 *  @throws RefusedError when the turns or the template refuse. */
export function promptIds(turns: readonly Turn[], format: ChatFormat): Int32Array {
  const text = format.template.render(normalizeForTemplate(turns), true);
  return format.tokenizer.encode(text).ids;
}

/** Finds what the template writes behind an assistant's content: the longest added token there, never bos.
 *  eos_token is not asked: Llama 3's files name another token than the template writes. */
export function findEndOfTurn(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  special: { readonly bosToken: string | undefined; readonly eosToken: string | undefined },
): ChatFormat["endOfTurn"] {
  let after: string;
  try {
    const probe = [
      { role: "user", content: "x" },
      { role: "assistant", content: "y" },
    ];
    after = template.renderWithSpans(probe).spans[0]?.after ?? "";
  } catch {
    // A template that refuses the plainest conversation: its rows are refused one by one, with its own words.
    const id = special.eosToken === undefined ? undefined : tokenizer.idOf(special.eosToken);
    return id === undefined ? undefined : { text: special.eosToken!, id };
  }
  const candidates = tokenizer.addedTokens
    .filter(({ content }) => content !== "" && after.startsWith(content))
    .filter(({ content }) => content !== special.bosToken || content === special.eosToken)
    .sort((a, b) => b.content.length - a.content.length);
  const best = candidates[0];
  return best === undefined ? undefined : { text: best.content, id: best.id };
}

/** Tokens of the prompt for the turns before `turn`, compared with a finished conversation's own.
 *  Only what follows the last added token that both texts share is tokenised again. */
export function comparePrompt(
  format: ChatFormat,
  normalized: readonly NormalizedTurn[],
  turn: number,
  full: { readonly text: string; readonly encoding: Encoding },
  first: number,
): { readonly promptTokens: number; readonly isPrefix: boolean } {
  const prompt = format.template.render(normalized.slice(0, turn), true);
  const shared = sharedLength(prompt, full.text);
  const { boundaries, ids } = full.encoding;
  let low = 0;
  let high = boundaries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (boundaries[middle]!.unit <= shared) low = middle + 1;
    else high = middle;
  }
  let index = low - 1;
  while (index >= 0 && !format.tokenizer.isStable(boundaries[index]!.unit, shared)) index--;
  const from = index < 0 ? { unit: 0, token: 0 } : boundaries[index]!;
  const tail = format.tokenizer.encode(prompt, from.unit).ids;
  const promptTokens = from.token + tail.length;
  const isPrefix = promptTokens === first && tail.every((id, k) => id === ids[from.token + k]);
  return { promptTokens, isPrefix };
}

function sharedLength(a: string, b: string): number {
  if (b.startsWith(a)) return a.length;
  // Halving on startsWith compares at native speed.
  let low = 0;
  let high = Math.min(a.length, b.length);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (b.startsWith(a.slice(0, middle))) low = middle;
    else high = middle - 1;
  }
  return low;
}
