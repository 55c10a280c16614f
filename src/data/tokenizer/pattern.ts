// Regular expressions of tokenizer files (Oniguruma's dialect) as JavaScript ones.

import { show, UserError } from "../../base/errors.ts";
import type { PatternJson } from "./tokenizer-json.ts";

/** Unicode White_Space: JavaScript's own `\s` lacks U+0085 and has U+FEFF. */
const WHITE_SPACE = "\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

/** A global regular expression for a `{String}` or `{Regex}` pattern.
 *  @throws UserError when JavaScript cannot express it. */
export function compilePattern(pattern: PatternJson): RegExp {
  if (pattern.String !== undefined) return new RegExp(RegExp.escape(pattern.String), "gu");
  if (pattern.Regex === undefined)
    throw new UserError(`tokenizer: expected a pattern with String or Regex, got ${show(pattern)}`);
  try {
    return new RegExp(translate(pattern.Regex), "gu");
  } catch (cause) {
    throw new UserError(`tokenizer: expected a pattern that JavaScript knows, got ${show(pattern.Regex)}`, {
      cause,
    });
  }
}

/** Rewrites `\s`, `\S`, `\h` and escapes that JavaScript's `u` mode refuses. */
function translate(source: string): string {
  let out = "";
  let inClass = false;
  for (let i = 0; i < source.length; i++) {
    const c = source[i]!;
    if (c !== "\\") {
      if (c === "[") inClass = true;
      if (c === "]") inClass = false;
      out += c;
      continue;
    }
    const next = source[++i] ?? "";
    if (next === "s") out += inClass ? WHITE_SPACE : `[${WHITE_SPACE}]`;
    else if (next === "S" && !inClass) out += `[^${WHITE_SPACE}]`;
    else if (/[a-zA-Z0-9]/.test(next) || /[\^$\\.*+?()[\]{}|/-]/.test(next)) out += c + next;
    else out += next;
  }
  return out;
}
