// Every command of the program, in the order of --help. The one list that parser, completion and README are held against.

import type { Command } from "../base/command.ts";
import { author } from "./author.ts";
import { bench } from "./bench.ts";
import { completionCommands } from "./completion.ts";
import { critic } from "./critic.ts";
import { doctor } from "./doctor.ts";
import { evalCommand } from "./eval.ts";
import { evalCompare } from "./eval-compare.ts";
import { experimentReport } from "./experiment-report.ts";
import { experimentRun } from "./experiment-run.ts";
import { exportAtif } from "./export-atif.ts";
import { exportCardCommand } from "./export-card.ts";
import { exportGguf } from "./export-gguf.ts";
import { exportHarbor } from "./export-harbor.ts";
import { exportMerged } from "./export-merged.ts";
import { exportOllamaCommand } from "./export-ollama.ts";
import { generate } from "./generate.ts";
import { inspectAdapter } from "./inspect-adapter.ts";
import { inspectData } from "./inspect-data.ts";
import { inspectForward } from "./inspect-forward.ts";
import { inspectMask } from "./inspect-mask.ts";
import { inspectModel } from "./inspect-model.ts";
import { inspectScenario } from "./inspect-scenario.ts";
import { inspectTerminals } from "./inspect-terminals.ts";
import { inspectTrajectory } from "./inspect-trajectory.ts";
import { mix } from "./mix.ts";
import { notices } from "./notices.ts";
import { pairs } from "./pairs.ts";
import { plan } from "./plan.ts";
import { play } from "./play.ts";
import { probeFormat } from "./probe-format.ts";
import { probeSecrets } from "./probe-secrets.ts";
import { pull } from "./pull.ts";
import { quickstart } from "./quickstart.ts";
import { resident } from "./resident.ts";
import { resolveInputs } from "./resolve-inputs.ts";
import { rollout } from "./rollout.ts";
import { sandboxBuild } from "./sandbox-build.ts";
import { sandboxCheck } from "./sandbox-check.ts";
import { sandboxClean } from "./sandbox-clean.ts";
import { train } from "./train.ts";
import { view } from "./view.ts";

const verbs: readonly Command[] = [
  quickstart,
  doctor,
  inspectMask,
  inspectData,
  inspectModel,
  inspectAdapter,
  inspectForward,
  inspectTerminals,
  inspectScenario,
  inspectTrajectory,
  plan,
  train,
  generate,
  resident,
  evalCommand,
  evalCompare,
  bench,
  probeFormat,
  probeSecrets,
  exportGguf,
  exportMerged,
  exportOllamaCommand,
  exportCardCommand,
  exportHarbor,
  exportAtif,
  pull,
  sandboxBuild,
  sandboxCheck,
  sandboxClean,
  author,
  rollout,
  pairs,
  critic,
  mix,
  play,
  experimentRun,
  experimentReport,
  view,
  notices,
];

/** The command, taking names on the Hub wherever its table has a base or data. */
function takingNames(command: Command): Command {
  if (!("base" in command.options || "data" in command.options)) return command;
  // A command with a list of bases resolves each of them itself.
  if (command.options.base?.type === "list") return command;
  return {
    ...command,
    async run(options, terminal) {
      await command.run(await resolveInputs(options, terminal), terminal);
    },
  };
}

/** All commands. */
export const commands: readonly Command[] = [
  ...verbs.map(takingNames),
  ...completionCommands(() => commands),
];

/** What the words say that only group commands. */
export const groups: Readonly<Record<string, string>> = {
  inspect: "Shows what would be trained, data, bases, adapters, numbers",
  export: "Writes an adapter as other people's software loads it",
  probe: "Asks a model for forms and for secrets, and judges what comes",
  experiment: "Runs experiments from one file, and tells what came of them",
  sandbox: "Builds, checks and cleans up the worlds that an operator works in",
  completion: "Prints the completion script for a shell",
};
