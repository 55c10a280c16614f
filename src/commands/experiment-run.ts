// `sekft experiment run`: data, splits, seeds and arms from one file into one folder.

import { defineCommand } from "../base/command.ts";
import { formatTable } from "../base/format.ts";

export const experimentRun = defineCommand({
  name: "experiment run",
  summary:
    "Runs an experiment: data, training for each seed, and the eval of each arm, into one folder with one report",
  description:
    "FILE is YAML and names bases, held-out archetypes, data, scenarios, training options, seeds and arms (docs/experiment.md). Stages that are " +
    "done are never repeated: a stopped or killed run goes on with the same command, a new arm or seed runs only what it needs. What a done stage was " +
    "made of may not change. Rows that give away something held out are refused by name.",
  options: {
    file: {
      type: "string",
      value: "FILE",
      required: true,
      help: "the experiment, e.g. the experiment.yaml of another one's folder",
    },
    out: {
      type: "string",
      value: "DIR",
      usual: "runs/<name>",
      help: "the experiment's folder; what is done there is taken over",
    },
    dryRun: { type: "flag", help: "only check the file and say which stages are to be done" },
  },
  operand: "file",
  examples: [
    {
      line: "sekft experiment run exp.yaml --out ./runs/exp",
      does: "does whatever is missing, however often it is stopped",
    },
    {
      line: "sekft experiment run exp.yaml --out ./runs/exp --dry-run",
      does: "says which stages there are and how far each is",
    },
  ],
  async run({ file, out, dryRun }, terminal) {
    const { join } = await import("node:path");
    const { writeFileAtomic } = await import("../base/atomic.ts");
    const { readSpec } = await import("../experiment/read-spec.ts");
    const { specName } = await import("../experiment/record.ts");
    const { planExperiment, runExperiment } = await import("../experiment/run.ts");
    const { experimentMachinery } = await import("./experiment-machinery.ts");
    const { spec, text } = readSpec(file);
    const folder = out ?? join("runs", spec.name);
    const machinery = experimentMachinery(terminal);
    if (dryRun) {
      const planned = await planExperiment(spec, folder, machinery, terminal);
      if (terminal.json)
        terminal.out(
          JSON.stringify({
            out: folder,
            stages: planned.map(({ stage: { id, kind }, state }) => ({ id, kind, state })),
          }),
        );
      else
        for (const line of formatTable(
          [{ title: "stage" }, { title: "state" }],
          planned.map(({ stage, state }) => [stage.id, state]),
        ))
          terminal.out(line);
      return;
    }
    const record = await runExperiment(spec, folder, machinery, terminal, {
      onReady: () => writeFileAtomic(join(folder, specName), text),
    });
    const { writeReport } = await import("../experiment/report/write-report.ts");
    const { reportFacts, reportTable } = await import("../experiment/report/report-lines.ts");
    const written = await writeReport(folder);
    if (terminal.json) {
      terminal.out(JSON.stringify({ out: folder, ...record, report: reportFacts(written) }));
      return;
    }
    for (const warning of written.warnings) terminal.warn(warning);
    for (const line of reportTable(written.sets, terminal.columns)) terminal.out(line);
    terminal.out("");
    for (const file of written.files.slice(0, 2)) terminal.out(file);
  },
});
