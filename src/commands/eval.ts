// `sekft eval`: base and adapters in the same worlds, judged by what they left behind.

import { defineCommand } from "../base/command.ts";
import { UserError } from "../base/errors.ts";
import { evalOptions } from "../eval/eval-options.ts";
import { sandboxOptions } from "../sandbox/sandbox-options.ts";
import { armOptions } from "./eval-arms.ts";

export const evalCommand = defineCommand({
  name: "eval",
  summary: "Measures base and adapters on scenarios, in a sandbox, by effect",
  description:
    "Every arm meets the same scenarios in worlds of its own: does it operate the provider program, discover its directive, end the " +
    "session, and is the work done when nobody looks? Shares come with Wilson intervals, arms are compared pair by pair. Failures of " +
    "the machinery are tried again and never scored. Writes result.json, episodes.jsonl, report.md and report.html to --out; a run " +
    "that was cut short goes on with the same command.",
  options: { ...armOptions, ...evalOptions, ...sandboxOptions },
  examples: [
    {
      line: "sekft eval --base ./SmolLM2-135M-Instruct --adapter ./ckpt --scenarios ./holdout --n 16",
      does: "compares an adapter with its base on 16 scenarios",
    },
    {
      line: "sekft eval --url http://127.0.0.1:8080/v1 --model my-model --scenarios ./holdout --out ./results",
      does: "measures a model that a server holds",
    },
    {
      line: "sekft eval --resident --adapter ./ckpt --scenarios ./holdout --samples 4 --temperature 0.7",
      does: "four drawn sessions of each scenario on the base of a running resident: pass@k and pass^k",
    },
  ],
  async run(options, terminal) {
    const { readScenariosOrTasks } = await import("../eval/harbor/task-folders.ts");
    const { chooseScenarios } = await import("../eval/choose-scenarios.ts");
    const { evaluate } = await import("../eval/evaluate.ts");
    const { readPrime } = await import("../eval/prime.ts");
    const { resultLines } = await import("../eval/report/result-lines.ts");
    const { leakageWarnings, openArms } = await import("./eval-arms.ts");
    const { openProvider } = await import("../sandbox/open-provider.ts");
    const all = readScenariosOrTasks(options.scenarios);
    const unproven = all.find(({ proven }) => proven === false);
    if (unproven)
      throw new UserError(
        `${options.scenarios}: expected proven scenarios, got ${unproven.id} (proven: false)`,
        {
          hint: "nobody knows whether it can be solved; author it again without --no-sandbox",
        },
      );
    const wanted = options.archetypes;
    const missing = wanted?.find((name) => !all.some(({ archetype }) => archetype === name));
    if (missing !== undefined)
      throw new UserError(`--archetypes: expected archetypes of ${options.scenarios}, got ${missing}`);
    const scenarios = chooseScenarios(
      all.filter(({ archetype }) => wanted?.includes(archetype) ?? true),
      options.n,
    );
    if (options.n !== undefined && scenarios.length < options.n)
      terminal.warn(
        `eval: --n ${options.n}: there are only ${scenarios.length} scenarios; all of them are taken`,
      );
    const prime = options.prime === undefined ? undefined : await readPrime(options.prime);
    await using provider = await openProvider(options, (line) => terminal.note(line));
    await using models = await openArms(options, options.jobs, options, terminal);
    for (const warning of await leakageWarnings(options, scenarios)) terminal.warn(warning);
    const { folder, result } = await evaluate(
      options,
      { arms: models.arms, scenarios, provider, prime },
      terminal,
    );
    if (terminal.json) terminal.out(JSON.stringify({ out: folder, ...result }));
    else {
      for (const line of resultLines(result, terminal.columns)) terminal.out(line);
      terminal.out(`${folder}/report.html has the transcripts`);
    }
  },
});
