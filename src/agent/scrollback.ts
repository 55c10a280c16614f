// What of a session still fits into a prompt: the first screen always, then as many of the newest commands as there is room for.

import type { Turn } from "../data/normalize.ts";
import type { Model } from "./contract.ts";

/** Tokens of a history by `model`, or an estimate on the safe side: three bytes a token, a few tokens a turn. */
export async function countTokens(model: Model, turns: readonly Turn[]): Promise<number> {
  if (model.countTokens) return model.countTokens(turns);
  return turns.reduce((sum, { content }) => sum + Math.ceil(Buffer.byteLength(content) / 3) + 4, 0);
}

/** Turns in stretches that begin with a prompt, each a command with its prompt and its output; the last is the prompt that waits. */
export interface Session {
  /** System and login. */
  readonly head: readonly Turn[];
  readonly exchanges: readonly (readonly Turn[])[];
}

/** The newest exchanges that fit into `budget` tokens with the head; the newest one, which waits for a command, is always there.
 *  @returns undefined when even that does not fit. */
export async function fitScrollback(
  model: Model,
  { head, exchanges }: Session,
  budget: number,
): Promise<Turn[] | undefined> {
  const from = (first: number) => [...head, ...exchanges.slice(first).flat()];
  const fits = async (first: number) => (await countTokens(model, from(first))) <= budget;
  if (await fits(0)) return from(0);
  let left = 0;
  let right = exchanges.length - 1;
  if (right < 0 || !(await fits(right))) return undefined;
  // `left` is too long, `right` fits.
  while (right - left > 1) {
    const middle = (left + right) >> 1;
    if (await fits(middle)) right = middle;
    else left = middle;
  }
  return from(right);
}

/** An output that alone would take more than `most` tokens, cut in its middle so that it does not; the cut is visible. */
export async function cutOutput(model: Model, output: string, most: number): Promise<string> {
  const size = (text: string) => countTokens(model, [{ role: "user", content: text }]);
  // No tokenizer makes more tokens than bytes, the turn's own aside.
  if (Buffer.byteLength(output) + 16 <= most || (await size(output)) <= most) return output;
  const characters = [...output];
  let low = 0;
  let high = characters.length;
  const cut = (kept: number) => {
    const head = characters.slice(0, Math.ceil(kept / 2)).join("");
    const tail = characters.slice(characters.length - Math.floor(kept / 2)).join("");
    const left = characters.length - kept;
    return `${head}${head.endsWith("\n") || head === "" ? "" : "\n"}[... ${left} characters left out ...]\n${tail}`;
  };
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((await size(cut(middle))) <= most) low = middle;
    else high = middle;
  }
  return cut(low);
}
