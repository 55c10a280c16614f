// `sekft eval compare`: two runs, pair by pair.

import { defineCommand } from "../base/command.ts";

export const evalCompare = defineCommand({
  name: "eval compare",
  summary: "Compares two eval runs pair by pair, with flips and exact tests",
  description:
    "Pairs episodes by scenario, content and sample; warns where the runs were not alike. Arms of the same name are compared, or the " +
    "only arm of each run, or those that --arm-a and --arm-b name.",
  options: {
    runA: { type: "string", value: "RUN_A", required: true, help: "folder of the first run" },
    runB: { type: "string", value: "RUN_B", required: true, help: "folder of the second run" },
    armA: { type: "string", value: "NAME", help: "arm of the first run" },
    armB: { type: "string", value: "NAME", help: "arm of the second run" },
  },
  operand: ["runA", "runB"],
  examples: [
    { line: "sekft eval compare ./before ./after", does: "what changed between two runs" },
    {
      line: "sekft eval compare ./results ./results --arm-a base --arm-b ckpt --json",
      does: "two arms of one run, as JSON",
    },
  ],
  async run({ runA, runB, armA, armB }, terminal) {
    const { compareRuns } = await import("../eval/compare-runs.ts");
    const { comparisonLines } = await import("../eval/report/result-lines.ts");
    const { show } = await import("../base/errors.ts");
    const { comparisons, differences } = compareRuns(
      { folder: runA, arm: armA },
      { folder: runB, arm: armB },
    );
    for (const { kind, what, first, second } of differences)
      terminal.warn(
        `eval compare: ${kind === "settings" ? "the runs differ in" : "the surroundings differ in"} ${what}: ${show(first)} and ${show(second)}`,
      );
    if (terminal.json) return terminal.out(JSON.stringify({ compare: comparisons, differences }));
    for (const comparison of comparisons)
      for (const line of comparisonLines(comparison, terminal.columns)) terminal.out(line);
  },
});
