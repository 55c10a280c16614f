// The three ways to say something: results on stdout, notes and warnings on stderr. Owns what a closed pipe means.

import { writeSync } from "node:fs";
import { isatty } from "node:tty";
import { diskError } from "./atomic.ts";
import type { Terminal } from "./command.ts";
import { OutputClosed } from "./errors.ts";

/** The global flags that decide how a command speaks. */
export interface TerminalFlags {
  readonly json: boolean;
  readonly quiet: boolean;
  /** False with --no-color. */
  readonly color: boolean;
}

/** The process's stdout and stderr. Writes are synchronous, so that `process.exit` loses nothing. */
export function openTerminal(flags: TerminalFlags, env: NodeJS.ProcessEnv = process.env): Terminal {
  const stdoutIsTerminal = isatty(1);
  const stderrIsTerminal = isatty(2);
  const wantsColor = flags.color && !env.NO_COLOR && env.TERM !== "dumb";
  return {
    out: (line) => writeOut(stdoutIsTerminal ? disarm(line) : line),
    note: (line) => {
      if (!flags.quiet) writeErr(stderrIsTerminal ? disarm(line) : line);
    },
    warn: (line) => writeErr(stderrIsTerminal ? disarm(line) : line),
    interactive: stderrIsTerminal && env.TERM !== "dumb" && !flags.quiet && !flags.json,
    color: stdoutIsTerminal && wantsColor && !flags.json,
    json: flags.json,
    quiet: flags.quiet,
    columns:
      (stdoutIsTerminal && process.stdout.columns) ||
      (stderrIsTerminal && process.stderr.columns) ||
      Number(env.COLUMNS) ||
      80,
  };
}

/** `text` on one line with every control and direction-changing character spelled out, fit for a terminal. */
export function printable(text: string): string {
  return text.replace(HIDDEN, (c) =>
    c === "\n" ? "\\n" : c === "\t" ? "\\t" : `\\u{${c.codePointAt(0)!.toString(16)}}`,
  );
}

/** `text` over several lines with everything but line ends and tabs spelled out: what a container wrote, fit for a terminal. */
export function displayed(text: string): string {
  return text.replace(HIDDEN, (c) => (c === "\n" || c === "\t" ? c : printable(c)));
}

// C0, DEL, C1, and the marks that reorder or hide text in a terminal.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const HIDDEN = /[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

// Keeps line breaks, tabs and colour codes of our own; anything else that a terminal would obey is spelled out.
function disarm(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes are what it looks for
  return line.replace(/(\x1b\[[0-9;]*m|[\n\t])|[\x00-\x1f\x7f-\x9f]/g, (c, own?: string) =>
    own === undefined ? printable(c) : own,
  );
}

function writeOut(line: string): void {
  try {
    writeAll(1, `${line}\n`);
  } catch (error) {
    if (isClosedPipe(error)) throw new OutputClosed("standard output: expected a reader, got none");
    throw diskError("standard output", error);
  }
}

/** One line, or a piece of one with `end` set to "", on stderr; a reader that went away is ignored. */
export function writeErr(line: string, end = "\n"): void {
  try {
    writeAll(2, line + end);
  } catch (error) {
    if (!isClosedPipe(error)) throw error;
  }
}

function isClosedPipe(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "EPIPE" || code === "EOF" || code === "EBADF";
}

function writeAll(fd: number, text: string): void {
  let rest: Uint8Array = new TextEncoder().encode(text);
  while (rest.byteLength > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      // A pipe that somebody else made non-blocking and that is full: wait for the reader.
      Bun.sleepSync(2);
    }
  }
}
