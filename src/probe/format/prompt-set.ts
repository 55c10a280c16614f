// The prompts of a format probe: those that ship with the program, or a file's.

import { refuseTwins, rowsOfFile, rowsOfText } from "../../bench/suites/rows.ts";
import { type FormPrompt, readFormPrompt } from "./prompt.ts";
import text from "./prompts.jsonl" with { type: "text" };

/** Prompts, and which they are. */
export interface PromptSet {
  readonly prompts: readonly FormPrompt[];
  /** null: those that ship. */
  readonly file: string | null;
  /** `sha256:` of what was read. */
  readonly hash: string;
}

/** Reads `file`, or the prompts that ship.
 *  @throws UserError, DataError naming file, line and field */
export async function readPrompts(file: string | undefined): Promise<PromptSet> {
  const { rows, hash } =
    file === undefined ? rowsOfText(text, "prompts.jsonl") : await rowsOfFile(file, "prompt");
  const prompts = rows.map(({ fields, place }) => readFormPrompt(fields, place));
  refuseTwins(prompts, rows);
  return { prompts, file: file ?? null, hash };
}
