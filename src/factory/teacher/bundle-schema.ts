// What a teacher model is asked for: the part of a bundle that needs ideas. The rest is filled in here.

const text = { type: "string" } as const;
const orNull = { type: ["string", "null"] } as const;

function object(properties: Readonly<Record<string, unknown>>) {
  return { type: "object", additionalProperties: false, required: Object.keys(properties), properties };
}

function list(items: unknown, description: string) {
  return { type: "array", items, description };
}

/** JSON schema of the answer. Every field is required and maps are lists of pairs, as strict servers want it. */
export const bundleSchema = object({
  dirs: list(
    object({ path: text, mode: orNull }),
    "directories that exist at the start, mode octal such as 0755 or null",
  ),
  fixtures: list(
    object({ path: text, content: text, mode: orNull }),
    "files that exist at the start, the announcement's own file included",
  ),
  env: list(object({ name: text, value: text }), "variables of the session"),
  provider: object({ name: text, path: text, script: text }),
  announcement: object({
    kind: { type: "string", enum: ["motd", "banner", "env", "file"] },
    login: { ...text, description: "what the operator sees before the first prompt" },
  }),
  directive: {
    ...orNull,
    description: "exactly the text that the provider prints; null when it hands out nothing",
  },
  checker: { ...text, description: "sh script that only looks; status 0 when the work is done" },
  reference_solution: list(text, "commands of one whole session, the last one exit or panic"),
  expected_terminal: { type: "string", enum: ["exit", "panic"] },
});
