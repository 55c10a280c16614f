// Problems of edits: files, what is to be changed, and the files as they must be then or tests over them.

import { DataError, type Place } from "../../base/errors.ts";
import { choiceField, complain, type Fields, isFields, kindOf, stringField } from "../../data/turn-checks.ts";
import type { Files } from "../diff/apply-patch.ts";
import type { DiffProblem } from "../problem.ts";
import { needFields, type Row } from "./rows.ts";

/** What models are asked; results name it, since another wording gives other figures. */
export const diffStyle = "chat: the files and the wish, answer with a unified diff in a diff fence";

const languages = ["python", "javascript", "typescript", "sh"] as const;

/** Reads one row: `id, before {path: text}, instruction, after {path: text} | tests {language, source}, reference?`.
 *  @throws DataError naming the field */
export function readDiffProblem(row: Row): DiffProblem {
  needFields(row, "diff", ["before", "instruction"]);
  const { fields, place } = row;
  const id =
    fields.id === undefined ? stringField(fields, "task_id", place) : stringField(fields, "id", place);
  const before = files(fields, "before", place);
  const after = fields.after === undefined ? undefined : files(fields, "after", place);
  if (after === undefined && fields.tests === undefined)
    throw new DataError(place, "expected after or tests, found neither");
  const shown = Object.entries(before).map(([path, text]) => `${path}\n\`\`\`\n${text}\`\`\``);
  return {
    kind: "diff",
    id,
    prompt: `${shown.join("\n\n")}\n\n${stringField(fields, "instruction", place)}\n\nAnswer with a unified diff in one \`\`\`diff block and nothing else. Paths are written a/PATH and b/PATH.`,
    before,
    after,
    tests: readTests(fields.tests, place),
    reference: fields.reference === undefined ? undefined : stringField(fields, "reference", place),
  };
}

function readTests(value: unknown, place: Place): DiffProblem["tests"] {
  if (value === undefined) return undefined;
  if (typeof value === "string") return { language: "python", source: value };
  if (!isFields(value)) complain(place, "tests", `expected an object, found ${kindOf(value)}`);
  return {
    language: choiceField(value, "language", languages, place),
    source: stringField(value, "source", place, "tests.source"),
  };
}

function files(fields: Fields, name: string, place: Place): Files {
  const value = fields[name];
  if (!isFields(value)) complain(place, name, `expected {path: text}, found ${kindOf(value)}`);
  for (const [path, text] of Object.entries(value)) {
    if (typeof text !== "string")
      complain(place, `${name}.${path}`, `expected a string, found ${kindOf(text)}`);
    if (path.startsWith("/") || path.split("/").includes(".."))
      complain(place, `${name}.${path}`, "expected a path inside the folder");
  }
  return value as Files;
}
