// Rows of a benchmark's file: JSON lines, JSON, Parquet, gzipped or not; or those that ship with the program.

import { readFileSync } from "node:fs";
import { DataError, fileProblem, type Place, UserError } from "../../base/errors.ts";
import { hashContent } from "../../data/content-hash.ts";
import { parseJson } from "../../data/parse-json.ts";
import { readValues } from "../../data/read-records.ts";
import { type Fields, isFields, kindOf } from "../../data/turn-checks.ts";

/** One row and where it stands. */
export interface Row {
  readonly fields: Fields;
  readonly place: Place;
}

/** Rows and a hash over all of them. */
export interface Rows {
  readonly rows: readonly Row[];
  readonly hash: string;
}

/** Rows of a text of JSON lines. */
export function rowsOfText(text: string, file: string): Rows {
  const values = text.split("\n").flatMap((line, i) => {
    if (line.trim() === "") return [];
    const place = { file, line: i + 1 };
    return [{ value: parseJson(line, place, "line"), place }];
  });
  return checked(values, file);
}

/** Rows of a file.
 *  @param column one that a Parquet file must have
 *  @throws UserError when it cannot be read; DataError when it holds something else or nothing */
export async function rowsOfFile(file: string, column: string): Promise<Rows> {
  if (file.endsWith(".gz")) return rowsOfText(unpacked(file), file);
  const values: { value: unknown; place: Place }[] = [];
  for await (const value of readValues(readable(file), [column])) values.push(value);
  return checked(values, file);
}

function readable(file: string): string {
  try {
    readFileSync(file, { flag: "r" });
  } catch (cause) {
    throw new UserError(`${file}: expected a readable file, got ${fileProblem(cause)}`, { cause });
  }
  return file;
}

function unpacked(file: string): string {
  const packed = readFileSync(readable(file));
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Bun.gunzipSync(packed));
  } catch (cause) {
    throw new DataError({ file }, "expected gzipped JSON lines, found something else", { cause });
  }
}

function checked(values: readonly { value: unknown; place: Place }[], file: string): Rows {
  const rows = values.map(({ value, place }) => {
    if (!isFields(value)) throw new DataError(place, `expected a problem, found ${kindOf(value)}`);
    return { fields: value, place };
  });
  if (rows.length === 0) throw new DataError({ file }, "no problems");
  return { rows, hash: hashContent({ rows: rows.map(({ fields }) => fields) }) };
}

/** Refuses two problems of one id. */
export function refuseTwins(problems: readonly { readonly id: string }[], rows: readonly Row[]): void {
  const seen = new Set<string>();
  for (const [i, { id }] of problems.entries()) {
    if (seen.has(id)) throw new DataError(rows[i]!.place, `duplicate problem ${id}`);
    seen.add(id);
  }
}

const shapes: Readonly<Record<string, readonly string[]>> = {
  humaneval: ["prompt", "entry_point", "canonical_solution", "test"],
  mbpp: ["code", "test_list"],
  diff: ["before", "instruction"],
  devops: ["instruction", "checker", "reference"],
};

/** A hint for a row without what `benchmark` needs: the benchmark whose fields it has. */
function likelyBenchmark(fields: Fields, benchmark: string): string | undefined {
  const found = Object.entries(shapes).find(
    ([name, keys]) => name !== benchmark && keys.every((key) => key in fields),
  );
  return found && `the file has the shape of ${found[0]}`;
}

/** Stops where a row lacks a field of its benchmark. */
export function needFields({ fields, place }: Row, benchmark: string, names: readonly string[]): void {
  const missing = names.find((name) => fields[name] === undefined || fields[name] === null);
  if (missing === undefined) return;
  const hint = likelyBenchmark(fields, benchmark);
  throw new DataError(
    { ...place, field: missing },
    `missing; a problem of ${benchmark} has ${names.join(", ")}`,
    hint === undefined ? {} : { hint },
  );
}
