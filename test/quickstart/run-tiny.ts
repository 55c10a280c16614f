// A quickstart of a few sessions as a process that tests can stop: everything real, only the numbers are small.
// usage: run-tiny.ts FOLDER MINUTES [--json]

import { reportError } from "../../src/base/report.ts";
import { openTerminal } from "../../src/base/terminal.ts";
import { quickstartMachinery } from "../../src/commands/quickstart-machinery.ts";
import { quickstart } from "../../src/quickstart/quickstart.ts";
import { type Recipe, recipeFor } from "../../src/quickstart/recipe.ts";

const [folder, minutes, flag] = process.argv.slice(2) as [string, string, string | undefined];
const terminal = openTerminal({ json: flag === "--json", quiet: false, color: true });
const own = recipeFor("embedded");
const recipe: Recipe = {
  ...own,
  archetypes: ["empty_queue", "blocked"],
  sessions: { wanted: 6, least: 2 },
  training: { ...own.training, gradientAccumulationSteps: 2, saveSteps: 1 },
  evalLimits: { contextTokens: 1024, replyTokens: 16 },
};
try {
  const asked = { base: "embedded", minutes: Number(minutes), seed: 1, n: 2, sandbox: "bubblewrap" };
  await quickstart(asked, folder, quickstartMachinery(), terminal, recipe);
} catch (error) {
  process.exitCode = reportError(error, terminal, false);
}
process.exit();
