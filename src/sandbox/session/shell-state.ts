// What one command leaves to the next: directory, exported variables, umask, options, aliases, status.
// Strings here hold one byte a character (latin1): names and values are bytes to a shell.

/** The state of a session between two commands. */
export interface ShellState {
  /** Logical working directory. */
  readonly directory: string;
  /** Exported variables without PWD; `null`: exported without a value. */
  readonly environment: ReadonlyMap<string, string | null>;
  /** As `umask` prints it, e.g. `0022`. */
  readonly umask: string;
  /** `set -o` options that are on. */
  readonly options: readonly string[];
  readonly aliases: ReadonlyMap<string, string>;
  /** `$?` */
  readonly status: number;
}

/** Options that a session keeps; `interactive`, `monitor` and `stdin` are how the shell was started. */
export const KEPT_OPTIONS: readonly string[] = [
  "errexit",
  "noglob",
  "ignoreeof",
  "xtrace",
  "verbose",
  "vi",
  "emacs",
  "noclobber",
  "allexport",
  "notify",
  "nounset",
  "nolog",
  "debug",
];

/** UTF-8 text as one byte a character. */
export function toBytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** One byte a character as UTF-8 text, U+FFFD for what is not. */
export function fromBytes(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** A word that sh reads back as exactly `text`. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
