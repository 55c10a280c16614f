// What a format probe asks: a job that hardly matters, and the form that its answer must have.

import type { Place } from "../../base/errors.ts";
import { choiceField, complain, type Fields, isFields, kindOf, stringField } from "../../data/turn-checks.ts";

/** The forms, in the order of the report. */
export const FORMS = ["command", "json", "diff", "function"] as const;
export type Form = (typeof FORMS)[number];

/** One prompt. */
export interface FormPrompt {
  readonly id: string;
  readonly kind: Form;
  readonly prompt: string;
  /** json: JSON Schema, draft 2020-12; undefined: any JSON. */
  readonly schema: unknown;
  /** diff: path -> text that the patch must apply to, strictly. */
  readonly files: Readonly<Record<string, string>>;
  /** function: the name to define. */
  readonly entryPoint: string | undefined;
}

/** Reads a row `{id, kind, prompt, schema?, files?, entry_point?}`.
 *  @throws DataError naming the field */
export function readFormPrompt(fields: Fields, place: Place): FormPrompt {
  const id = stringField(fields, "id", place);
  const kind = choiceField(fields, "kind", FORMS, place);
  const prompt = stringField(fields, "prompt", place);
  const { schema, files = {}, entry_point: entry } = fields;
  if (!isFields(files)) complain(place, "files", `expected {path: text}, found ${kindOf(files)}`);
  for (const [path, text] of Object.entries(files))
    if (typeof text !== "string")
      complain(place, `files.${path}`, `expected a string, found ${kindOf(text)}`);
  if (kind === "diff" && Object.keys(files).length === 0)
    complain(place, "files", "missing; a diff is judged over files");
  if (kind === "function") stringField(fields, "entry_point", place);
  if (schema !== undefined && typeof schema !== "boolean" && !isFields(schema))
    complain(place, "schema", `expected an object, found ${kindOf(schema)}`);
  return {
    id,
    kind,
    prompt,
    schema,
    files: files as Readonly<Record<string, string>>,
    entryPoint: kind === "function" ? (entry as string) : undefined,
  };
}
