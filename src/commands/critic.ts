// `sekft critic`: labels candidates by what they are and do, with the evidence; repairs those that a model can correct.

import { defineCommand } from "../base/command.ts";
import { criticOptions } from "../critic/critic-options.ts";

export const critic = defineCommand({
  name: "critic",
  summary: "Judges training candidates by running them, and labels each with evidence",
  description:
    "Each row is brought to one shape and labelled: syntax_pass, tests_pass, entrypoint_match, format_pass, no_secret, no_repetition " +
    "and accepted, each true, false or null (does not apply, or could not be told), with the evidence beside it. Programs run in a " +
    "sandbox without network. Nothing is thrown away: train takes the accepted rows of --out. A killed run goes on with the same " +
    "command, and a content that was judged is not judged again.",
  options: criticOptions,
  examples: [
    {
      line: "sekft critic --in candidates.jsonl --out judged.jsonl",
      does: "labels every row and says how many each label lets through",
    },
    {
      line: "sekft critic --in candidates.jsonl --out judged.jsonl --repair --url http://127.0.0.1:8080/v1 --model teacher",
      does: "also asks a model to correct what failed, and keeps the corrections that pass",
    },
    {
      line: "sekft critic --in candidates.jsonl --out judged.jsonl --sandbox none --require syntax_pass",
      does: "without running anything",
    },
  ],
  async run(options, terminal) {
    const { repairsPath, runCritic } = await import("../critic/run-critic.ts");
    const { yieldLines } = await import("../critic/yield-report.ts");
    const report = await runCritic(options, terminal);
    const repairs = options.repair ? repairsPath(options) : undefined;
    if (terminal.json) {
      terminal.out(JSON.stringify({ out: options.out, ...(repairs && { repairs }), ...report }));
      return;
    }
    terminal.out(options.out);
    if (repairs !== undefined) terminal.out(repairs);
    for (const line of yieldLines(report)) terminal.out(line);
  },
});
