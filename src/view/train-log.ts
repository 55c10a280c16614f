// Reads a training log from where the last reading ended. A line that is still being written is left for the next time.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { LogEntry, LogPiece } from "./shapes.ts";

/** Bytes of one answer. */
const MOST_BYTES = 4 << 20;
/** Damaged lines that are named. */
const LISTED = 20;

/** Entries of log.jsonl behind `from`; all of them again when the log was cut back, as a resumed run does.
 *  A missing log has no entries yet. */
export function readTrainLog(file: string, from: LogPiece["next"] = { byte: 0, line: 0 }): LogPiece {
  let handle: number;
  try {
    handle = openSync(file, "r");
  } catch {
    return { entries: [], next: { byte: 0, line: 0 }, restarted: from.byte > 0, damage: [], tornBytes: 0 };
  }
  try {
    const size = fstatSync(handle).size;
    const start = from.byte <= size && endsLine(handle, from.byte) ? from : { byte: 0, line: 0 };
    const bytes = Buffer.alloc(Math.min(MOST_BYTES, size - start.byte));
    const got = bytes.subarray(0, readSync(handle, bytes, 0, bytes.length, start.byte));
    const whole = got.lastIndexOf(10) + 1;
    const lines = got.toString("utf8", 0, whole).split("\n").slice(0, -1);
    const entries: LogEntry[] = [];
    const damage: string[] = [];
    for (const [i, text] of lines.entries()) {
      if (text.trim() === "") continue;
      const entry = parseEntry(text);
      if (entry) entries.push(entry);
      else if (damage.length < LISTED)
        damage.push(`${file}:${start.line + i + 1}: expected an entry of a training log, got a damaged line`);
    }
    const next = { byte: start.byte + whole, line: start.line + lines.length };
    return { entries, next, restarted: start.byte < from.byte, damage, tornBytes: size - next.byte };
  } finally {
    closeSync(handle);
  }
}

function endsLine(handle: number, byte: number): boolean {
  if (byte === 0) return true;
  const before = Buffer.alloc(1);
  return readSync(handle, before, 0, 1, byte - 1) === 1 && before[0] === 10;
}

function parseEntry(text: string): LogEntry | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return isEntry(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** An object with a step. */
export function isEntry(value: unknown): value is LogEntry {
  return typeof (value as { step?: unknown } | null)?.step === "number";
}
