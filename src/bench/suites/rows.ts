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
  return withHash(checked(valuesOfText(text, file), file));
}

function valuesOfText(text: string, file: string): { value: unknown; place: Place }[] {
  return text.split("\n").flatMap((line, i) => {
    if (line.trim() === "") return [];
    const place = { file, line: i + 1 };
    return [{ value: parseJson(line, place, "line"), place }];
  });
}

/** Rows of a file.
 *  @param column one that a Parquet file must have
 *  @throws UserError when it cannot be read; DataError when it holds something else or nothing */
export async function rowsOfFile(file: string, column: string): Promise<Rows> {
  return await rowsOfFiles([file], column);
}

/** Rows of several files, one after the other.
 *  @param column one that a Parquet file must have
 *  @throws UserError when one cannot be read; DataError when one holds something else or nothing */
export async function rowsOfFiles(files: readonly string[], column: string): Promise<Rows> {
  const rows: Row[] = [];
  for (const file of files) {
    const values: { value: unknown; place: Place }[] = [];
    if (file.endsWith(".gz")) values.push(...valuesOfText(unpacked(file), file));
    else for await (const value of readValues(readable(file), [column])) values.push(value);
    rows.push(...checked(values, file));
  }
  return withHash(rows);
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

function checked(values: readonly { value: unknown; place: Place }[], file: string): Row[] {
  const rows = values.map(({ value, place }) => {
    if (!isFields(value)) throw new DataError(place, `expected a problem, found ${kindOf(value)}`);
    return { fields: value, place };
  });
  if (rows.length === 0) throw new DataError({ file }, "no problems");
  return rows;
}

function withHash(rows: readonly Row[]): Rows {
  return { rows, hash: hashContent({ rows: rows.map(({ fields }) => fields) }) };
}

/** Refuses two problems of one id. */
export function refuseTwins(problems: readonly { readonly id: string }[], rows: readonly Row[]): void {
  const seen = new Map<string, string>();
  for (const [i, { id }] of problems.entries()) {
    const { place } = rows[i]!;
    const first = seen.get(id);
    if (first === place.file) throw new DataError(place, `duplicate problem ${id}`);
    if (first !== undefined)
      throw new DataError(place, `duplicate problem ${id} (first in ${first})`, {
        hint: "of several configurations or splits name one file or folder",
      });
    seen.set(id, place.file);
  }
}

const shapes: Readonly<Record<string, (has: (key: string) => boolean) => boolean>> = {
  smoke: (has) => has("shape"),
  humaneval: (has) => ["prompt", "entry_point", "canonical_solution", "test"].every(has),
  mbpp: (has) => ["code", "test_list"].every(has),
  json: (has) => has("prompt") && (has("schema") || has("tools")),
  diff: (has) => ["before", "instruction"].every(has),
  devops: (has) => ["instruction", "checker", "reference"].every(has),
};

/** A hint for a row without what `benchmark` needs: the benchmark whose fields it has. */
export function likelyBenchmark(fields: Fields, benchmark: string): { readonly hint?: string } {
  const found = Object.entries(shapes).find(
    ([name, fits]) => name !== benchmark && fits((key) => key in fields),
  );
  return found === undefined ? {} : { hint: `the file has the shape of ${found[0]}` };
}

/** Stops where a row lacks a field of its benchmark. */
export function needFields({ fields, place }: Row, benchmark: string, names: readonly string[]): void {
  const missing = names.find((name) => fields[name] === undefined || fields[name] === null);
  if (missing === undefined) return;
  throw new DataError(
    { ...place, field: missing },
    `missing; a problem of ${benchmark} has ${names.join(", ")}`,
    // A row of smoke has the fields of its shape, and may lack one of them.
    "shape" in fields && fields.shape === benchmark ? {} : likelyBenchmark(fields, benchmark),
  );
}
