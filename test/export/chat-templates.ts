// The public chat templates of the fixtures, and the conversations that Go and Jinja must write alike.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { ChatTemplate } from "../../src/data/chat/chat-template.ts";
import type { ChatSource } from "../../src/export/chat-source.ts";
import type { Turn } from "../../src/export/turn-format.ts";

const text = join(import.meta.dir, "../golden/text");
const sources: Record<string, { readonly variables: Readonly<Record<string, string>> }> = JSON.parse(
  readFileSync(join(text, "templates/SOURCES.json"), "utf8"),
);
export const templateNames = Object.keys(sources);

/** A template of the fixtures, as one would be read from a tokenizer directory. */
export function chatSource(name: string): ChatSource {
  const { variables } = sources[name]!;
  const jinja = readFileSync(join(text, `templates/${name}.jinja`), "utf8");
  return {
    file: `${name}.jinja`,
    bosToken: variables.bos_token,
    stops: [],
    templateAt: (now) => new ChatTemplate(jinja, variables, name, now),
  };
}

/** SmolLM2's vocabulary calls the opening of every turn its bos token, and no program puts another one in front. */
export function addsBos(name: string): boolean {
  return name !== "smollm2-instruct";
}

interface RenderRow {
  readonly template: string;
  readonly case: string;
  readonly add_generation_prompt: boolean;
  readonly messages: readonly Turn[];
  readonly text?: string;
}

/** What transformers made of the templates: `render.jsonl` of the fixtures, rows that end in a prompt. */
export const prompts: readonly RenderRow[] = gunzipSync(readFileSync(join(text, "render.jsonl.gz")))
  .toString()
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as RenderRow)
  .filter(
    (row) =>
      row.add_generation_prompt &&
      !["tools", "thinking switched off"].includes(row.case) &&
      row.messages.length > 0,
  );

/** Conversations of every order, and contents with white space, braces and text beyond ASCII at the edges. */
export function conversations(): Turn[][] {
  const contents = [
    "alice@sek:~$ ",
    "  qdir --next\n\n",
    "\u2003\u00a0\u0085wide\u3000\u2029",
    'say "{{ .Content }}" {% if %}\\n',
    "\u001c\u000b日本語 ☕ 𝒳\r\n",
    "x",
  ];
  const orders = ["u", "uau", "uauau", "su", "suau", "ua", "sua", "usu", "uu", "au", "t", "ss"];
  const roles = { u: "user", a: "assistant", s: "system", t: "tool" } as const;
  const long = [{ role: "user", content: `${" \n".repeat(400)}ls${"\t ".repeat(400)}` }];
  const mixed = orders.flatMap((order, i) =>
    [0, 3].map((shift) =>
      [...order].map((letter, j) => ({
        role: roles[letter as keyof typeof roles],
        content: contents[(i + j + shift) % contents.length]!,
      })),
    ),
  );
  return [...mixed, long];
}
