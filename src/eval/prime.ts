// `--prime`: what stands on the screen before every session.

import { readFileSync } from "node:fs";
import { extname } from "node:path";
import { fileProblem, UserError } from "../base/errors.ts";
import type { Turn } from "../data/normalize.ts";
import { readTrajectories } from "../data/read-records.ts";

/** Turns of the sessions in `file`, one after the other, without their system texts; a file that is no JSON is one turn of the
 *  user, as text on a screen is.
 *  @throws UserError, DataError */
export async function readPrime(file: string): Promise<Turn[]> {
  if ([".json", ".jsonl", ".ndjson", ".parquet"].includes(extname(file))) {
    const turns: Turn[] = [];
    for await (const record of readTrajectories(file))
      turns.push(...record.turns.filter(({ role }) => role !== "system"));
    return turns;
  }
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new UserError(`--prime ${file}: expected a readable file, got ${fileProblem(cause)}`, { cause });
  }
  if (text.trim() === "") throw new UserError(`--prime ${file}: expected a session, got an empty file`);
  return [{ role: "user", content: text }];
}
