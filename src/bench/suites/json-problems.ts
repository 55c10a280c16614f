// Problems of JSON and function calls: a schema to keep to, or tools of which one is to be called.

import { DataError } from "../../base/errors.ts";
import { arrayField, complain, isFields, kindOf, stringField } from "../../data/turn-checks.ts";
import type { JsonProblem, Tool } from "../problem.ts";
import { likelyBenchmark, needFields, type Row } from "./rows.ts";

/** What models are asked; results name it, since another wording gives other figures. */
export const jsonStyle = "chat: schema or tools in the turn, answer with JSON alone";

/** Reads one row: `id, prompt, schema | tools, expected?, reference?`.
 *  @throws DataError naming the field */
export function readJsonProblem(row: Row): JsonProblem {
  const { fields, place } = row;
  const id =
    fields.id === undefined ? stringField(fields, "task_id", place) : stringField(fields, "id", place);
  needFields(row, "json", ["prompt"]);
  const asked = stringField(fields, "prompt", place);
  const { schema, expected } = fields;
  const tools = fields.tools === undefined ? [] : readTools(row);
  if ((schema === undefined) === (tools.length === 0))
    throw new DataError(
      place,
      `expected either a schema or tools, found ${schema === undefined ? "neither" : "both"}`,
      schema === undefined ? likelyBenchmark(fields, "json") : {},
    );
  if (schema !== undefined && typeof schema !== "boolean" && !isFields(schema))
    complain(place, "schema", `expected an object, found ${kindOf(schema)}`);
  if (tools.length > 0 && expected !== undefined) {
    if (!isFields(expected) || typeof expected.name !== "string")
      complain(place, "expected", "expected {name, arguments}");
    if (!tools.some(({ name }) => name === expected.name))
      complain(place, "expected.name", `${expected.name} is none of the tools`);
  }
  const reference =
    fields.reference === undefined
      ? expected === undefined
        ? undefined
        : JSON.stringify(expected)
      : stringField(fields, "reference", place);
  const frame =
    schema === undefined
      ? `You may call one of these tools:\n${JSON.stringify(tools, null, 1)}\n\n${asked}\n\nAnswer with the call alone, as JSON: {"name": ..., "arguments": {...}}`
      : `${asked}\n\nAnswer with JSON alone that is valid against this schema:\n${JSON.stringify(schema, null, 1)}`;
  return { kind: "json", id, prompt: frame, schema, tools, expected, reference };
}

/** Tools in the plain form, or in OpenAI's (`{type: "function", function: {...}}`). */
function readTools({ fields, place }: Row): Tool[] {
  return arrayField(fields, "tools", place).map((value, i) => {
    const path = `tools[${i}]`;
    const tool = isFields(value) && isFields(value.function) ? value.function : value;
    if (!isFields(tool)) complain(place, path, `expected an object, found ${kindOf(tool)}`);
    return {
      name: stringField(tool, "name", place, `${path}.name`),
      description: typeof tool.description === "string" ? tool.description : "",
      parameters: tool.parameters ?? {},
    };
  });
}
