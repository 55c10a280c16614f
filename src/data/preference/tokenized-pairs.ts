// Pairs that come as ids: `train --method dpo --tokenized FILE`, with the columns that TRL's trainer makes.

import { readFileSync } from "node:fs";
import { DataError, fileProblem, show, UserError } from "../../base/errors.ts";
import { MASKED } from "../encode-trajectory.ts";
import { parseJson } from "../parse-json.ts";
import { arrayField, complain, type Fields, isFields, kindOf } from "../turn-checks.ts";
import type { EncodedPair, PairSide } from "./encode-pair.ts";
import { refuseEqual } from "./pair-record.ts";

/** Reads `[{"prompt_ids": [...], "chosen_ids": [...], "rejected_ids": [...]}, ...]`.
 *  @throws DataError naming file, row and field. */
export function readTokenizedPairs(file: string, vocab: number): Omit<EncodedPair, "truncated">[] {
  const rows = parseJson(readText(file), { file }, "file");
  if (!Array.isArray(rows)) throw new DataError({ file }, `expected an array, found ${kindOf(rows)}`);
  if (rows.length === 0) throw new DataError({ file }, "no records");
  return rows.map((row, i) => {
    const place = { file, field: `[${i}]` };
    if (!isFields(row)) throw new DataError(place, `expected an object, found ${kindOf(row)}`);
    const ids = (name: string) => readIds(row, name, place, vocab);
    const [prompt, chosen, rejected] = [ids("prompt_ids"), ids("chosen_ids"), ids("rejected_ids")];
    if (JSON.stringify(chosen) === JSON.stringify(rejected)) refuseEqual(place, "completion");
    const side = (completion: number[]): PairSide => ({
      inputIds: Int32Array.from([...prompt, ...completion]),
      labels: Int32Array.from([...prompt.map(() => MASKED), ...completion]),
    });
    return { place, chosen: side(chosen), rejected: side(rejected) };
  });
}

function readIds(row: Fields, name: string, place: { file: string; field: string }, vocab: number): number[] {
  const values = arrayField(row, name, place);
  if (values.length === 0) complain(place, name, "expected at least one id, found none");
  return values.map((value, k) => {
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value >= vocab)
      complain(place, `${name}[${k}]`, `expected an id from 0 to ${vocab - 1}, found ${show(value)}`);
    return value;
  });
}

function readText(file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
  } catch (cause) {
    if (cause instanceof TypeError) throw new DataError({ file }, "not valid UTF-8", { cause });
    throw new UserError(`${file}: expected a JSON list of token ids, got ${fileProblem(cause)}`, { cause });
  }
}
