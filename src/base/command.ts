// What a command is: a name, an option table, examples and a function. cli.ts turns a list of them into a program.

import type { Options, OptionTable } from "./options.ts";

/** Where a command writes; stdout is for results, stderr for progress, notes and errors. */
export interface Terminal {
  /** One line of result on stdout. */
  out(line: string): void;
  /** One line of information on stderr; silent with --quiet. */
  note(line: string): void;
  /** One line on stderr that --quiet does not silence. */
  warn(line: string): void;
  /** True when stderr is a terminal and neither --quiet nor --json asked for silence: a progress bar may be drawn. */
  readonly interactive: boolean;
  /** True when colours may be used on stdout (a TTY, NO_COLOR unset, no --no-color). */
  readonly color: boolean;
  /** --json: results as JSON on stdout, nothing else there. */
  readonly json: boolean;
  readonly quiet: boolean;
  /** Columns of the terminal; 80 when unknown. */
  readonly columns: number;
}

/** One verb of the program, e.g. `train` or `inspect mask`. */
export interface Command<T extends OptionTable = OptionTable> {
  /** Words of the command, e.g. `inspect mask`. */
  readonly name: string;
  /** One line for the command list. */
  readonly summary: string;
  /** Paragraph under the summary in --help. */
  readonly description?: string;
  readonly options: T;
  /** Keys of the options that words without a dash mean, in order, as in `sekft pull org/name`. */
  readonly operand?: string | readonly string[];
  /** At least two, each a whole command line and what it does. */
  readonly examples: readonly { readonly line: string; readonly does: string }[];
  /** Loads the code of the command lazily, so that --help stays fast. */
  run(options: Options<T>, terminal: Terminal): Promise<void>;
}

/** Keeps the literal types of the option table. */
export function defineCommand<const T extends OptionTable>(command: Command<T>): Command<T> {
  return command;
}
