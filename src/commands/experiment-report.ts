// `sekft experiment report`: what an experiment found, as files.

import { defineCommand } from "../base/command.ts";

export const experimentReport = defineCommand({
  name: "experiment report",
  summary: "Writes the report of an experiment: Markdown, page, figures, model cards",
  description:
    "Everything is counted from the files of the experiment, finished or not; running it again gives the same bytes. Damaged " +
    "files are named, and what is whole is shown.",
  options: {
    folder: { type: "string", value: "DIR", required: true, help: "folder of the experiment" },
    out: { type: "string", value: "DIR", help: "folder of the report; DIR/report unless given" },
  },
  operand: "folder",
  examples: [
    {
      line: "sekft experiment report ./smollm2",
      does: "writes smollm2/report/report.html and what goes with it",
    },
    {
      line: "sekft experiment report ./smollm2 --out docs/experiments/smollm2 --json",
      does: "writes it elsewhere, prints files, warnings and results as JSON",
    },
  ],
  async run({ folder, out }, terminal) {
    const { writeReport } = await import("../experiment/report/write-report.ts");
    const { reportFacts, reportTable } = await import("../experiment/report/report-lines.ts");
    const written = await writeReport(folder, out);
    if (terminal.json) return terminal.out(JSON.stringify(reportFacts(written)));
    for (const warning of written.warnings) terminal.warn(warning);
    for (const line of reportTable(written.sets, terminal.columns)) terminal.out(line);
    terminal.out("");
    for (const file of written.files.slice(0, 2)) terminal.out(file);
  },
});
