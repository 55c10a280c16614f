// `sekft inspect data`: what a data set is made of.

import { defineCommand } from "../base/command.ts";
import { dataOptions, toDatasetOptions } from "../data/data-options.ts";

export const inspectData = defineCommand({
  name: "inspect data",
  summary: "Counts archetypes, outcomes, terminals, lengths, duplicates and defects",
  description:
    "Reads every trajectory and checks it. With --base, lengths are counted in tokens too. Warns when panic or empty-queue " +
    "sessions are under 5 % of the rows.",
  options: {
    base: {
      type: "string",
      value: "DIR|FILE.gguf",
      group: "Data",
      aliases: ["model-name-or-path"],
      help: "base model, to count tokens; its tokenizer files are enough",
    },
    ...dataOptions,
    data: { ...dataOptions.data, required: true },
  },
  examples: [
    {
      line: "sekft inspect data --data ./trajectories",
      does: "shows counts, lengths, duplicates and what is wrong",
    },
    {
      line: "sekft inspect data --data rows.parquet --base ./model --json",
      does: "the same with tokens, for a program",
    },
  ],
  async run(options, terminal) {
    const { dataStatistics } = await import("../data/statistics.ts");
    const { loadChatFormat } = await import("../data/chat/load-chat-format.ts");
    const { statisticsLines } = await import("../data/view/statistics-lines.ts");
    const format =
      options.base === undefined ? undefined : loadChatFormat(options.base, options.chatTemplate);
    const statistics = await dataStatistics(toDatasetOptions(options), format);
    if (terminal.json) terminal.out(JSON.stringify(statistics));
    else for (const line of statisticsLines(statistics, terminal.columns)) terminal.out(line);
  },
});
