// `sekft quickstart`: the published result in miniature, on this machine.

import { defineCommand } from "../base/command.ts";
import { embeddedName } from "../embedded/name.ts";
import { usualMinutes } from "../quickstart/budget.ts";
import { evaluation } from "../quickstart/recipe.ts";
import { sandboxOptions } from "../sandbox/sandbox-options.ts";

export const quickstart = defineCommand({
  name: "quickstart",
  summary:
    "Shows the whole story in minutes: writes sessions, trains an adapter, measures it against its base",
  description:
    "Sessions of seven kinds of work are written, really run in a sandbox and checked; a LoRA is trained on them; then base and adapter " +
    "meet scenarios of two kinds of work that training never saw. Ends with the table, the loss curve and one scenario as both saw it. " +
    "The base is a small model inside this program, and any other can be named. Goes on where it was stopped with the same command; a " +
    "finished one is shown again.",
  options: {
    base: {
      type: "string",
      value: "DIR|NAME",
      usual: "the one inside this program",
      help: "base model: a Hugging Face directory, a GGUF file, or org/name on the Hub",
    },
    minutes: {
      type: "float",
      min: 0.1,
      usual: `${usualMinutes}; with --base as long as it takes`,
      help: "minutes of training and eval together; a slow device trains on fewer sessions",
    },
    out: {
      type: "string",
      value: "DIR",
      default: "runs/quickstart",
      help: "where everything goes, each stage in a folder of its own",
    },
    seed: {
      type: "int",
      min: 0,
      default: 1,
      help: "of sessions, scenarios and training",
    },
    n: {
      type: "int",
      min: 2,
      default: evaluation.scenarios,
      unit: "scenarios",
      help: "how many the eval has",
    },
    sandbox: sandboxOptions.sandbox,
  },
  examples: [
    { line: "sekft quickstart", does: "everything, in about a quarter of an hour on two processor cores" },
    {
      line: "sekft quickstart --minutes 5 --out runs/short",
      does: "with fewer training sessions",
    },
    {
      line: "sekft quickstart --base HuggingFaceTB/SmolLM2-135M-Instruct --out runs/smollm2",
      does: "the same with a real base; says how long it will take before it begins",
    },
  ],
  async run(options, terminal) {
    const { quickstart: start } = await import("../quickstart/quickstart.ts");
    const { quickstartMachinery } = await import("./quickstart-machinery.ts");
    const { embeddedBase } = await import("../embedded/embedded-base.ts");
    const { base, minutes, out, seed, n, sandbox } = options;
    // Names of bases have become paths by now, that of the embedded one too.
    const embedded = base === undefined || base === embeddedName || base === embeddedBase();
    await start(
      {
        base: embedded ? embeddedName : base,
        minutes: minutes ?? (embedded ? usualMinutes : null),
        seed,
        n,
        sandbox,
      },
      out,
      quickstartMachinery(),
      terminal,
    );
  },
});
