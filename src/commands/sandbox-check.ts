// `sekft sandbox check`: what holds of the sandbox on this machine.

import { defineCommand } from "../base/command.ts";
import { InfrastructureError, UserError } from "../base/errors.ts";
import { startProgress } from "../base/progress.ts";
import { sandboxOptions } from "../sandbox/sandbox-options.ts";

export const sandboxCheck = defineCommand({
  name: "sandbox check",
  summary: "Runs the conformance suite over the sandbox of this machine",
  description:
    "Stands worlds up and tries what a sandbox must do and must not let happen: commands and their output, timeouts, what a session " +
    "keeps, how it ends, traces of the harness, isolation, limits, and verdicts that cannot be forged. A check that the provider " +
    "itself says it cannot pass here is a skip with its reason. Exit code 1 when a check fails.",
  options: {
    ...sandboxOptions,
    only: {
      type: "list",
      value: "GLOB,...",
      help: "checks whose id fits one of these, e.g. timeouts or 'verdict/*'",
    },
    jobs: { type: "int", min: 1, max: 64, default: 4, unit: "worlds", help: "checks that run at a time" },
    list: { type: "flag", help: "names the checks and where each comes from, and runs none" },
  },
  examples: [
    { line: "sekft sandbox check", does: "checks Docker, or bubblewrap where no engine answers" },
    {
      line: "sekft sandbox check --sandbox bubblewrap --only timeouts,verdict",
      does: "checks two groups of it with bubblewrap",
    },
    { line: "sekft sandbox check --json", does: "prints one record with every check, for a program" },
  ],
  async run(options, terminal) {
    const { chooseChecks } = await import("../sandbox/conformance/suite.ts");
    const checks = chooseChecks(options.only ?? ["*"]);
    if (checks.length === 0)
      throw new UserError(`--only: expected the id of a check, got ${options.only?.join(", ")}`, {
        hint: "`sekft sandbox check --list` names them",
      });
    if (options.list) {
      const listed = checks.map(({ id, group, title, why }) => ({ id, group, title, why }));
      if (terminal.json) terminal.out(JSON.stringify(listed));
      else for (const { id, title, why } of listed) terminal.out(`${id}: ${title} (${why})`);
      return;
    }
    const { openProvider } = await import("../sandbox/open-provider.ts");
    const { runChecks } = await import("../sandbox/conformance/run-checks.ts");
    const { conformanceLines, conformanceRecord } = await import("../sandbox/conformance/report.ts");
    await using provider = await openProvider(options, (line) => terminal.note(line));
    const progress = startProgress(terminal, {
      label: "sandbox check",
      total: checks.length,
      unit: "checks",
    });
    const began = performance.now();
    let done = 0;
    let failed = 0;
    const outcomes = await runChecks(provider, checks, options.jobs, ({ status, check }) => {
      done += 1;
      if (status === "failed") {
        failed += 1;
        progress.note(`failed: ${check.id}`);
      }
      progress.update(done, failed > 0 ? `${failed} failed` : undefined);
    });
    progress.end();
    const facts = await provider.facts();
    const seconds = (performance.now() - began) / 1000;
    if (terminal.json) terminal.out(JSON.stringify(conformanceRecord(facts, outcomes)));
    else for (const line of conformanceLines(facts, outcomes, seconds, terminal.columns)) terminal.out(line);
    if (failed > 0)
      throw new InfrastructureError(
        "sandbox_dead",
        `sandbox check: expected every check to pass, got ${failed} of ${checks.length} that failed`,
        { hint: "what a failed check names does not hold here: do not trust verdicts until it does" },
      );
  },
});
