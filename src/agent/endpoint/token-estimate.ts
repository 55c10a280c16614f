// How long a prompt is for a model whose tokenizer is elsewhere: a guess from its bytes, corrected by what the server counts.

import type { NormalizedTurn } from "../../data/normalize.ts";

/** Bytes of a token, low: a prompt that is guessed too long loses an old turn, one that is guessed too short is refused. */
const BYTES_PER_TOKEN = 2.8;
/** Markers around each turn. */
const TOKENS_PER_TURN = 6;
/** Counted prompts that the correction remembers. */
const REMEMBERED = 16;

/** A guess that gets better with each prompt whose length the server reports. */
export class TokenEstimate {
  private readonly ratios: number[] = [];

  /** Tokens that the turns probably have, rather more than less. */
  guess(turns: readonly Pick<NormalizedTurn, "content">[]): number {
    // The least favourable of the recent prompts.
    const factor = this.ratios.length === 0 ? 1 : Math.max(...this.ratios);
    return Math.ceil(raw(turns) * factor);
  }

  /** The server counted `tokens` in these turns. */
  learn(turns: readonly Pick<NormalizedTurn, "content">[], tokens: number): void {
    this.ratios.push(tokens / raw(turns));
    if (this.ratios.length > REMEMBERED) this.ratios.shift();
  }
}

function raw(turns: readonly Pick<NormalizedTurn, "content">[]): number {
  const bytes = turns.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
  return bytes / BYTES_PER_TOKEN + TOKENS_PER_TURN * (turns.length + 1);
}
