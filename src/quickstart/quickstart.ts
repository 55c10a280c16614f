// A quickstart from its options to the table: settles what it will be, says so, runs the experiment, shows what came of it.

import { existsSync, mkdirSync, statfsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import { writeFileAtomic } from "../base/atomic.ts";
import type { Terminal } from "../base/command.ts";
import { Interrupted, UserError } from "../base/errors.ts";
import { formatBytes } from "../base/format.ts";
import { readRecord } from "../experiment/folder.ts";
import { parseSpec } from "../experiment/read-spec.ts";
import { recordName, specName } from "../experiment/record.ts";
import { writeReport } from "../experiment/report/write-report.ts";
import { runExperiment } from "../experiment/run.ts";
import { planBudget } from "./budget.ts";
import { experimentText } from "./experiment-text.ts";
import { fold, headerLines } from "./header.ts";
import type { QuickstartMachinery } from "./machinery.ts";
import { type Recipe, recipeFor } from "./recipe.ts";
import { readResults } from "./results.ts";
import { type Asked, readSettings, type Settings, writeSettings } from "./settings.ts";
import { show, summary } from "./show.ts";
import { StageLines } from "./stage-lines.ts";
import { stageTerminal } from "./stage-terminal.ts";
import { stagesOf } from "./stages.ts";

/** What a run writes at most: sessions, checkpoints, transcripts. */
const neededBytes = 300 * 2 ** 20;

/** Runs or goes on, and shows the result; one that is finished is shown again at once.
 *  @param recipe another one than the base's own is for tests
 *  @throws UserError before anything is written, when something asked for cannot be done; Interrupted after Ctrl-C or SIGTERM:
 *  the same call goes on */
export async function quickstart(
  asked: Asked,
  folder: string,
  machinery: QuickstartMachinery,
  terminal: Terminal,
  recipe: Recipe = recipeFor(asked.base),
): Promise<void> {
  const earlier = readSettings(folder, asked);
  const settings = earlier ?? (await settle({ asked, folder, recipe, machinery, terminal }));
  if (isFinished(folder)) terminal.note(`quickstart: ${folder} is finished; this is its result`);
  else await run(settings, earlier === undefined, { asked, folder, recipe, machinery, terminal });
  const report = await writeReport(folder);
  for (const warning of report.warnings) terminal.warn(`quickstart: ${warning}`);
  const shown = { folder, settings, results: readResults(folder, asked.seed), report: report.files };
  if (terminal.json) terminal.out(JSON.stringify(summary(shown)));
  else show(shown, terminal);
}

/** What both halves need. */
interface Parts {
  readonly asked: Asked;
  readonly folder: string;
  readonly recipe: Recipe;
  readonly machinery: QuickstartMachinery;
  readonly terminal: Terminal;
}

/** Does what is missing. */
async function run(settings: Settings, isNew: boolean, parts: Parts): Promise<void> {
  const { asked, folder, recipe, machinery, terminal } = parts;
  const { budget, sandbox } = settings;
  const text = experimentText({ ...asked, recipe, budget, sandbox, scenarios: asked.n });
  const spec = parseSpec(text, specName);
  const stages = stagesOf(settings, recipe);
  for (const line of headerLines(settings, stages, folder))
    for (const part of fold(line, terminal.columns, 2)) terminal.note(part);
  mkdirSync(folder, { recursive: true });
  if (isNew) {
    writeSettings(folder, settings);
    writeFileAtomic(join(folder, specName), text);
  }
  const told = new StageLines(stages, terminal);
  await runExperiment(spec, folder, machinery, stageTerminal(terminal, folder), {
    onStage: (record) => told.tell(record),
  }).catch((error: unknown) => {
    if (!(error instanceof Interrupted)) throw error;
    throw new Interrupted(`quickstart: stopped in ${told.where()}; the same command goes on`, {
      hint: `what is done is in ${folder}`,
      cause: error,
    });
  });
}

/** Looks at the machine and decides how much fits. Nothing is written. */
async function settle({ asked, folder, recipe, machinery, terminal }: Parts): Promise<Settings> {
  checkSpace(folder);
  const sandbox = await machinery.chooseSandbox(asked.sandbox, terminal);
  terminal.note("quickstart: timing a few training steps on this machine");
  const device = await machinery.appraise(asked.base, recipe);
  const budget = planBudget({
    recipe,
    minutes: asked.minutes ?? undefined,
    scenarios: asked.n,
    tokensPerSecond: device.tokensPerSecond,
    cpus: availableParallelism(),
  });
  return { version: 1, asked, budget, device, sandbox };
}

/** @throws UserError where the disk has no room for a whole run */
function checkSpace(folder: string): void {
  let there = resolve(folder);
  while (!existsSync(there)) there = dirname(there);
  const { bavail, bsize } = statfsSync(there);
  const free = bavail * bsize;
  if (free < neededBytes)
    throw new UserError(
      `--out ${folder}: expected ${formatBytes(neededBytes)} of free disk, got ${formatBytes(free)}`,
      { hint: "choose a folder on another disk" },
    );
}

/** True when every stage of the experiment is done: nothing has to be opened to show it.
 *  @throws DataError when the record is damaged */
function isFinished(folder: string): boolean {
  if (!existsSync(join(folder, recordName))) return false;
  const { stages } = readRecord(folder);
  const evals = stages.filter(({ kind }) => kind === "eval");
  // More of them where somebody has added seeds or arms to the experiment.
  return evals.length >= 2 && stages.every(({ state }) => state === "done");
}
