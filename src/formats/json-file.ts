// Reads JSON files and their fields with errors that name the file, the line and the field.

import { readFileSync } from "node:fs";
import { DataError, fileProblem, show, UserError } from "../base/errors.ts";

// ECMAScript's JSON.parse source text access, which this TypeScript's library does not know yet.
declare global {
  interface JSON {
    rawJSON(text: string): unknown;
    parse(
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ): unknown;
  }
}

/** A parsed JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Reads a whole file as bytes.
 *  @throws UserError when it is missing or cannot be read. */
function readBytes(path: string, what: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UserError(`${path}: expected ${what}, got ${fileProblem(error)}`, { cause: error });
  }
}

/** Parses a JSON object from a file.
 *  @throws UserError when the file is missing; DataError with the line for bad UTF-8, bad JSON or another JSON type. */
export function readJsonObject(path: string, what: string): JsonObject {
  return parseJsonObject(readBytes(path, what), path);
}

/** As {@link readJsonObject}, for bytes that were read already; `path` is used in errors only. */
export function parseJsonObject(bytes: Uint8Array, path: string): JsonObject {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new DataError({ file: path }, "expected UTF-8 text, got other bytes", { cause: error });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DataError(
      { file: path, line: lineOfJsonError(text) },
      `expected JSON, got ${(error as Error).message}`,
      {
        hint: "the file may be cut off; fetch or write it again",
        cause: error,
      },
    );
  }
  if (!isObject(value)) throw new DataError({ file: path }, `expected a JSON object, got ${show(value)}`);
  return value;
}

/** Reads a JSON object only to write it again: each number comes out as it stands in the file, 0.0 too, which is another type
 *  than 0 to Python's readers.
 *  @throws as {@link readJsonObject} */
export function readJsonVerbatim(path: string, what: string): JsonObject {
  const bytes = readBytes(path, what);
  parseJsonObject(bytes, path);
  const keep = (_key: string, value: unknown, { source }: { source?: string }) =>
    typeof value === "number" && source !== undefined ? JSON.rawJSON(source) : value;
  return JSON.parse(new TextDecoder().decode(bytes), keep) as JsonObject;
}

/** True for a JSON object (not null, not a list). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// Matches the longest run of valid JSON tokens; what follows it is where the text stops being JSON (or its end).
const token =
  /(?:[\s{}[\]:,]|"(?:[^"\\\n]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y;

/** Line (from 1) of the first piece of `text` that is not a JSON token; the last line when all tokens are fine. */
function lineOfJsonError(text: string): number {
  token.lastIndex = 0;
  let end = 0;
  while (token.test(text)) end = token.lastIndex;
  return text.slice(0, end).split("\n").length;
}

/** True when `name` can stand in a message as it is: not empty, not endless, no control characters. */
export function isPrintableName(name: string): boolean {
  return name !== "" && name.length <= 1024 && !/\p{Cc}/u.test(name);
}
