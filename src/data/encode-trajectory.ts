// From turns to ids and labels: the one function behind train, inspect, eval and serve.

import { DataError, type Place } from "../base/errors.ts";
import { type ChatFormat, comparePrompt } from "./chat/chat-format.ts";
import { type NormalizedTurn, normalizeForTemplate, type Turn, type TurnPart } from "./normalize.ts";
import { type RefusalCode, RefusedError, refuse } from "./refused.ts";
import type { Encoding } from "./tokenizer/tokenizer.ts";
import { tokenHolding, turnWeights } from "./turn-spans.ts";

/** Label of a position that is not trained (PyTorch's ignore_index). */
export const MASKED = -100;

/** Label of a position that is trained towards whatever the base itself says there. */
export const BASE_LABEL = -101;

/** How rows are turned into ids. */
export interface EncodeOptions {
  /** Longest sequence in tokens. */
  readonly maxLength: number;
  /** What happens to longer ones. */
  readonly overlong: "drop" | "truncate-left" | "error";
  /** Refuse a row when the ids before a trained turn are not the prompt that a server would compute. */
  readonly strictPrefix: boolean;
  /** Whether a turn may contain the spelling of a special token. */
  readonly specialInContent: "keep" | "refuse";
  /** Turns whose weight is 0 get {@link BASE_LABEL} with this weight; 0, when not given: they are context alone. */
  readonly keepBase?: number;
}

/** One assistant turn of an encoded trajectory. Token indices are those before any truncation. */
export interface EncodedTurn {
  /** Index among the normalised turns. */
  readonly turn: number;
  /** Start of the content, its end, end of the end-of-turn token: UTF-16 code units of the text. */
  readonly units: readonly [start: number, end: number, stop: number];
  /** First trained token, and one past the last. */
  readonly tokens: readonly [first: number, past: number];
  /** Template text inside the first trained token. */
  readonly outsideBefore: string;
  /** Tokens of the prompt that a server computes for this turn, and whether the ids before it are exactly these. */
  readonly promptTokens: number;
  readonly promptIsPrefix: boolean;
  /** At least one of its tokens has a label. */
  readonly trained: boolean;
}

/** A trajectory ready for training. T tokens. */
export interface Encoded {
  readonly id: string;
  readonly place: Place;
  /** [T] */
  readonly inputIds: Int32Array;
  /** [T]; {@link MASKED} where not trained, {@link BASE_LABEL} where the base is kept, else the id itself. */
  readonly labels: Int32Array;
  /** [T] factor on each label's loss; absent when all are 1. */
  readonly weights?: Float32Array;
  readonly turns: readonly EncodedTurn[];
  /** Turns whose text holds the spelling of a special token. */
  readonly specialTurns: number;
  /** Tokens cut off on the left. */
  readonly truncated: number;
  /** Labels come from the template's `{% generation %}` markers, and these differ from the content spans. */
  readonly markersDiffer: boolean;
  readonly text: string;
  /** Spans of the tokens before any truncation. */
  readonly encoding: Encoding;
  readonly normalized: readonly NormalizedTurn[];
}

/** A trajectory that is not trained on, and why. */
export interface Refused {
  readonly id: string;
  readonly place: Place;
  readonly refused: RefusalCode;
  readonly reason: string;
}

/** Renders, tokenises and masks one conversation. Labels are on the content of assistant turns and their end-of-turn
 *  token, nothing else.
 *  @throws DataError when it is too long and `overlong` is `error`. */
export function encodeTrajectory(
  row: { readonly id: string; readonly place: Place; readonly turns: readonly Turn[] },
  format: ChatFormat,
  options: EncodeOptions,
): Encoded | Refused {
  try {
    return encode(row, format, options);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return { id: row.id, place: row.place, refused: error.code, reason: error.reason };
  }
}

