// What was cut short, and what the experiment cost in time and tokens, stage by stage.

import { formatCount, formatDuration, formatShare } from "../../base/format.ts";
import { isObject } from "../../formats/json-file.ts";
import type { StageRecord } from "../record.ts";
import { countsOf } from "./data.ts";
import { type Block, paragraph, publicText, type Section, tableBlock } from "./document.ts";
import type { EvalPart, Recorded, TrainingPart } from "./recorded.ts";

/** Rows that training cut or refused; outputs that operators saw cut, and limits that ended sessions. */
export function truncationSection({ trainings, evals }: Recorded): Section {
  const measured = evals.filter(({ episodes }) => episodes.length > 0);
  const rows = tableBlock(
    ["run", "rows", "taken", "refused", "cut on the left", "tokens cut", "trained endings"],
    trainings.map(rowCounts),
  );
  const sessions = tableBlock(
    ["arm", "sessions", "commands", "outputs cut", "timed out", "sessions that hit a limit"],
    measured.map(sessionCounts),
  );
  return {
    title: "Truncation",
    blocks: [
      ...(rows.length === 0 ? [] : [{ kind: "heading", text: "Rows of training" } as const, ...rows]),
      ...(sessions.length === 0
        ? [paragraph("No session of an eval is recorded yet.")]
        : [{ kind: "heading", text: "Sessions of the eval" } as const, ...sessions]),
    ],
  };
}

function rowCounts({ label, stage }: TrainingPart): string[] {
  const data = isObject(stage?.facts?.data) ? stage.facts.data : undefined;
  const why = stage?.state === "done" ? "not recorded" : "training not done";
  const count = (value: unknown) => (typeof value === "number" ? formatCount(value) : why);
  const counts = (value: unknown) => (isObject(value) ? countsOf(value) || "0" : count(value));
  return [
    label,
    count(data?.rows),
    count(data?.taken),
    counts(data?.refused),
    count(data?.truncated),
    count(data?.truncated_tokens),
    counts(data?.terminals),
  ];
}

function sessionCounts({ label, episodes }: EvalPart): string[] {
  const steps = episodes.flatMap(({ step_log }) => step_log ?? []);
  const limited = episodes.filter(({ limits_hit }) => (limits_hit ?? []).length > 0);
  const kinds: Record<string, number> = {};
  for (const limit of limited.flatMap(({ limits_hit }) => limits_hit)) kinds[limit] = (kinds[limit] ?? 0) + 1;
  return [
    label,
    formatCount(episodes.length),
    formatCount(episodes.reduce((sum, episode) => sum + episode.steps, 0)),
    formatCount(steps.filter(({ truncated }) => truncated === true).length),
    formatCount(steps.filter(({ timed_out }) => timed_out === true).length),
    limited.length === 0
      ? "0"
      : `${limited.length} (${formatShare(limited.length, episodes.length)}): ${countsOf(kinds)}`,
  ];
}

/** One line a stage: state, time, tokens, what it counted, where and by which version. */
export function costSection({ record }: Recorded): Section {
  const { stages } = record;
  const total = stages.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0);
  const blocks: Block[] = [
    ...tableBlock(
      ["stage", "state", "time", "tokens", "worlds", "device", "sekft"],
      stages.map((stage) => [
        stage.id,
        stage.state,
        formatDuration(stage.seconds ?? 0),
        tokenWords(stage),
        stage.machine?.sandbox ?? "none",
        stage.machine?.device ?? "none",
        stage.sekft ?? "not recorded",
      ]),
      2,
    ),
    paragraph(
      `${formatDuration(total)} in all stages together, every try of an interrupted one included. Processors of the host: ${[...new Set(stages.map(({ machine }) => machine?.host_cpus ?? "not recorded"))].join(", ") || "not recorded"}.`,
    ),
  ];
  return { title: "Cost", blocks: stages.length === 0 ? [paragraph("No stage has begun.")] : blocks };
}

function tokenWords({ kind, facts = {} }: StageRecord): string {
  const spent = isObject(facts.spent) ? facts.spent : {};
  const counted = Object.entries({ ...facts, ...spent }).flatMap(([name, value]) =>
    /tokens$/.test(name) && typeof value === "number"
      ? [`${name.replace(/_?tokens$/, "").replaceAll("_", " ")} ${formatCount(value)}`.trim()]
      : [],
  );
  if (counted.length > 0) return counted.join(", ");
  return ["model", "eval"].includes(kind) ? "not recorded" : "none";
}

/** Everything that a stage counted, as it stands in the record. */
export function factSection({ record }: Recorded): Section {
  const rows = record.stages.flatMap(({ id, facts = {} }) => {
    const counted = flat(facts).map(([name, value]) => `${name} ${value}`);
    return counted.length === 0 ? [] : [[id, counted.join("; ")]];
  });
  return { title: "What each stage counted", blocks: tableBlock(["stage", "facts"], rows, 2) };
}

/** Names and values of an object, inner ones with their path; long lists by their length. */
function flat(value: object, path = ""): [string, string][] {
  return Object.entries(value).flatMap(([name, inner]): [string, string][] => {
    const at = path === "" ? name : `${path} ${name}`;
    if (isObject(inner)) return flat(inner, at);
    if (Array.isArray(inner) && (inner.length > 12 || inner.some((one) => typeof one === "object")))
      return [[at, `${inner.length} entries`]];
    return [[at, publicText(inner)]];
  });
}
