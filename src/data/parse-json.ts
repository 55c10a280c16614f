// JSON.parse with complaints that say how a text is broken: cut off, nested too deeply, or simply not JSON.

import { DataError, type Place } from "../base/errors.ts";

/** Deeper than any row of data; the parser's own limit is the stack. */
const DEEPEST = 512;

/** Parses one JSON text.
 *  @param what ends early when the text is cut off: "line" or "file".
 *  @throws DataError. */
export function parseJson(text: string, place: Place, what: "line" | "file"): unknown {
  let failure: unknown;
  try {
    return JSON.parse(text);
  } catch (error) {
    failure = error;
  }
  const { depth, open } = scan(text);
  const complaint =
    depth > DEEPEST
      ? "not valid JSON, or nested too deeply"
      : open
        ? `not valid JSON: the ${what} ends too early`
        : `not valid JSON (${(failure as Error).message.replace(/^JSON Parse error: /, "")})`;
  throw new DataError(place, complaint, { cause: failure });
}

/** Greatest depth of brackets, and whether the text ends inside a string or bracket. */
function scan(text: string): { depth: number; open: boolean } {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (inString) {
      if (c === "\\") i++;
      else if (c === '"') inString = false;
    } else if (c === '"') inString = true;
    else if (c === "{" || c === "[") deepest = Math.max(deepest, ++depth);
    else if (c === "}" || c === "]") depth--;
  }
  return { depth: deepest, open: inString || depth > 0 };
}
