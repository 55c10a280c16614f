// `sekft pairs`: preference pairs from the kept and the rejected samples of a rollout.

import { defineCommand } from "../base/command.ts";
import { parseTerminals, terminalsOption } from "../base/terminal-words.ts";

export const pairs = defineCommand({
  name: "pairs",
  summary: "Makes preference pairs from kept and rejected samples",
  description:
    "Pairs each kept sample with the rejected ones of the same scenario, cut at the first turn that differs: prompt, chosen and " +
    "rejected are lists of messages, as TRL's preference trainers take them. Infrastructure failures never take part.",
  options: {
    trajectories: {
      type: "string",
      value: "DIR|FILE",
      required: true,
      help: "what `sekft rollout` wrote, rejected samples included",
    },
    out: { type: "string", value: "FILE.jsonl", required: true, help: "where the pairs go" },
    maxPairsPerScenario: {
      type: "int",
      min: 0,
      default: 8,
      help: "of more, those that share the longest history are taken; 0: all",
    },
    terminals: {
      ...terminalsOption,
      usual: "the rows' own",
      help: "words that the pairs are to end in, in place of exit and panic",
    },
  },
  examples: [
    {
      line: "sekft pairs --trajectories ./trajectories --out ./pairs.jsonl",
      does: "writes the pairs and says how they are balanced",
    },
    {
      line: "sekft pairs --trajectories ./trajectories --out ./pairs.jsonl --max-pairs-per-scenario 2 --json",
      does: "at most two pairs a scenario; the report as JSON",
    },
  ],
  async run(options, terminal) {
    const { writePairs } = await import("../factory/pairs/write-pairs.ts");
    const { balanceLines } = await import("../factory/pairs/balance.ts");
    const { trajectories, out, maxPairsPerScenario } = options;
    const terminals = options.terminals === undefined ? undefined : parseTerminals(options.terminals);
    const balance = await writePairs(trajectories, out, maxPairsPerScenario, terminals);
    if (terminal.json) terminal.out(JSON.stringify({ out: options.out, ...balance }));
    else for (const line of [options.out, ...balanceLines(balance)]) terminal.out(line);
  },
});
