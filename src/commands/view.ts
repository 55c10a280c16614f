// `sekft view`: runs, evals and trajectories in a page of this machine.

import { defineCommand } from "../base/command.ts";
import { viewOptions } from "../view/view-options.ts";

export const view = defineCommand({
  name: "view",
  summary: "Shows training runs, evals and trajectories in a local web page",
  description:
    "Looks through folders and serves one page on this machine: curves of training while it goes on, several runs overlaid, tables and " +
    "transcripts of evals side by side, masks and statistics of data. Reads only; asks for nothing on the network; the address holds " +
    "a token that is new each time. Ctrl-C ends it.",
  options: viewOptions,
  operand: "paths",
  examples: [
    { line: "sekft view", does: "shows what lies in runs/ and below the folder you are in" },
    {
      line: "sekft view ./ckpt ./results --base ./SmolLM2-135M-Instruct --port 8100 --no-open",
      does: "shows a training run and an eval, with a tokenizer for masks, on a port of your choice",
    },
  ],
  async run(options, terminal) {
    const { serveView } = await import("../view/serve-view.ts");
    await serveView(options, terminal);
  },
});