function encode(
  row: Parameters<typeof encodeTrajectory>[0],
  format: ChatFormat,
  options: EncodeOptions,
): Encoded {
  const normalized = normalizeForTemplate(row.turns);
  if (!normalized.some((turn) => turn.role === "assistant")) refuse("no_assistant_turn", "no assistant turn");
  const specialTurns = countSpecial(normalized, format, options);
  const { text, spans } = format.template.renderWithSpans(normalized);
  const encoding = format.tokenizer.encode(text);
  const count = encoding.ids.length;
  // Below zero: kept as the base has it, with that weight.
  const trained = new Float32Array(count);
  const { keepBase = 0 } = options;
  const weightOf = ({ weight, context }: TurnPart) => (context && keepBase > 0 ? -keepBase : weight);
  const turns: EncodedTurn[] = [];
  for (const span of spans) {
    const closing = format.endOfTurn?.text;
    if (closing === undefined || !span.after.startsWith(closing))
      refuse(
        "no_end_of_turn",
        `turn ${span.turn}: the template does not close the assistant turn with ${closing ?? format.eosToken ?? "an end-of-turn token"}`,
      );
    const stop = span.end + closing.length;
    const first = tokenHolding(encoding, span.start);
    const past = tokenHolding(encoding, stop - 1) + 1;
    const weights = turnWeights(encoding, span, first, past, normalized[span.turn]!, weightOf);
    trained.set(weights, first);
    const { promptTokens, isPrefix } = comparePrompt(
      format,
      normalized,
      span.turn,
      { text, encoding },
      first,
    );
    turns.push({
      turn: span.turn,
      units: [span.start, span.end, stop],
      tokens: [first, past],
      outsideBefore: text.slice(Math.min(encoding.starts[first]!, span.start), span.start),
      promptTokens,
      promptIsPrefix: isPrefix,
      trained: weights.some((weight) => weight > 0),
    });
  }
  const markersDiffer = applyMarkers(format, normalized, text, encoding, turns, trained);
  const strict = turns.find((turn) => turn.trained && !turn.promptIsPrefix);
  if (options.strictPrefix && strict !== undefined)
    refuse(
      "prompt_not_prefix",
      `turn ${strict.turn}: the ids before it are not the prompt that a server would compute`,
    );
  if (!trained.some((weight) => weight > 0))
    refuse("all_masked", "no token is trained: every assistant turn has weight 0");
  const truncated = fit(row.place, turns, count, options);
  if (truncated > 0) maskCutTurn(turns, trained, truncated);
  const inputIds = encoding.ids.subarray(truncated);
  const labels = new Int32Array(inputIds.length).fill(MASKED);
  let weighted = false;
  for (let k = 0; k < labels.length; k++) {
    const weight = trained[k + truncated]!;
    if (weight !== 0) labels[k] = weight > 0 ? inputIds[k]! : BASE_LABEL;
    if (weight !== 0 && weight !== 1) weighted = true;
  }
  return {
    id: row.id,
    place: row.place,
    inputIds,
    labels,
    ...(weighted ? { weights: trained.slice(truncated).map(Math.abs) } : {}),
    turns,
    specialTurns,
    truncated,
    markersDiffer,
    text,
    encoding,
    normalized,
  };
}

function countSpecial(
  normalized: readonly NormalizedTurn[],
  format: ChatFormat,
  options: EncodeOptions,
): number {
  let found = 0;
  for (const [i, turn] of normalized.entries()) {
    const spelling = format.tokenizer.findSpecial(turn.content);
    if (spelling === undefined) continue;
    found++;
    if (options.specialInContent === "refuse")
      refuse("special_in_content", `turn ${i}: its text holds the special token ${spelling}`);
  }
  return found;
}

/** Where the template says itself what the assistant generates, its word replaces the content spans. */
function applyMarkers(
  format: ChatFormat,
  normalized: readonly NormalizedTurn[],
  text: string,
  encoding: Encoding,
  turns: readonly EncodedTurn[],
  trained: Float32Array,
): boolean {
  const marked = format.template.generationSpans(normalized, text);
  if (marked === undefined || marked.length === 0) return false;
  const weights = new Float32Array(trained.length);
  for (const { start, end } of marked) {
    const first = tokenHolding(encoding, start);
    const past = tokenHolding(encoding, end - 1) + 1;
    // A marker belongs to the turn that it overlaps, so that a turn's weight still holds.
    const turn = turns.find((candidate) => candidate.units[0] < end && candidate.units[2] > start);
    for (let k = first; k < past; k++) {
      const inside = turn !== undefined && k >= turn.tokens[0] && k < turn.tokens[1];
      weights[k] = inside ? trained[k]! : turn === undefined || turn.trained ? 1 : 0;
    }
  }
  const differ = weights.some((weight, k) => weight > 0 !== trained[k]! > 0);
  trained.set(weights);
  return differ;
}

/** Tokens to cut on the left; refuses what may not be cut. */
function fit(place: Place, turns: readonly EncodedTurn[], count: number, options: EncodeOptions): number {
  if (count <= options.maxLength) return 0;
  const last = turns.at(-1)!;
  const measure = `turn ${last.turn}: ${count} tokens, limit ${options.maxLength}`;
  if (options.overlong === "error")
    throw new DataError(place, `expected at most ${options.maxLength} tokens, got ${count}`, {
      hint: "raise --max-length, or choose --overlong drop or truncate-left",
    });
  const cut = count - options.maxLength;
  if (options.overlong === "truncate-left" && last.tokens[0] >= cut) return cut;
  return refuse(
    options.overlong === "drop" && last.tokens[1] <= options.maxLength ? "overlong" : "truncated_last_turn",
    measure,
  );
}

/** A turn that lost its beginning is context: half a command is no example. */
function maskCutTurn(turns: readonly EncodedTurn[], trained: Float32Array, cut: number): void {
  for (const { tokens } of turns) if (tokens[0] < cut) trained.fill(0, tokens[0], tokens[1]);
}
