// `sekft export harbor`: scenarios as Harbor tasks.

import { defineCommand } from "../base/command.ts";

export const exportHarbor = defineCommand({
  name: "export harbor",
  summary: "Writes scenarios as Harbor task folders",
  description:
    "One folder a scenario: task.toml (schema 1.1), instruction.md with what the operator sees at login, environment/ with the world, " +
    "tests/ with the checker, solution/ with the reference. `sekft eval --scenarios` reads such folders again. Harbor judges the effect " +
    "only: it knows no exit and no panic.",
  options: {
    scenarios: { type: "string", value: "DIR|FILE", required: true, help: "scenario bundles" },
    out: { type: "string", value: "DIR", required: true, help: "where the task folders go" },
  },
  examples: [
    { line: "sekft export harbor --scenarios ./holdout --out ./tasks", does: "writes one task a bundle" },
    {
      line: "sekft export harbor --scenarios ./holdout/permissions-000.json --out ./tasks --json",
      does: "writes one task and names its folder",
    },
  ],
  async run({ scenarios, out }, terminal) {
    const { readScenarios } = await import("../data/scenario-files.ts");
    const { writeTaskFolders } = await import("../eval/harbor/task-folders.ts");
    const folders = writeTaskFolders(out, readScenarios(scenarios));
    if (terminal.json) terminal.out(JSON.stringify({ tasks: folders }));
    else for (const folder of folders) terminal.out(folder);
  },
});
