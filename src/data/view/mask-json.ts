// One line a trajectory for machines: ids, offsets and mask, or why there are none.

import type { ChatFormat } from "../chat/chat-format.ts";
import { type Encoded, MASKED, type Refused } from "../encode-trajectory.ts";
import { codePoints } from "./token-pieces.ts";

/** JSON of one row. Offsets and `chars` count Unicode code points of `text`; `trained` has one digit a token. */
export function maskJson(row: Encoded | Refused, format: ChatFormat): string {
  if ("refused" in row) return JSON.stringify({ id: row.id, refused: row.refused, reason: row.reason });
  const points = codePoints(row.text);
  const point = (unit: number) => points?.[unit] ?? unit;
  const { starts, ends } = format.tokenizer.reportedSpans(row.encoding, row.text);
  const count = row.inputIds.length;
  const digits = new Uint8Array(count);
  const offsets: number[] = new Array(count * 2);
  for (let k = 0; k < count; k++) {
    digits[k] = row.labels[k] === MASKED ? 0x30 : 0x31;
    offsets[2 * k] = point(starts[k + row.truncated]!);
    offsets[2 * k + 1] = point(ends[k + row.truncated]!);
  }
  const trained = new TextDecoder().decode(digits);
  const turns = row.turns.map(
    ({ turn, units, tokens, outsideBefore, promptTokens, promptIsPrefix, trained: isTrained }) => ({
      turn,
      chars: units.map(point),
      tokens: tokens.map((token) => Math.max(0, token - row.truncated)),
      trained_text: row.text.slice(units[0], units[2]),
      outside_before: outsideBefore,
      prompt_tokens: promptTokens,
      prompt_is_prefix: promptIsPrefix,
      ...(isTrained ? {} : { trained: false }),
    }),
  );
  return JSON.stringify({
    id: row.id,
    text: row.text,
    input_ids: Array.from(row.inputIds),
    offsets,
    trained,
    trained_count: digits.reduce((sum, digit) => sum + digit - 0x30, 0),
    turns,
    ...(row.truncated > 0 ? { truncated: row.truncated } : {}),
    ...(row.weights === undefined ? {} : { weights: Array.from(row.weights) }),
    ...(format.template.hasGenerationMarkers
      ? { generation_markers: row.markersDiffer ? "differ" : "same" }
      : {}),
  });
}
