// Checks of single fields, worded alike everywhere: `missing`, `expected a string, found a number`.

import { DataError, type Place } from "../base/errors.ts";
import type { Role, Turn } from "./normalize.ts";

/** A parsed JSON object of unknown content. */
export type Fields = Readonly<Record<string, unknown>>;

/** Longest turn in characters: four a token, at the longest context of any supported base (131,072 tokens). */
const LONGEST_TURN = 524_288;

/** What a value is, for messages. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  switch (typeof value) {
    case "string":
      return "a string";
    case "number":
    case "bigint":
      return "a number";
    case "boolean":
      return "true or false";
    default:
      return "an object";
  }
}

/** Stops with a complaint about a field. */
export function complain(place: Place, field: string, complaint: string): never {
  const whole =
    place.field === undefined ? field : `${place.field}${field.startsWith("[") ? "" : "."}${field}`;
  throw new DataError({ ...place, field: whole }, complaint);
}

/** True for a JSON object. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A required string. */
export function stringField(fields: Fields, name: string, place: Place, path = name): string {
  const value = fields[name];
  if (value === undefined) complain(place, path, "missing");
  if (typeof value !== "string") complain(place, path, `expected a string, found ${kindOf(value)}`);
  if (!value.isWellFormed()) complain(place, path, "lone surrogate");
  return value;
}

/** A required boolean. */
export function booleanField(fields: Fields, name: string, place: Place, path = name): boolean {
  const value = fields[name];
  if (value === undefined) complain(place, path, "missing");
  if (typeof value !== "boolean") complain(place, path, `expected true or false, found ${kindOf(value)}`);
  return value;
}

/** A required list. */
export function arrayField(fields: Fields, name: string, place: Place, path = name): readonly unknown[] {
  const value = fields[name];
  if (value === undefined) complain(place, path, "missing");
  if (!Array.isArray(value)) complain(place, path, `expected an array, found ${kindOf(value)}`);
  return value;
}

/** Refuses a record whose `version` is not `known`. */
export function checkVersion(fields: Fields, known: number, place: Place): void {
  const { version } = fields;
  if (version === undefined) complain(place, "version", "missing");
  if (typeof version !== "number") complain(place, "version", `expected a number, found ${kindOf(version)}`);
  if (version > known) complain(place, "version", `version ${version} is newer than this program knows`);
  if (version !== known) complain(place, "version", `unknown version: ${version}`);
}

/** A required word of a fixed list. */
export function choiceField<T extends string>(
  fields: Fields,
  name: string,
  choices: readonly T[],
  place: Place,
): T {
  const value = stringField(fields, name, place);
  if (!(choices as readonly string[]).includes(value)) complain(place, name, `unknown ${name}: ${value}`);
  return value as T;
}

const SHAREGPT: Readonly<Record<string, Role>> = {
  system: "system",
  human: "user",
  user: "user",
  gpt: "assistant",
  assistant: "assistant",
  chatgpt: "assistant",
  bot: "assistant",
  model: "assistant",
};
const PLAIN: Readonly<Record<string, Role>> = { system: "system", user: "user", assistant: "assistant" };

/** Checks the list of turns in `fields[name]`: `role`/`content`, or ShareGPT's `from`/`value`. */
export function turnsField(fields: Fields, name: string, place: Place): Turn[] {
  return arrayField(fields, name, place).map((value, i): Turn => {
    const path = `${name}[${i}]`;
    if (!isFields(value)) complain(place, path, `expected an object, found ${kindOf(value)}`);
    const shareGpt = name === "conversations" && value.role === undefined;
    const roleKey = shareGpt ? "from" : "role";
    const contentKey = shareGpt ? "value" : "content";
    const word = stringField(value, roleKey, place, `${path}.${roleKey}`);
    const role = (shareGpt ? SHAREGPT : PLAIN)[word];
    if (role === undefined) complain(place, `${path}.${roleKey}`, `unknown role: ${word}`);
    const content = stringField(value, contentKey, place, `${path}.${contentKey}`);
    if (content.length > LONGEST_TURN)
      complain(
        place,
        `${path}.${contentKey}`,
        `a turn of ${content.length} characters: longer than any context`,
      );
    return { role, content, ...emphasis(value, place, path) };
  });
}

function emphasis(value: Fields, place: Place, path: string): { weight?: number; train?: boolean } {
  const { weight, train } = value;
  const out: { weight?: number; train?: boolean } = {};
  if (weight !== undefined && weight !== null) {
    if (typeof weight !== "number")
      complain(place, `${path}.weight`, `expected a number, found ${kindOf(weight)}`);
    if (!(weight >= 0 && Number.isFinite(weight)))
      complain(place, `${path}.weight`, `expected 0 or more, found ${weight}`);
    out.weight = weight;
  }
  if (train !== undefined && train !== null) {
    if (typeof train !== "boolean")
      complain(place, `${path}.train`, `expected true or false, found ${kindOf(train)}`);
    out.train = train;
  }
  return out;
}
