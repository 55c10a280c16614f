// From tokens to text as they come: whole characters only, nothing of a stop text, and the same text in the end as if all tokens
// had been decoded at once.

import type { Tokenizer } from "../data/tokenizer/tokenizer.ts";

/** What stands for bytes that are no character (yet). */
const replacement = "\ufffd";

/** The text of one answer. */
export class TextStream {
  private readonly special: ReadonlySet<number>;
  private ids: number[] = [];
  /** Tokens [from, settled) were told already; they stay as context, since a token's spelling may depend on its neighbours. */
  private settled = 0;
  /** Complete text that may yet become a stop text. */
  private held = "";

  /** @param tokenizer without one, all text is empty. */
  constructor(
    private readonly tokenizer: Tokenizer | undefined,
    private readonly stops: readonly string[],
  ) {
    this.special = new Set(
      tokenizer?.addedTokens.filter(({ special }) => special === true).map(({ id }) => id) ?? [],
    );
  }

  /** Takes a token; tells the text that is certain now, and whether a stop text ended the answer. */
  push(id: number): { text: string; stopped: boolean } {
    if (!this.tokenizer || this.special.has(id)) return { text: "", stopped: false };
    this.ids.push(id);
    const fresh = this.decoded();
    // A character may span tokens: its first bytes wait for the others.
    if (fresh.endsWith(replacement)) return { text: "", stopped: false };
    this.settle();
    return this.release(fresh);
  }

  /** The rest of the text, whatever it is; the answer ends here. */
  finish(): { text: string; stopped: boolean } {
    const { text, stopped } = this.release(this.decoded());
    const rest = stopped ? "" : this.held;
    this.ids = [];
    this.settled = 0;
    this.held = "";
    return { text: text + rest, stopped };
  }

  private decoded(): string {
    if (!this.tokenizer || this.ids.length === 0) return "";
    const told = this.tokenizer.decode(this.ids.slice(0, this.settled));
    return this.tokenizer.decode(this.ids).slice(told.length);
  }

  private settle(): void {
    this.ids = this.ids.slice(this.settled);
    this.settled = this.ids.length;
  }

  private release(fresh: string): { text: string; stopped: boolean } {
    const text = this.held + fresh;
    let end = -1;
    for (const stop of this.stops) {
      const at = text.indexOf(stop);
      if (at >= 0 && (end < 0 || at < end)) end = at;
    }
    if (end >= 0) {
      this.held = "";
      return { text: text.slice(0, end), stopped: true };
    }
    const keep = this.pending(text);
    this.held = text.slice(text.length - keep);
    return { text: text.slice(0, text.length - keep), stopped: false };
  }

  /** Length of the longest end of `text` with which a stop text begins. */
  private pending(text: string): number {
    let longest = 0;
    for (const stop of this.stops)
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--)
        if (text.endsWith(stop.slice(0, length))) longest = length;
    return longest;
  }
}
