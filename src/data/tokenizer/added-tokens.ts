// Added tokens: text that is one token wherever it stands. Cuts a text around them, leftmost and longest first.

import type { AddedTokenJson } from "./tokenizer-json.ts";

/** One occurrence: code units [from, to) are the token; what `lstrip`/`rstrip` swallow is included. */
export interface Match {
  readonly from: number;
  readonly to: number;
  readonly token: AddedTokenJson;
}

/** Finds added tokens in text. */
export class AddedTokens {
  private readonly byFirst = new Map<string, AddedTokenJson[]>();
  private readonly firsts: RegExp | undefined;
  /** Length of the longest spelling in UTF-16 code units; 0 without tokens. */
  readonly longest: number;
  private nested: boolean | undefined;

  constructor(readonly tokens: readonly AddedTokenJson[]) {
    for (const token of tokens) {
      if (token.content === "") continue;
      const list = this.byFirst.get(token.content[0]!) ?? [];
      list.push(token);
      this.byFirst.set(token.content[0]!, list);
    }
    for (const list of this.byFirst.values()) list.sort((a, b) => b.content.length - a.content.length);
    const letters = [...this.byFirst.keys()].map(
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    this.firsts = letters.length === 0 ? undefined : new RegExp(`[${letters.join("")}]`, "g");
    this.longest = tokens.reduce((most, token) => Math.max(most, token.content.length), 0);
  }

  /** True when one spelling holds another: where a token ends may then depend on what follows it. */
  get overlapping(): boolean {
    if (this.nested === undefined) {
      const all = this.tokens.map((token) => token.content);
      const joined = `\u0000${all.join("\u0000")}`;
      this.nested = all.some((content) => joined.indexOf(content, joined.indexOf(content) + 1) >= 0);
    }
    return this.nested;
  }

  /** All occurrences in order. */
  find(text: string): Match[] {
    const matches: Match[] = [];
    const firsts = this.firsts;
    if (firsts === undefined) return matches;
    firsts.lastIndex = 0;
    let done = 0;
    for (let hit = firsts.exec(text); hit !== null; hit = firsts.exec(text)) {
      const at = hit.index;
      const token = this.byFirst.get(hit[0])!.find((candidate) => text.startsWith(candidate.content, at));
      if (token === undefined) continue;
      let from = at;
      let to = at + token.content.length;
      firsts.lastIndex = to;
      if (token.single_word === true && !standsAlone(text, from, to)) continue;
      if (token.lstrip === true) while (from > done && isSpace(text[from - 1]!)) from--;
      if (token.rstrip === true) while (to < text.length && isSpace(text[to]!)) to++;
      firsts.lastIndex = to;
      done = to;
      matches.push({ from, to, token });
    }
    return matches;
  }
}

function standsAlone(text: string, from: number, to: number): boolean {
  const word = /[\p{L}\p{M}\p{N}\p{Pc}]/u;
  const before = from > 0 && word.test(text[from - 1]!);
  const after = to < text.length && word.test(text[to]!);
  return !before && !after;
}

function isSpace(c: string): boolean {
  return /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/.test(c);
}
