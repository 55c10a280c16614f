// `sekft export atif`: episodes as ATIF trajectories.

import { defineCommand } from "../base/command.ts";

export const exportAtif = defineCommand({
  name: "export atif",
  summary: "Writes episodes as ATIF trajectories, one file each",
  description:
    "ATIF-v1.7, the trajectory format of Harbor: a system step, the login screen, then one agent step a command with its call of `sh`, " +
    "its output and its tokens.",
  options: {
    episodes: {
      type: "string",
      value: "DIR|FILE",
      required: true,
      help: "folder or episodes.jsonl of an eval, or trajectories",
    },
    out: { type: "string", value: "DIR", required: true, help: "where the files go" },
  },
  examples: [
    {
      line: "sekft export atif --episodes ./results/episodes.jsonl --out ./atif",
      does: "an eval's episodes",
    },
    { line: "sekft export atif --episodes ./trajectories --out ./atif", does: "what a rollout recorded" },
  ],
  async run({ episodes, out }, terminal) {
    const { writeAtif } = await import("../eval/write-atif.ts");
    const files = await writeAtif(episodes, out);
    terminal.out(terminal.json ? JSON.stringify({ out, files }) : `${out}: ${files} files`);
  },
});
