// `sekft inspect trajectory`: sessions as they were seen, and what is wrong with their records.

import { defineCommand, type Terminal } from "../base/command.ts";
import { UserError } from "../base/errors.ts";
import type { Options } from "../base/options.ts";
import { OUTCOMES } from "../data/trajectory.ts";
import type { TrajectoryCounts, ViewedTrajectory } from "../data/view/trajectory-lines.ts";

const filter = "Filter";

const inspectTrajectoryOptions = {
  path: { type: "string", value: "PATH", required: true, help: "a folder, .jsonl, .json or .parquet" },
  id: { type: "string", value: "ID", group: filter, help: "only this one, shown whole" },
  outcome: { type: "list", choices: OUTCOMES, group: filter, help: "only these outcomes" },
  archetype: { type: "list", group: filter, help: "only these archetypes" },
  kept: { type: "flag", group: filter, help: "only what is trained on" },
  rejected: { type: "flag", group: filter, help: "only what is not trained on" },
  defective: { type: "flag", group: filter, help: "only records that have a defect" },
  limit: {
    type: "int",
    min: 0,
    default: 50,
    unit: "rows",
    group: "View",
    help: "rows of the list; the counts are of all",
  },
  full: { type: "flag", group: "View", help: "show each session whole in place of a list" },
  base: {
    type: "string",
    value: "DIR|FILE.gguf",
    group: "View",
    help: "base model, to count tokens; its tokenizer files are enough",
  },
  html: {
    type: "string",
    value: "FILE",
    group: "View",
    help: "write one self-contained page with the sessions",
  },
} as const;

export const inspectTrajectory = defineCommand({
  name: "inspect trajectory",
  summary: "Shows sessions as the operator saw them, lists many, names defects",
  description:
    "One trajectory is shown whole: its screen, its commands, how it ended and what is wrong with the record. Several are listed " +
    "with counts by outcome. What a terminal would obey in the output of a world is spelled out.",
  options: inspectTrajectoryOptions,
  operand: "path",
  examples: [
    {
      line: "sekft inspect trajectory ./trajectories",
      does: "lists a rollout's samples with counts by outcome",
    },
    { line: "sekft inspect trajectory ./trajectories --id file_create-000.s0", does: "shows one session" },
    {
      line: "sekft inspect trajectory rows.jsonl --outcome prose_drift,incomplete --html bad.html",
      does: "writes a page of those that went wrong in two ways",
    },
  ],
  async run(options, terminal) {
    const { readTrajectories } = await import("../data/read-records.ts");
    const view = await viewer(options);
    const counts: TrajectoryCounts = { total: 0, kept: 0, defective: 0, outcomes: {}, archetypes: {} };
    const rows: ViewedTrajectory[] = [];
    let read = 0;
    for await (const record of readTrajectories(options.path)) {
      read++;
      const viewed = view(record);
      if (!isWanted(viewed, options)) continue;
      count(counts, viewed);
      if (options.html !== undefined || rows.length < options.limit || options.id !== undefined)
        rows.push(viewed);
    }
    if (options.id !== undefined && counts.total === 0)
      throw new UserError(
        `--id: expected one of the ${read} trajectories in ${options.path}, got ${options.id}`,
      );
    const whole = options.full || options.id !== undefined || read === 1;
    if (options.html !== undefined) await writePage(options.html, options.path, rows, counts);
    if (terminal.json) printJson(rows, counts, whole, options.html, terminal);
    else await print(rows, counts, whole, options.html, terminal);
  },
});

type Flags = Options<typeof inspectTrajectoryOptions>;

