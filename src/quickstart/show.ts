// The end of a quickstart: table, curve, two sessions beside each other, where everything is, what to do next.

import type { Terminal } from "../base/command.ts";
import { formatCount, formatNumber } from "../base/format.ts";
import { embeddedName } from "../embedded/name.ts";
import { fold } from "./header.ts";
import { nextSteps, programName } from "./next-steps.ts";
import { heldOut } from "./recipe.ts";
import { tableOf } from "./result-table.ts";
import type { Results } from "./results.ts";
import type { Settings } from "./settings.ts";
import { choosePair, sideLines } from "./side-by-side.ts";
import { chartLines, isUtf8Locale } from "./terminal-chart.ts";

/** What is shown. */
export interface Shown {
  readonly folder: string;
  readonly settings: Settings;
  readonly results: Results;
  /** Files of the report. */
  readonly report: readonly string[];
}

/** Lines of a curve, and of one side of a session. */
const curveRows = 8;
const sessionRows = 36;

/** Prints everything on stdout. */
export function show(shown: Shown, terminal: Terminal): void {
  const { folder, settings, results } = shown;
  const { columns, color } = terminal;
  const unicode = isUtf8Locale(process.env);
  const section = (title: string) => {
    terminal.out("");
    for (const line of fold(title, columns)) terminal.out(color ? `\x1b[1m${line}\x1b[22m` : line);
  };
  const text = (words: string) => {
    for (const line of fold(words, columns)) terminal.out(line);
  };
  const { comparison, base, adapter, curve } = results;

  section(
    `Base and adapter in ${comparison.n} scenarios of ${heldOut.join(" and ")}, which training never saw`,
  );
  for (const line of tableOf(comparison, columns)) terminal.out(line);
  text(
    `${honestWords(settings)} Intervals are Wilson's, of a lift Newcombe's (95 %); p is McNemar's, exact; clean = the right ending and the checker passed.`,
  );
  const broken = comparison.excluded.infrastructure;
  if (broken > 0) text(`${broken} pairs are left out, because the machinery broke one side.`);

  const drawn = chartLines(curve, "step", { columns: Math.min(columns, 100), rows: curveRows, unicode });
  if (drawn.length > 0) {
    const [first, last] = [curve[0]!, curve.at(-1)!];
    section(
      `Loss over ${formatCount(curve.length)} steps, from ${formatNumber(first.y)} to ${formatNumber(last.y)}`,
    );
    for (const line of drawn) terminal.out(line);
  }

  const pair = choosePair(comparison, base, adapter);
  if (pair) {
    section(`The same scenario, ${pair.first.scenario_id}, with each of them`);
    for (const line of sideLines(pair, { columns, lines: sessionRows, unicode, color })) terminal.out(line);
  }

  section("Where it is, and what next");
  const finished = {
    folder,
    base: settings.asked.base,
    scenario: pair?.first.scenario_id,
    report: shown.report,
    program: programName(),
  };
  for (const line of nextSteps(finished, columns)) terminal.out(line);
}

/** Why the base's column is what it is. */
function honestWords({ asked }: Pick<Settings, "asked">): string {
  return asked.base === embeddedName
    ? "The base does not know how a session ends: it has never seen `exit`, so its terminate and clean are all but 0 whatever it can do; that is why every column is shown."
    : "The base was told nothing about ending a session; that is why every column is shown.";
}

/** What --json prints. */
export function summary({ folder, settings, results, report }: Shown): Record<string, unknown> {
  const { comparison, curve, adapterFolder } = results;
  const pair = choosePair(comparison, results.base, results.adapter);
  return {
    out: folder,
    base: settings.asked.base,
    seed: settings.asked.seed,
    sessions: settings.budget.sessions,
    replay: settings.budget.replay,
    steps: settings.budget.steps,
    device: settings.device,
    sandbox: settings.sandbox,
    held_out: heldOut,
    comparison,
    loss: { first: curve[0]?.y ?? null, last: curve.at(-1)?.y ?? null, steps: curve.length },
    shown_scenario: pair?.first.scenario_id ?? null,
    adapter: adapterFolder,
    report,
  };
}
