// The hash that names a bundle's content, whoever wrote the file.

import { createHash } from "node:crypto";
import { type Fields, isFields } from "./turn-checks.ts";

/** `sha256:` of JSON with keys sorted by code point, without blanks, as UTF-8, non-ASCII unescaped (as Python's
 *  `json.dumps(sort_keys=True, ensure_ascii=False, separators=(",", ":"))`); `content` is a bundle without `content_hash`. */
export function hashContent(content: Fields): string {
  return `sha256:${createHash("sha256").update(canonicalJson(content)).digest("hex")}`;
}

/** JSON with keys sorted by code point, without blanks; values that are not there count as not written. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (!isFields(value)) return JSON.stringify(value) ?? "null";
  const keys = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort(byCodePoint);
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`).join(",")}}`;
}

/** JavaScript compares UTF-16 units, where U+FFFD comes after U+1F600; UTF-8 bytes compare as code points do. */
function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
