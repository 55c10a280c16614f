// `key=value,key=value` or a JSON object on the command line: rank patterns, schedule settings, weights of archetypes.

import { show, UserError } from "./errors.ts";

/** The pairs that `text` writes down; numbers become numbers.
 *  @throws UserError naming the flag when it is neither form, or a value is no number where only numbers are taken. */
export function parsePairs(flag: string, text: string | undefined): Record<string, number | string> {
  const trimmed = text?.trim() ?? "";
  if (trimmed === "") return {};
  const entries = trimmed.startsWith("{") ? jsonEntries(flag, trimmed) : plainEntries(flag, trimmed);
  return Object.fromEntries(entries);
}

/** As {@link parsePairs}, with numbers only. */
export function parseNumberPairs(flag: string, text: string | undefined): Record<string, number> {
  const pairs = parsePairs(flag, text);
  for (const [key, value] of Object.entries(pairs))
    if (typeof value !== "number")
      throw new UserError(`--${flag}: expected a number for ${key}, got ${show(value)}`);
  return pairs as Record<string, number>;
}

function jsonEntries(flag: string, text: string): [string, number | string][] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new UserError(`--${flag}: expected a JSON object or key=value pairs, got ${show(text)}`, {
      cause: error,
    });
  }
  return Object.entries(parsed as Record<string, unknown>).map(([key, value]) => {
    if (typeof value === "number" || typeof value === "string") return [key, value];
    throw new UserError(`--${flag}: expected a number or text for ${key}, got ${show(value)}`);
  });
}

function plainEntries(flag: string, text: string): [string, number | string][] {
  return text.split(",").map((pair) => {
    const at = pair.lastIndexOf("=");
    const key = pair.slice(0, Math.max(0, at)).trim();
    const value = pair.slice(at + 1).trim();
    if (key === "" || value === "")
      throw new UserError(`--${flag}: expected key=value, got ${show(pair)}`, {
        hint: `for example --${flag} q_proj=8,v_proj=4, or a JSON object`,
      });
    const number = Number(value);
    return [key, Number.isFinite(number) ? number : value];
  });
}
