// Ready-made token lists: `train --tokenized FILE` and `inspect forward --ids FILE`. Every number is checked.

import { readFileSync } from "node:fs";
import { DataError, fileProblem, show, UserError } from "../base/errors.ts";
import type { Sequence } from "./dataset.ts";
import { BASE_LABEL, MASKED } from "./encode-trajectory.ts";
import { parseJson } from "./parse-json.ts";
import { arrayField, complain, type Fields, isFields, kindOf } from "./turn-checks.ts";

/** What a list of ids must fit. */
export interface TokenizedOptions {
  readonly file: string;
  /** Ids are 0 to one less than this. */
  readonly vocabularySize: number;
  /** Labels may be left out: then every position is its own label. */
  readonly labelsRequired: boolean;
  /** Weight of labels of {@link BASE_LABEL}; without one there may be none. */
  readonly keepBase?: number;
}

/** Reads `[{"input_ids": [...], "labels": [...]}, ...]`. Labels are ids, -100 or -101, not yet shifted.
 *  @throws DataError naming file, row and field. */
export function readTokenized(options: TokenizedOptions): Sequence[] {
  const { file } = options;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new UserError(`${file}: expected a JSON list of token ids, got ${fileProblem(cause)}`, { cause });
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new DataError({ file }, "not valid UTF-8", { cause });
  }
  const rows = parseJson(text, { file }, "file");
  if (!Array.isArray(rows)) throw new DataError({ file }, `expected an array, found ${kindOf(rows)}`);
  if (rows.length === 0) throw new DataError({ file }, "no records");
  return rows.map((row, i) => readRow(row, i, options));
}

function readRow(row: unknown, index: number, options: TokenizedOptions): Sequence {
  const place = { file: options.file, field: `[${index}]` };
  if (!isFields(row)) throw new DataError(place, `expected an object, found ${kindOf(row)}`);
  const { vocabularySize, keepBase = 0 } = options;
  const inputIds = readIds(row, "input_ids", place, vocabularySize, []);
  if (inputIds.length === 0) complain(place, "input_ids", "expected at least one id, found none");
  const given = row.labels !== undefined;
  if (!given && options.labelsRequired) complain(place, "labels", "missing");
  const labels = given
    ? readIds(row, "labels", place, vocabularySize, keepBase > 0 ? [MASKED, BASE_LABEL] : [MASKED])
    : inputIds.slice();
  if (labels.length !== inputIds.length)
    complain(place, "labels", `expected ${inputIds.length} labels, one for each id, found ${labels.length}`);
  // The first position predicts nothing: labels are shifted by one inside the loss.
  if (given && options.labelsRequired && labels.subarray(1).every((label) => label === MASKED))
    complain(place, "labels", "no position is trained");
  const weights = labels.includes(BASE_LABEL) && {
    weights: Float32Array.from(labels, (label) => (label === BASE_LABEL ? keepBase : 1)),
  };
  return { id: `${index}`, place, inputIds, labels, ...weights };
}

function readIds(
  row: Fields,
  name: string,
  place: { file: string; field: string },
  size: number,
  others: readonly number[],
): Int32Array {
  const values = arrayField(row, name, place);
  const ids = new Int32Array(values.length);
  for (const [k, value] of values.entries()) {
    const allowed =
      typeof value === "number" &&
      Number.isInteger(value) &&
      ((value >= 0 && value < size) || others.includes(value));
    if (!allowed)
      complain(
        place,
        `${name}[${k}]`,
        `expected ${others.map((other) => `${other} or `).join("")}an id from 0 to ${size - 1}, found ${show(value)}${value === BASE_LABEL ? " (which needs --keep-base)" : ""}`,
      );
    ids[k] = value;
  }
  return ids;
}
