// The end of a probe: its file, its lines, and its verdict as the exit code.

import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.ts";
import type { Terminal } from "../base/command.ts";
import { BelowThreshold, Interrupted } from "../base/errors.ts";
import { Interruption } from "../base/interruption.ts";
import { startProgress } from "../base/progress.ts";
import { version } from "../base/version.ts";
import type { Rate } from "../eval/statistics/wilson.ts";
import { probeLines } from "../probe/probe-words.ts";

/** Asks for `total` answers with a bar, until Ctrl-C or SIGTERM.
 *  @throws Interrupted; nothing is written then */
export async function withAnswers<T>(
  name: "format" | "secrets",
  total: number,
  terminal: Terminal,
  ask: (run: { readonly signal: AbortSignal; readonly onAnswer: () => void }) => Promise<T>,
): Promise<T> {
  using interruption = new Interruption();
  const { signal } = interruption;
  const bar = startProgress(terminal, { label: name, total, unit: "answers" });
  let done = 0;
  try {
    return await ask({ signal, onAnswer: () => bar.update(++done) });
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new Interrupted(`probe ${name}: stopped after ${done} of ${total} answers`, { cause: error });
  } finally {
    bar.end();
  }
}

/** Writes `probe-<name>.json` to `out` and says what it holds.
 *  @throws BelowThreshold when the probe did not pass */
export function finishProbe(
  name: "format" | "secrets",
  out: string,
  found: Readonly<Record<string, unknown>> & {
    readonly passed: boolean;
    readonly reasons: readonly string[];
    readonly figures: Readonly<Record<string, Rate>>;
  },
  terminal: Terminal,
): void {
  const file = join(out, `probe-${name}.json`);
  const result = { version: 1, probe: name, sekft: version(), ...found };
  writeFileAtomic(file, `${JSON.stringify(result, null, 1)}\n`);
  if (terminal.json) terminal.out(JSON.stringify(result));
  else {
    const title = name === "format" ? "has its form" : "came out";
    for (const line of probeLines(found, title, terminal.columns)) terminal.out(line);
    terminal.out(file);
  }
  if (!found.passed)
    throw new BelowThreshold(`probe ${name}: expected a model that passes, got ${found.reasons.join("; ")}`, {
      hint: `${file} has every answer`,
    });
}
