// Trajectories on the terminal: one session as the operator saw it, or a table of many.

import { formatCount, formatTable } from "../../base/format.ts";
import { displayed, printable } from "../../base/terminal.ts";
import type { Defect } from "../defects.ts";
import type { Role } from "../normalize.ts";
import type { TrajectoryRecord } from "../trajectory.ts";
import type { ViewStyle } from "./mask-terminal.ts";

/** A record with what was found out about it. */
export interface ViewedTrajectory {
  readonly record: TrajectoryRecord;
  readonly defects: readonly Defect[];
  /** Commands. */
  readonly steps: number;
  /** By the base's tokenizer; undefined without one, or when the template refuses the turns. */
  readonly tokens: number | undefined;
}

const GREEN = "\x1b[1;32m";
const DIM = "\x1b[2m";
const RED = "\x1b[31m";
const BOLD = "\x1b[1m";
const RESET = "\x1b[0m";

/** One session: what stood on the screen, commands set off from output. Whatever a terminal would obey is spelled out. */
export function sessionLines(viewed: ViewedTrajectory, style: ViewStyle): string[] {
  const { record, defects } = viewed;
  const paint = (code: string, text: string) =>
    style.color
      ? text
          .split("\n")
          .map((line) => (line === "" ? "" : `${code}${line}${RESET}`))
          .join("\n")
      : text;
  let text = "";
  let before = "\n";
  for (const { role, content } of record.turns) {
    const shown = displayed(content);
    if (startsLine(before, role)) text += "\n";
    before = role === "assistant" ? "\n" : content;
    text += role === "assistant" ? `${paint(GREEN, shown)}\n` : paint(role === "system" ? BOLD : DIM, shown);
  }
  const facts = factsOf(viewed).map(([name, value]) => `${name.padEnd(10)} ${value}`);
  const wrong = defects.map(({ complaint }) => paint(RED, `defect     ${printable(complaint)}`));
  return [
    paint(BOLD, printable(record.id)),
    "",
    ...text.replace(/\n$/, "").split("\n"),
    "",
    ...facts,
    ...wrong,
  ];
}

/** True when a turn begins a line of its own behind `before`; a command stands behind its prompt. */
export function startsLine(before: string, role: Role): boolean {
  return !before.endsWith("\n") && !(role === "assistant" && before.endsWith("$ "));
}

/** What is known of a session, for a list of facts. */
export function factsOf({ record, steps, tokens }: ViewedTrajectory): [name: string, value: string][] {
  const { archetype, scenarioId, outcome, verified, terminal, keep } = record;
  const facts: [string, string | undefined][] = [
    ["scenario", scenarioId],
    ["archetype", archetype],
    ["outcome", outcome],
    ["verified", verified === undefined ? undefined : verified ? "yes" : "no"],
    ["left by", terminal === undefined ? undefined : (terminal ?? "nothing")],
    ["kept", keep ? "yes" : "no"],
    ["commands", formatCount(steps)],
    ["tokens", tokens === undefined ? undefined : formatCount(tokens)],
  ];
  return facts.flatMap(([name, value]) => (value === undefined ? [] : [[name, printable(value)]]));
}

/** A row for each trajectory, then what is wrong with any of them. */
export function listLines(rows: readonly ViewedTrajectory[], style: ViewStyle): string[] {
  const right = { align: "right" } as const;
  const counted = rows.some(({ tokens }) => tokens !== undefined);
  const columns = [
    { title: "id" },
    { title: "archetype" },
    { title: "outcome" },
    { title: "verified" },
    { title: "kept" },
    { title: "commands", ...right },
    ...(counted ? [{ title: "tokens", ...right }] : []),
    { title: "defects", ...right },
  ];
  const cells = rows.map(({ record, defects, steps, tokens }) => [
    printable(record.id),
    printable(record.archetype ?? "-"),
    record.outcome ?? "-",
    record.verified === undefined ? "-" : record.verified ? "yes" : "no",
    record.keep ? "yes" : "no",
    formatCount(steps),
    ...(counted ? [tokens === undefined ? "-" : formatCount(tokens)] : []),
    defects.length === 0 ? "" : formatCount(defects.length),
  ]);
  const wrong = rows.flatMap(({ record, defects }) =>
    defects.map(({ complaint }) => `${printable(record.id)}: ${printable(complaint)}`),
  );
  return [...formatTable(columns, cells, style.columns), ...(wrong.length > 0 ? ["", ...wrong] : [])];
}

/** How many there are of each outcome, and how many are kept and wrong. */
export function countLines(counts: TrajectoryCounts): string[] {
  const outcomes = Object.entries(counts.outcomes).map(([name, n]) => `${name} ${formatCount(n)}`);
  return [
    `${formatCount(counts.total)} trajectories, ${formatCount(counts.kept)} kept, ${formatCount(counts.defective)} with defects`,
    ...(outcomes.length > 0 ? [`outcomes: ${outcomes.join(", ")}`] : []),
  ];
}

/** Totals of a list. */
export interface TrajectoryCounts {
  total: number;
  kept: number;
  defective: number;
  readonly outcomes: Record<string, number>;
  readonly archetypes: Record<string, number>;
}
