// Traces of the machinery that a model must not be trained on: the words and numbers with which commands are wrapped.

import type { Turn } from "../../data/normalize.ts";

/** What only the harness writes: a random number of 32 hex digits as a variable or before a section's name, and its own names. */
const TRACES: readonly RegExp[] = [
  /(?<![0-9A-Za-z])[ts][0-9a-f]{32}(?![0-9A-Za-z])/,
  /(?<![0-9A-Za-z])[0-9a-f]{32}(?::end| (?:options|umask|aliases|environment|directory|end)\b)/,
  /ENV=\/dev\/stdin/,
  /exec 6>&1 7>&2/,
  /\bsekft[.:_-]|\bSEKFT_/,
];

/** The first trace in what a session showed or typed; undefined when it is clean. */
export function findTrace(turns: readonly Turn[]): string | undefined {
  for (const { content } of turns)
    for (const trace of TRACES) {
      const found = trace.exec(content);
      if (found) return found[0];
    }
  return undefined;
}
