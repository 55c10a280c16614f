// What the user sees when something failed, and the exit code that says whose fault it was.

import type { Terminal } from "./command.ts";
import { DataError, fileProblem, OutputClosed, SekftError, UserError } from "./errors.ts";
import { printable } from "./terminal.ts";

/** Prints one `sekft: ...` line and a `hint:` line if there is one on stderr, with --json also an `{"error": ...}` line
 *  on stdout, and a stack for a bug of ours or with --trace. Returns the exit code: 2 the user's, 130 interrupted, 1 ours. */
export function reportError(thrown: unknown, terminal: Terminal, trace: boolean): number {
  const error = recognise(thrown);
  if (error instanceof OutputClosed) return 0;
  const ours = !(error instanceof SekftError);
  const message = error instanceof Error ? error.message : String(error);
  const hint = ours ? "this is a bug in sekft; the lines above say where" : error.hint;
  const exitCode = ours ? 1 : error.exitCode;
  if (ours || trace) for (const line of stackLines(error)) terminal.warn(`  ${printable(line)}`);
  terminal.warn(`sekft: ${printable(message)}`);
  if (hint) terminal.warn(`hint: ${printable(hint)}`);
  if (terminal.json) reportJson(error, { message, hint, exit_code: exitCode }, terminal);
  return exitCode;
}

function reportJson(error: unknown, facts: Record<string, unknown>, terminal: Terminal): void {
  const type = error instanceof SekftError ? error.name : "InternalError";
  const place = error instanceof DataError ? error.place : {};
  try {
    terminal.out(JSON.stringify({ error: { type, ...facts, ...place } }));
  } catch {
    // Nobody reads stdout any more; the line on stderr is out already.
  }
}

// Each cause is a level further down.
function stackLines(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const own = (error.stack ?? String(error)).split("\n").map((line) => line.trim());
  return error.cause === undefined ? own : [...own, "caused by:", ...stackLines(error.cause)];
}

// A file that cannot be opened is the user's to fix, also where no command has said so better.
function recognise(error: unknown): unknown {
  const { code, path } = (error ?? {}) as NodeJS.ErrnoException;
  if (!(error instanceof Error) || error instanceof SekftError || !code || !path) return error;
  const reason = fileProblem(error);
  return reason === code
    ? error
    : new UserError(`${path}: expected a file that can be used, got ${reason}`, { cause: error });
}
