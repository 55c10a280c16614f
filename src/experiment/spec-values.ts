// Single values of an experiment's file: texts, whole numbers, names, and names of something that stands elsewhere in the file.

import { closest, show } from "../base/errors.ts";
import type { YamlValue } from "../base/yaml-file.ts";

/** A text; numbers count as they are written. */
export function text(value: YamlValue): string {
  const raw = value.plain(true);
  if (typeof raw !== "string" || raw.trim() === "") throw value.wrong(`expected text, got ${show(raw)}`);
  return raw;
}

/** Texts: a list, or one text with commas. */
export function texts(value: YamlValue): string[] {
  const raw = value.plain(true);
  const list = typeof raw === "string" ? raw.split(",").map((word) => word.trim()) : raw;
  if (!Array.isArray(list) || !list.every((one) => typeof one === "string" && one !== ""))
    throw value.wrong(`expected a list of text, got ${show(raw)}`);
  return [...new Set(list as string[])];
}

/** A whole number of at least `least`. */
export function integer(value: YamlValue, least: number): number {
  const raw = value.plain();
  if (!Number.isSafeInteger(raw) || (raw as number) < least)
    throw value.wrong(`expected a whole number of at least ${least}, got ${show(raw)}`);
  return raw as number;
}

/** Different whole numbers: a list, or one of them. */
export function integers(value: YamlValue): number[] {
  const raw = value.plain();
  const list: unknown[] = Array.isArray(raw) ? raw : [raw];
  if (list.length === 0 || !list.every((one) => Number.isSafeInteger(one) && (one as number) >= 0))
    throw value.wrong(`expected a list of whole numbers, got ${show(raw)}`);
  if (new Set(list).size < list.length) throw value.wrong(`expected different numbers, got ${show(raw)}`);
  return list as number[];
}

/** A number of at least 0. */
export function numbers(value: YamlValue): number[] {
  const raw = value.plain();
  const list: unknown[] = Array.isArray(raw) ? raw : [raw];
  if (list.length === 0 || !list.every((one) => typeof one === "number" && one >= 0))
    throw value.wrong(`expected a list of numbers, got ${show(raw)}`);
  return list as number[];
}

/** `name` where it can be a folder's. */
export function folderName(name: string, value: YamlValue): string {
  if (/^[A-Za-z0-9][\w.+-]{0,63}$/.test(name)) return name;
  throw value.wrong(`expected a name of letters, digits, - and _, got ${show(name)}`);
}

/** `name`, which must be one of `known`.
 *  @param what e.g. `a data set` */
export function oneOf(name: string, known: readonly string[], what: string, value: YamlValue): string {
  if (known.includes(name)) return name;
  const near = closest(name, known);
  throw value.wrong(
    `expected ${what}, got ${show(name)}`,
    near !== undefined
      ? `did you mean ${near}?`
      : known.length > 0
        ? `there are ${known.join(", ")}`
        : "the file names none",
  );
}

/** A map from names that can be folders' to what `read` makes of each value. */
export function named<T>(
  value: YamlValue | undefined,
  what: string,
  read: (value: YamlValue, name: string) => T,
): Record<string, T> {
  const entries = value?.entries(what) ?? [];
  return Object.fromEntries(entries.map(([name, one]) => [folderName(name, one), read(one, name)]));
}