/** Looks at records one by one; with a base, tokens are counted by its template. */
async function viewer(options: Flags): Promise<(record: ViewedTrajectory["record"]) => ViewedTrajectory> {
  const { findDefects } = await import("../data/defects.ts");
  const { normalizeForTemplate } = await import("../data/normalize.ts");
  const { RefusedError } = await import("../data/refused.ts");
  const { loadChatFormat } = await import("../data/chat/load-chat-format.ts");
  const format = options.base === undefined ? undefined : loadChatFormat(options.base);
  const tokens = (turns: ViewedTrajectory["record"]["turns"]) => {
    if (format === undefined) return undefined;
    try {
      return format.tokenizer.encode(format.template.render(normalizeForTemplate(turns), false)).ids.length;
    } catch (error) {
      if (error instanceof RefusedError) return undefined;
      throw error;
    }
  };
  return (record) => ({
    record,
    defects: findDefects(record),
    steps: record.turns.filter(({ role }) => role === "assistant").length,
    tokens: tokens(record.turns),
  });
}

function isWanted({ record, defects }: ViewedTrajectory, options: Flags): boolean {
  const { id, outcome, archetype, kept, rejected, defective } = options;
  return (
    (id === undefined || record.id === id) &&
    (outcome === undefined || outcome.some((one) => one === record.outcome)) &&
    (archetype === undefined || archetype.some((one) => one === record.archetype)) &&
    (!kept || record.keep) &&
    (!rejected || !record.keep) &&
    (!defective || defects.length > 0)
  );
}

function count(counts: TrajectoryCounts, { record, defects }: ViewedTrajectory): void {
  counts.total++;
  if (record.keep) counts.kept++;
  if (defects.length > 0) counts.defective++;
  const { outcome, archetype } = record;
  if (outcome !== undefined) counts.outcomes[outcome] = (counts.outcomes[outcome] ?? 0) + 1;
  if (archetype !== undefined) counts.archetypes[archetype] = (counts.archetypes[archetype] ?? 0) + 1;
}

async function writePage(
  file: string,
  path: string,
  rows: readonly ViewedTrajectory[],
  counts: TrajectoryCounts,
): Promise<void> {
  const { sessionHtml, sessionsFoot, sessionsHead } = await import("../data/view/trajectory-html.ts");
  const { countLines } = await import("../data/view/trajectory-lines.ts");
  const { writeChunksAtomic } = await import("../base/atomic.ts");
  const encoder = new TextEncoder();
  const pieces = [
    sessionsHead(`Trajectories of ${path}`),
    ...rows.map((row) => sessionHtml(row, rows.length === 1)),
    sessionsFoot(countLines(counts)),
  ];
  writeChunksAtomic(
    file,
    pieces.map((piece) => encoder.encode(piece)),
  );
}

function printJson(
  rows: readonly ViewedTrajectory[],
  counts: TrajectoryCounts,
  whole: boolean,
  html: string | undefined,
  terminal: Terminal,
): void {
  const trajectories = rows.map(({ record, defects, steps, tokens }) => ({
    id: record.id,
    scenario_id: record.scenarioId,
    archetype: record.archetype,
    outcome: record.outcome,
    verified: record.verified,
    terminal: record.terminal,
    keep: record.keep,
    steps,
    tokens,
    defects: defects.map(({ complaint }) => complaint),
    file: record.place.file,
    line: record.place.line,
    ...(whole && { turns: record.turns }),
  }));
  terminal.out(JSON.stringify({ ...counts, html, trajectories }));
}

async function print(
  rows: readonly ViewedTrajectory[],
  counts: TrajectoryCounts,
  whole: boolean,
  html: string | undefined,
  terminal: Terminal,
): Promise<void> {
  const { countLines, listLines, sessionLines } = await import("../data/view/trajectory-lines.ts");
  if (html !== undefined) terminal.out(html);
  else if (whole)
    for (const row of rows) for (const line of [...sessionLines(row, terminal), ""]) terminal.out(line);
  else if (rows.length > 0) for (const line of [...listLines(rows, terminal), ""]) terminal.out(line);
  const single = whole && counts.total === 1;
  if (!single)
    for (const line of countLines(counts)) (html === undefined ? terminal.out : terminal.note)(line);
  const left = counts.total - rows.length;
  if (left > 0) terminal.note(`${left} more; --limit shows them`);
}
