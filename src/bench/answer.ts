// Answers to problems: drawn from a model, or read from a file in HumanEval's sample format.

import { closest, DataError } from "../base/errors.ts";
import { parseJson } from "../data/parse-json.ts";
import { readLines } from "../data/read-lines.ts";
import { isFields, kindOf, stringField } from "../data/turn-checks.ts";

/** One answer to one problem. */
export interface Answer {
  readonly taskId: string;
  /** Counted from 0 among the answers to one problem. */
  readonly sample: number;
  readonly text: string;
  /** `chat`: a turn, with words and fences around what counts; `completion`: goes on where the prompt ends, byte for byte. */
  readonly form: "chat" | "completion";
  /** The reply was cut by the limit of tokens. */
  readonly cut: boolean;
}

/** Reads `{"task_id", "completion"}` lines, as HumanEval's scorer does; several lines of one problem are its samples.
 *  @param known ids of the problems
 *  @throws UserError when the file cannot be read; DataError for a line of another shape or a problem that is not there. */
export function readCompletions(file: string, known: readonly string[]): Answer[] {
  const ids = new Set(known);
  const seen = new Map<string, number>();
  const answers: Answer[] = [];
  for (const { line, text } of readLines(file)) {
    const place = { file, line };
    const value = parseJson(text, place, "line");
    if (!isFields(value))
      throw new DataError(place, `expected {"task_id", "completion"}, found ${kindOf(value)}`);
    // MBPP numbers its tasks.
    const id =
      typeof value.task_id === "number" ? String(value.task_id) : stringField(value, "task_id", place);
    const completion = stringField(value, "completion", place);
    if (!ids.has(id)) {
      const near = closest(id, known);
      throw new DataError({ ...place, field: "task_id" }, `expected a problem of this benchmark, got ${id}`, {
        hint: near
          ? `did you mean ${near}?`
          : "the completions are of other problems; name theirs with --problems",
      });
    }
    const sample = seen.get(id) ?? 0;
    seen.set(id, sample + 1);
    answers.push({ taskId: id, sample, text: completion, form: "completion", cut: false });
  }
  if (answers.length === 0) throw new DataError({ file }, "no completions");
  return answers;
}
