// JSON held against a schema of draft 2020-12, formats included.

import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

/** What came of a value and its schema. */
export type SchemaVerdict =
  | { readonly kind: "valid" }
  | { readonly kind: "invalid"; readonly reason: string }
  /** The schema itself cannot be used. */
  | { readonly kind: "no_schema"; readonly reason: string };

/** Checks `value`. A schema that names an older draft is read as 2020-12. */
export function checkSchema(schema: unknown, value: unknown): SchemaVerdict {
  const ajv = new Ajv2020({ strict: false, allErrors: false, validateFormats: true, logger: false });
  addFormats.default(ajv);
  let validate: ReturnType<typeof ajv.compile>;
  try {
    const plain =
      schema !== null &&
      typeof schema === "object" &&
      !/2020-12/.test(String((schema as { $schema?: unknown }).$schema ?? "2020-12"))
        ? { ...schema, $schema: undefined }
        : schema;
    validate = ajv.compile(JSON.parse(JSON.stringify(plain)));
  } catch (error) {
    return { kind: "no_schema", reason: error instanceof Error ? error.message : String(error) };
  }
  if (validate(value)) return { kind: "valid" };
  const first = validate.errors?.[0];
  return {
    kind: "invalid",
    reason: `${first?.instancePath || "the value"} ${first?.message ?? "does not match"}`,
  };
}
