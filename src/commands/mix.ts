// `sekft mix`: several sources of rows as one file of training data, in shares.

import { defineCommand } from "../base/command.ts";
import { resolveInputs } from "./resolve-inputs.ts";

export const mix = defineCommand({
  name: "mix",
  summary: "Mixes sources of rows into one file, in exact shares",
  description:
    "The YAML file names sources with their shares, by rows, characters or tokens (docs/mix.md). Near-duplicates go, and rows that " +
    "hold what a benchmark or a held-out archetype asks are refused, left out or listed. Files may be larger than memory; the same " +
    "seed makes the same bytes. Beside the mix lie what was held out, a line for each row that was taken out, and the report.",
  options: {
    config: {
      type: "string",
      value: "FILE.yaml",
      required: true,
      help: "the mix: sources, shares, seed, total, dedup, contamination, holdout",
    },
    out: { type: "string", value: "FILE.jsonl", required: true, help: "where the mixed rows go" },
    holdoutOut: {
      type: "string",
      value: "FILE.jsonl",
      usual: "<out>.holdout.jsonl",
      help: "where rows go that the file holds out",
    },
    seed: { type: "int", min: 0, usual: "the file's, or 42", help: "in place of the file's seed" },
    base: {
      type: "string",
      value: "DIR|FILE.gguf",
      usual: "the file's",
      help: "whose tokenizer and chat template count tokens, in place of the file's base",
    },
    dryRun: { type: "flag", help: "read everything and report the shares, write nothing" },
  },
  examples: [
    {
      line: "sekft mix --config mix.yaml --out train.jsonl",
      does: "writes train.jsonl, and what was held out and taken out beside it",
    },
    {
      line: "sekft mix --config mix.yaml --out train.jsonl --dry-run --json",
      does: "only says what the shares would be",
    },
  ],
  async run({ config, out, holdoutOut, seed, base, dryRun }, terminal) {
    const { readMix } = await import("../mix/read-spec.ts");
    const { runMix } = await import("../mix/run-mix.ts");
    const { reportLines } = await import("../mix/report.ts");
    const file = readMix(config, base);
    const inputs = await resolveInputs({ base: file.base }, terminal);
    const spec = { ...file, seed: seed ?? file.seed, base: inputs.base };
    const stem = out.replace(/\.jsonl$/, "");
    const paths = {
      out,
      holdout: holdoutOut ?? `${stem}.holdout.jsonl`,
      removed: `${stem}.removed.jsonl`,
      report: `${stem}.mix.json`,
    };
    const report = await runMix(spec, paths, terminal, dryRun);
    if (terminal.json) terminal.out(JSON.stringify(report));
    else for (const line of reportLines(report, terminal.columns)) terminal.out(line);
    for (const warning of report.warnings) terminal.warn(`mix: ${warning}`);
  },
});
