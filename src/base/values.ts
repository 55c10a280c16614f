// One value of one option: text or YAML in, checked value out. The only place that knows what an int, a choice or a bound is.

import { closest, show, UserError } from "./errors.ts";
import { flagName, type Option, type OptionTable } from "./options.ts";

/** `a whole number from 1 to 8`, `one of a, b`, ...: what {@link readValue} takes for `option`. */
export function expectation(option: Option): string {
  switch (option.type) {
    case "int":
    case "float":
      return `${option.type === "int" ? "a whole number" : "a number"}${bounds(option.min, option.max)}`;
    case "string":
      return option.choices ? `one of ${option.choices.join(", ")}` : "text";
    case "list":
      return option.choices ? `a list of ${option.choices.join(", ")}` : "a list of text";
    case "flag":
      return "true or false";
  }
}

function bounds(min: number | undefined, max: number | undefined): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  return max === undefined ? "" : ` of at most ${max}`;
}

/** The checked value of `option`, or undefined when `raw` is not one. `raw` is text from the command line or a YAML value. */
export function readValue(option: Option, raw: unknown): unknown {
  switch (option.type) {
    case "int":
    case "float":
      return readNumber(raw, option.type === "int", option.min, option.max);
    case "string":
      if ((option.map && isPlainObject(raw)) || (option.list && isListOfMaps(raw)))
        return JSON.stringify(raw);
      return typeof raw === "string" && (option.choices?.includes(raw) ?? true) ? raw : undefined;
    case "list":
      return readList(raw, option.choices);
    case "flag":
      return readFlag(raw);
  }
}

function isPlainObject(raw: unknown): boolean {
  return typeof raw === "object" && raw !== null && !Array.isArray(raw);
}

function isListOfMaps(raw: unknown): boolean {
  return Array.isArray(raw) && raw.length > 0 && raw.every(isPlainObject);
}

function readNumber(
  raw: unknown,
  whole: boolean,
  min = Number.NEGATIVE_INFINITY,
  max = Number.POSITIVE_INFINITY,
): number | undefined {
  const text = typeof raw === "number" ? String(raw) : raw;
  if (typeof text !== "string" || !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return undefined;
  const value = Number(text);
  if (whole ? !Number.isSafeInteger(value) : !Number.isFinite(value)) return undefined;
  return value >= min && value <= max ? value : undefined;
}

function readList(raw: unknown, choices: readonly string[] | undefined): string[] | undefined {
  const entries = typeof raw === "string" ? [raw] : raw;
  if (!Array.isArray(entries) || !entries.every((entry) => typeof entry === "string")) return undefined;
  const words = entries.flatMap((entry: string) => entry.split(",").map((word) => word.trim()));
  const list = words.filter((word) => word !== "");
  return list.every((word) => choices?.includes(word) ?? true) ? list : undefined;
}

function readFlag(raw: unknown): boolean | undefined {
  if (typeof raw === "boolean") return raw;
  if (typeof raw !== "string") return undefined;
  if (/^(true|yes|on|1)$/i.test(raw)) return true;
  return /^(false|no|off|0)$/i.test(raw) ? false : undefined;
}

/** The value of one option from the command line.
 *  @throws UserError naming the flag, what it takes and what it got. */
export function flagValue(key: string, option: Option, raw: unknown): unknown {
  const value = readValue(option, raw);
  if (value !== undefined) return value;
  const hint = nearestChoice(option, raw);
  throw new UserError(`--${flagName(key)}: expected ${expectation(option)}, got ${show(raw)}`, {
    ...(hint && { hint }),
  });
}

/** A hint with the choice that a wrong word may have meant. */
export function nearestChoice(option: Option, raw: unknown): string | undefined {
  if ((option.type !== "string" && option.type !== "list") || option.choices === undefined) return undefined;
  const { choices } = option;
  const words = (Array.isArray(raw) ? raw : [raw]).flatMap((one) => String(one).split(","));
  const wrong = words.map((word) => word.trim()).find((word) => !choices.includes(word));
  const near = wrong && closest(wrong, choices);
  return near ? `did you mean ${near}?` : undefined;
}

/** Every name that means an option of `table`, in kebab case. */
export function optionNames(table: OptionTable): string[] {
  return Object.entries(table).flatMap(([key, option]) => [flagName(key), ...(option.aliases ?? [])]);
}
