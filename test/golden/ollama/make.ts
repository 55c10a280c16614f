// Remakes go.json: what Go's text/template makes of our translations. Needs Go.
// Command, from the root: bun run test/golden/ollama/make.ts

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { goTemplate } from "../../../src/export/go-template.ts";
import { translateChat } from "../../../src/export/ollama.ts";
import { addsBos, chatSource, conversations, prompts, templateNames } from "../../export/chat-templates.ts";

const translated: Record<string, string> = {};
for (const name of templateNames) {
  try {
    translated[name] = goTemplate(translateChat(chatSource(name), "auto", () => addsBos(name)).format);
  } catch {
    // Refused; the test says which ones may be.
  }
}
const cases = Object.entries(translated).flatMap(([name, template]) => [
  ...prompts
    .filter((row) => row.template === name)
    .map(({ messages }) => ({ name, template, messages })),
  ...conversations().map((messages) => ({ name, template, messages })),
]);
const go = Bun.spawnSync(["go", "run", join(import.meta.dir, "make.go")], {
  stdin: Buffer.from(JSON.stringify(cases)),
  stderr: "inherit",
});
const results: object[] = JSON.parse(go.stdout.toString());
const rows = cases.map(({ name, messages }, i) => ({ name, messages, ...results[i] }));
const list = rows.map((row) => JSON.stringify(row)).join(",\n");
writeFileSync(
  join(import.meta.dir, "go.json"),
  `{"templates": ${JSON.stringify(translated, null, 1)},\n"rows": [\n${list}\n]}\n`,
);
