// A JSON file that may be missing or damaged: what it holds, or what is wrong with it.

import { statSync } from "node:fs";
import { SekftError } from "../base/errors.ts";
import { type JsonObject, readJsonObject } from "../formats/json-file.ts";

/** The object in a file; `damage` says what is wrong when it is there and cannot be read. */
export interface JsonPart {
  readonly value: JsonObject | null;
  readonly damage: readonly string[];
}

/** Reads `file`; a missing one is no damage. */
export function readJsonPart(file: string, what: string): JsonPart {
  if (!statSync(file, { throwIfNoEntry: false })) return { value: null, damage: [] };
  try {
    return { value: readJsonObject(file, what), damage: [] };
  } catch (error) {
    if (error instanceof SekftError) return { value: null, damage: [error.message] };
    throw error;
  }
}
