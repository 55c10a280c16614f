// `sekft export card`: the model card of a trained adapter.

import { defineCommand } from "../base/command.ts";

export const exportCardCommand = defineCommand({
  name: "export card",
  summary: "Writes a model card: YAML header, real options, data, loss curve, eval table",
  description:
    "Everything comes from the run folder: options.json, manifest.json, trainer_state.json, and result.json of an eval when there is " +
    "one. Of paths on this machine only the last part is written.",
  options: {
    adapter: { type: "string", value: "DIR", required: true, help: "output folder of a training run" },
    out: {
      type: "string",
      value: "README.md",
      required: true,
      help: "file to write; the picture goes beside it",
    },
    eval: { type: "string", value: "result.json", help: "result of an eval; looked for in the folder" },
    license: { type: "string", value: "ID", help: "licence for the header, e.g. apache-2.0" },
    dataset: { type: "list", value: "ORG/NAME", help: "data sets on the Hub, for the header" },
    force: { type: "flag", help: "replace a card that exists" },
  },
  examples: [
    {
      line: "sekft export card --adapter ./ckpt --out card/README.md",
      does: "writes card and loss-curve.svg",
    },
    {
      line: "sekft export card --adapter ./ckpt --eval results/result.json --license apache-2.0 --out ckpt/README.md --force",
      does: "adds the eval, replaces the short card of the run",
    },
  ],
  async run(options, terminal) {
    const { exportCard } = await import("../export/model-card.ts");
    const { adapter, dataset, force, license, out } = options;
    const done = exportCard(adapter, out, {
      evalResult: options.eval,
      license,
      datasets: dataset ?? [],
      force,
    });
    for (const note of done.notes) terminal.warn(`note: ${note}`);
    terminal.out(terminal.json ? JSON.stringify(done) : [done.path, done.picture].filter(Boolean).join("\n"));
  },
});
