// `sekft rollout`: an operator through every scenario, and of what it did the trajectories that are fit to train on.

import { defineCommand } from "../base/command.ts";
import { formatShare } from "../base/format.ts";
import { rolloutOptions } from "../factory/rollout/options.ts";
import { sandboxOptions } from "../sandbox/sandbox-options.ts";

export const rollout = defineCommand({
  name: "rollout",
  summary: "Runs an operator through scenarios and keeps the clean trajectories",
  description:
    "Each session runs in a sandbox of its own and is judged by its effect. --out gets trajectories.jsonl (every finished session, " +
    "keep true or false with the reason), a manifest and a summary; train takes the folder as it is. A killed run goes on with the " +
    "same command. Without --url (or $SEKFT_URL) the built-in operator acts, without --scenarios the built-in author writes.",
  options: { ...rolloutOptions, ...sandboxOptions },
  examples: [
    {
      line: "sekft rollout --scenarios ./scenarios --out ./trajectories --samples 3 --url http://127.0.0.1:8080/v1 --model teacher",
      does: "three sessions of a teacher model in each scenario",
    },
    {
      line: "sekft rollout --n 200 --out ./trajectories --holdout text_replace,permissions",
      does: "the whole factory without a model: writes scenarios and goes on until 200 clean trajectories are kept",
    },
    {
      line: "sekft rollout --scenarios ./scenarios --out ./with-mistakes --faults 0.4",
      does: "sessions of which some go wrong, for `sekft pairs`",
    },
  ],
  async run(options, terminal) {
    const { rollout: start } = await import("../factory/rollout/rollout.ts");
    const { openSupply } = await import("../factory/rollout/open-supply.ts");
    const { openProvider } = await import("../sandbox/open-provider.ts");
    await using provider = await openProvider(options, (line) => terminal.note(line));
    using supply = openSupply(options, provider, terminal);
    const summary = await start(options, supply, provider, terminal);
    if (terminal.json) {
      terminal.out(JSON.stringify({ out: options.out, ...summary }));
      return;
    }
    terminal.out(options.out);
    terminal.out(
      `kept ${summary.kept} of ${summary.finished} (${formatShare(summary.kept, summary.finished)})`,
    );
    for (const [archetype, { kept, finished }] of Object.entries(summary.archetypes))
      terminal.out(`  ${archetype.padEnd(18)} ${kept}/${finished}`);
    for (const [reason, count] of Object.entries(summary.reasons))
      terminal.out(`  not kept: ${reason} (${count})`);
  },
});
