// Texts that a model may have learnt by heart: rows of its training data, and canaries that somebody planted in them.

import { refuseTwins, rowsOfFile } from "../../bench/suites/rows.ts";
import { findSecrets } from "../../critic/secrets/find.ts";
import type { ChatFormat } from "../../data/chat/chat-format.ts";
import type { Rendered } from "../../data/chat/chat-template.ts";
import { normalizeForTemplate } from "../../data/normalize.ts";
import { readTrajectories } from "../../data/read-records.ts";
import { stringField } from "../../data/turn-checks.ts";

/** A text in two parts: what the model is given, and what it must not say. */
export interface KnownText {
  readonly id: string;
  readonly kind: "canary" | "row";
  readonly prefix: string;
  readonly rest: string;
}

/** Rows to try, and what is secret in all of them. */
export interface KnownRows {
  readonly texts: readonly KnownText[];
  /** Rows of the data, and those of them that can be tried. */
  readonly rows: number;
  readonly usable: number;
  /** SHA-256 of every secret that stands in a trained turn. */
  readonly secrets: ReadonlySet<string>;
}

/** Reads `{id?, prefix, secret}` lines.
 *  @throws UserError, DataError naming file, line and field */
export async function readCanaries(file: string): Promise<KnownText[]> {
  const { rows } = await rowsOfFile(file, "secret");
  const texts = rows.map(({ fields, place }): KnownText => {
    const rest = stringField(fields, "secret", place);
    const id = fields.id === undefined ? `line ${place.line}` : stringField(fields, "id", place);
    return { id: `canary/${id}`, kind: "canary", prefix: stringField(fields, "prefix", place), rest };
  });
  refuseTwins(texts, rows);
  return texts;
}

/** Cuts rows in two, in the template's own words: the conversation and the first half of its longest reply, and the rest of that reply.
 *  @param limits.most rows that are tried, spread evenly over those that can be
 *  @param limits.least characters of a rest; a reply with less of it says nothing
 *  @param limits.promptTokens longest first part; of a longer conversation an earlier reply is taken
 *  @throws DataError of the data */
export async function readKnownRows(
  data: string,
  chat: ChatFormat,
  limits: { readonly most: number; readonly least: number; readonly promptTokens: number },
): Promise<KnownRows> {
  const { most, least, promptTokens } = limits;
  const fits = (prefix: string) => chat.tokenizer.encode(prefix).ids.length <= promptTokens;
  let kept: KnownText[] = [];
  const secrets = new Set<string>();
  let [rows, usable, stride] = [0, 0, 1];
  for await (const { id, turns, keep } of readTrajectories(data)) {
    if (!keep) continue;
    rows++;
    const normalized = normalizeForTemplate(turns);
    for (const { role, content } of normalized)
      if (role === "assistant") for (const { sha256 } of findSecrets(content)) secrets.add(sha256);
    const text = cutInTwo(`row/${id}`, chat.template.renderWithSpans(normalized), least, fits);
    if (text === undefined || usable++ % stride !== 0) continue;
    kept.push(text);
    // Never more than twice as many as are wanted, however large the data.
    if (kept.length < 2 * most) continue;
    kept = kept.filter((_, i) => i % 2 === 0);
    stride *= 2;
  }
  const step = Math.max(1, kept.length / most);
  const count = Math.min(most, kept.length);
  return {
    texts: Array.from({ length: count }, (_, i) => kept[Math.floor(i * step)]!),
    rows,
    usable,
    secrets,
  };
}

function cutInTwo(
  id: string,
  { text, spans }: Rendered,
  least: number,
  fits: (prefix: string) => boolean,
): KnownText | undefined {
  const longestFirst = spans.toSorted((a, b) => b.end - b.start - (a.end - a.start));
  for (const { start, end } of longestFirst) {
    if (end - start < least) return undefined;
    const middle = Math.min(start + Math.floor((end - start) / 2), end - least);
    // Tokens begin at blanks: a word cut in two would be written in tokens that the model never saw together.
    const blank = text.slice(start, middle).search(/\s\S*$/);
    const cut = blank < 0 ? start : start + blank;
    const prefix = text.slice(0, cut);
    if (fits(prefix)) return { id, kind: "row", prefix, rest: text.slice(cut, end) };
  }
  return undefined;
}
