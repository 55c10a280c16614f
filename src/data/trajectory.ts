// Trajectory records, version 1, and the public shapes that count as such: what a row must hold before anything uses it.

import { DataError, type Place } from "../base/errors.ts";
import type { TerminalWords } from "../base/terminal-words.ts";
import type { Turn } from "./normalize.ts";
import {
  booleanField,
  checkVersion,
  choiceField,
  complain,
  type Fields,
  isFields,
  kindOf,
  stringField,
  turnsField,
} from "./turn-checks.ts";

/** Newest version of the trajectory record that this program reads. */
const TRAJECTORY_VERSION = 1;

/** How an episode ended, as the eval judged it. */
export const OUTCOMES = [
  "success",
  "correct_panic",
  "premature_exit",
  "incomplete",
  "wrong_terminal",
  "budget_overrun",
  "prose_drift",
  "infrastructure_error",
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** The word with which an operator leaves. */
export const TERMINALS = ["exit", "panic"] as const;
export type Terminal = (typeof TERMINALS)[number];

/** One row of training data, whatever shape it came in. */
export interface TrajectoryRecord {
  /** The row's own id, or its place when it has none. */
  readonly id: string;
  readonly place: Place;
  readonly turns: readonly Turn[];
  readonly keep: boolean;
  /** `trajectory` rows carry a verdict; the others are public shapes, named by their key. */
  readonly shape: "trajectory" | "turns" | "messages" | "conversations";
  readonly scenarioId?: string;
  readonly archetype?: string;
  readonly outcome?: Outcome;
  readonly verified?: boolean;
  /** `null`: the episode ended without one. */
  readonly terminal?: Terminal | null;
  /** What its turns call the endings, where that is not `exit` and `panic`. */
  readonly terminals?: TerminalWords;
}

const SHAPES = ["turns", "messages", "conversations"] as const;

/** True for a row that is a scenario bundle, which may lie beside trajectories. */
export function looksLikeScenario(value: unknown): boolean {
  return (
    isFields(value) &&
    ("provider" in value || "reference_solution" in value) &&
    !SHAPES.some((shape) => shape in value)
  );
}

/** Checks one row.
 *  @throws DataError naming the field. */
export function checkTrajectory(value: unknown, place: Place): TrajectoryRecord {
  if (!isFields(value)) throw new DataError(place, `expected an object, found ${kindOf(value)}`);
  const present = SHAPES.filter((shape) => value[shape] !== undefined);
  if (present.length > 1) throw new DataError(place, `both ${present.join(" and ")}`);
  if (present.length === 0 && value.chosen !== undefined && value.rejected !== undefined)
    throw new DataError(place, "expected a trajectory, found a preference pair", {
      hint: "train --method dpo learns from pairs",
    });
  if ("version" in value || "scenario_id" in value || "outcome" in value) return fullRecord(value, place);
  const shape = present[0];
  if (shape === undefined)
    throw new DataError(
      place,
      `no turns, messages or conversations; found ${Object.keys(value).slice(0, 8).join(", ") || "nothing"}`,
    );
  const turns = turnsField(value, shape, place);
  return {
    id: value.id === undefined || value.id === null ? placeId(place) : plainId(value.id, place),
    place,
    turns,
    keep: value.keep === undefined || value.keep === null ? true : booleanField(value, "keep", place),
    shape,
    ...(typeof value.archetype === "string" ? { archetype: value.archetype } : {}),
    ...terminalsField(value, place),
  };
}

function fullRecord(fields: Fields, place: Place): TrajectoryRecord {
  checkVersion(fields, TRAJECTORY_VERSION, place);
  const id = stringField(fields, "id", place);
  const scenarioId = stringField(fields, "scenario_id", place);
  const archetype = stringField(fields, "archetype", place);
  for (const name of ["scenario_hash", "model"])
    if (fields[name] !== undefined) stringField(fields, name, place);
  const shape = SHAPES.find((name) => fields[name] !== undefined) ?? "turns";
  const turns = turnsField(fields, shape, place);
  const outcome = choiceField(fields, "outcome", OUTCOMES, place);
  const verified = booleanField(fields, "verified", place);
  if (fields.terminal === undefined) complain(place, "terminal", "missing");
  const terminal = fields.terminal === null ? null : choiceField(fields, "terminal", TERMINALS, place);
  const keep = booleanField(fields, "keep", place);
  const verdict = { scenarioId, archetype, outcome, verified, terminal };
  return { id, place, turns, keep, shape: "trajectory", ...verdict, ...terminalsField(fields, place) };
}

function terminalsField(fields: Fields, place: Place): { readonly terminals?: TerminalWords } {
  const { terminals } = fields;
  if (terminals === undefined || terminals === null) return {};
  if (!isFields(terminals)) complain(place, "terminals", `expected an object, found ${kindOf(terminals)}`);
  const word = (kind: string) => stringField(terminals, kind, place, `terminals.${kind}`);
  return { terminals: { exit: word("exit"), panic: word("panic") } };
}

function plainId(id: unknown, place: Place): string {
  if (typeof id === "number" || typeof id === "bigint") return String(id);
  if (typeof id === "string") return id;
  return complain(place, "id", `expected a string, found ${kindOf(id)}`);
}

/** `file.jsonl:3`: names a row that has no id. */
function placeId(place: Place): string {
  const name = place.file.replace(/^.*[/\\]/, "");
  return place.line !== undefined ? `${name}:${place.line}` : `${name}${place.field ?? ""}`;
}
