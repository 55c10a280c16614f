// `sekft sandbox clean`: removes what dead runs left behind.

import { defineCommand } from "../base/command.ts";
import { sandboxOptions } from "../sandbox/sandbox-options.ts";

export const sandboxClean = defineCommand({
  name: "sandbox clean",
  summary: "Removes containers, volumes and folders of runs that have died",
  description:
    "Everything that a world is made of carries the run's name, process and boot. What belongs to a process that is gone is removed; " +
    "what belongs to one that lives, to another machine or to somebody else is not touched. --all also removes what belongs to runs that live.",
  options: {
    sandbox: { ...sandboxOptions.sandbox, help: "where to look; auto looks wherever worlds can be" },
    all: { type: "flag", help: "remove the worlds of runs that live, too: they fail" },
    dryRun: { type: "flag", help: "say what would be removed" },
  },
  examples: [
    { line: "sekft sandbox clean --dry-run", does: "lists what dead runs left" },
    { line: "sekft sandbox clean --all", does: "ends every world there is" },
  ],
  async run(options, terminal) {
    const { cleanWorlds } = await import("../sandbox/open-provider.ts");
    const { all, dryRun, sandbox } = options;
    const removed = await cleanWorlds(sandbox, { all, dryRun });
    terminal.note(`${dryRun ? "would remove" : "removed"}: ${removed.length}`);
    if (terminal.json) terminal.out(JSON.stringify({ removed, dry_run: dryRun }));
    else for (const what of removed) terminal.out(what);
  },
});
