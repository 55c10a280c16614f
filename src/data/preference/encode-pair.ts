// From a pair to two sequences of ids with their completions labelled: the same template, tokenizer and spans as fine-tuning.

import type { Place } from "../../base/errors.ts";
import type { ChatFormat } from "../chat/chat-format.ts";
import { encodeTrajectory, MASKED, type Refused } from "../encode-trajectory.ts";
import type { Turn } from "../normalize.ts";
import { type PairRecord, refuseEqual } from "./pair-record.ts";
import { encodePlain } from "./plain-text.ts";

/** Ids and labels of one side. T tokens. */
export interface PairSide {
  /** [T] */
  readonly inputIds: Int32Array;
  /** [T], -100 outside the completion. */
  readonly labels: Int32Array;
}

/** A pair ready for training. */
export interface EncodedPair {
  readonly place: Place;
  readonly scenarioId?: string;
  readonly chosen: PairSide;
  readonly rejected: PairSide;
  /** A side lost tokens to the limit. */
  readonly truncated: boolean;
}

/** How long pairs may be, and what else a row must be. */
export interface PairOptions {
  readonly maxLength: number;
  readonly truncationMode: "keep_start" | "keep_end";
  readonly strictPrefix: boolean;
  readonly specialInContent: "keep" | "refuse";
}

/** Renders, tokenises and masks one pair, or says why it is not trained on.
 *  @throws DataError when both sides come to the same ids. */
export function encodePair(
  record: PairRecord,
  format: ChatFormat,
  options: PairOptions,
): EncodedPair | Refused {
  const { place } = record;
  const sides =
    record.kind === "text"
      ? encodePlain(record, format)
      : [record.chosen, record.rejected].map((completion) =>
          encodeChat([...record.prompt.map(untrained), ...completion], place, format, options),
        );
  const refused = sides.find((side): side is Refused => "refused" in side);
  if (refused) return refused;
  const [chosen, rejected] = sides as [PairSide, PairSide];
  if (sameIds(chosen, rejected)) refuseEqual(place, "completion (in tokens)");
  return fitPair({ place, ...named(record), chosen, rejected }, options);
}

/** Cuts both sides to the longest length by TRL's rules: a pair whose prompt alone fills it has nothing left to prefer. */
export function fitPair(
  pair: Omit<EncodedPair, "truncated">,
  { maxLength, truncationMode }: Pick<PairOptions, "maxLength" | "truncationMode">,
): EncodedPair | Refused {
  const cut = ({ inputIds, labels }: PairSide): PairSide => {
    if (inputIds.length <= maxLength) return { inputIds, labels };
    const range = truncationMode === "keep_start" ? ([0, maxLength] as const) : ([-maxLength] as const);
    return { inputIds: inputIds.slice(...range), labels: labels.slice(...range) };
  };
  const [chosen, rejected] = [cut(pair.chosen), cut(pair.rejected)];
  const truncated = chosen.inputIds !== pair.chosen.inputIds || rejected.inputIds !== pair.rejected.inputIds;
  const refuse = (reason: string): Refused => ({
    id: idOf(pair.place),
    place: pair.place,
    refused: "overlong",
    reason,
  });
  // The first position predicts nothing.
  const trained = (side: PairSide) => side.labels.subarray(1).some((label) => label !== MASKED);
  if (!trained(chosen) || !trained(rejected)) return refuse(`the prompt alone fills ${maxLength} tokens`);
  if (truncated && sameIds(chosen, rejected)) return refuse(`the first ${maxLength} tokens are the same`);
  return { ...pair, chosen, rejected, truncated };
}

function encodeChat(
  turns: readonly Turn[],
  place: Place,
  format: ChatFormat,
  options: PairOptions,
): PairSide | Refused {
  const { strictPrefix, specialInContent } = options;
  const whole = {
    maxLength: Number.MAX_SAFE_INTEGER,
    overlong: "error",
    strictPrefix,
    specialInContent,
  } as const;
  return encodeTrajectory({ id: idOf(place), place, turns }, format, whole);
}

/** The prompt is context, whoever speaks in it. */
function untrained(turn: Turn): Turn {
  return { ...turn, weight: 0 };
}

function named({ scenarioId }: PairRecord): { scenarioId?: string } {
  return scenarioId === undefined ? {} : { scenarioId };
}

function sameIds(a: PairSide, b: PairSide): boolean {
  return a.inputIds.length === b.inputIds.length && a.inputIds.every((id, i) => id === b.inputIds[i]);
}

function idOf({ file, line, field }: Place): string {
  return `${file}${line === undefined ? (field ?? "") : `:${line}`}`;
}
