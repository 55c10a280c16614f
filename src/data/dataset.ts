// Reads, encodes and counts a data set: what train, plan and inspect work on.

import { createHash } from "node:crypto";
import { type Place, UserError } from "../base/errors.ts";
import { endingOf, plainTerminals, type TerminalWords, terminalsText } from "../base/terminal-words.ts";
import type { ChatFormat } from "./chat/chat-format.ts";
import { findDefects } from "./defects.ts";
import {
  BASE_LABEL,
  type Encoded,
  type EncodeOptions,
  encodeTrajectory,
  MASKED,
  type Refused,
} from "./encode-trajectory.ts";
import { refuseHeldOut } from "./holdout.ts";
import { readTrajectories } from "./read-records.ts";
import type { RefusalCode } from "./refused.ts";
import { renameTurns } from "./rename-terminals.ts";
import type { Terminal, TrajectoryRecord } from "./trajectory.ts";

/** What to read and how. */
export interface DatasetOptions extends EncodeOptions {
  /** A directory or a file. */
  readonly data: string;
  /** Rows with `keep: false` as well. */
  readonly all: boolean;
  /** Archetypes that no row may have. */
  readonly holdout?: readonly string[];
  /** What the rows are to call their endings; `exit` and `panic` when not given. */
  readonly terminals?: TerminalWords;
  /** Factor on the loss of the turn that ends a session; 1 when not given. */
  readonly terminalWeight?: number;
}

/** One sequence to train on. T tokens. */
export interface Sequence {
  readonly id: string;
  readonly place: Place;
  /** Rows of one scenario share a world; they belong on the same side of a split. */
  readonly scenarioId?: string;
  /** [T] */
  readonly inputIds: Int32Array;
  /** [T], -100 where not trained, {@link BASE_LABEL} where the base is kept. */
  readonly labels: Int32Array;
  /** [T], absent when all are 1. */
  readonly weights?: Float32Array;
}

/** What happened to the rows of a data set. */
export interface DatasetCounts {
  /** Rows in the files. */
  rows: number;
  /** Rows left out because `keep` is false. */
  notKept: number;
  /** Rows that are trained on. */
  trajectories: number;
  tokens: number;
  trainedTokens: number;
  /** Tokens that are kept as the base has them. */
  keptTokens: number;
  /** Rows by their last word. */
  terminals: Record<Terminal | "none", number>;
  /** Rows refused, by code; `overlong` and `truncated_last_turn` are those that are too long. */
  refused: Partial<Record<RefusalCode, number>>;
  /** Rows cut on the left, and tokens cut off. */
  truncated: number;
  truncatedTokens: number;
  assistantTurns: number;
  /** Trained turns whose context is not the prompt that a server would compute. */
  promptNotPrefix: number;
  /** Turns whose first token holds template text other than one blank. */
  straddling: number;
  /** Turns with the spelling of a special token in them. */
  specialTurns: number;
  /** Rows whose `{% generation %}` markers say otherwise than the content spans. */
  markersDiffer: number;
  /** Oddities that are reported and trained on, by complaint. */
  oddities: Record<string, number>;
}

/** A data set in memory. */
export interface Dataset {
  readonly sequences: readonly Sequence[];
  readonly refused: readonly Refused[];
  readonly counts: DatasetCounts;
  /** `sha256:` over the turns of all rows that were read and kept. */
  readonly hash: string;
}

/** One row as it comes out. */
export interface DatasetRow {
  readonly record: TrajectoryRecord;
  readonly result: Encoded | Refused;
}

/** Encodes rows as they are read; `counts` is filled on the way.
 *  @throws DataError before the first row when rows that would be trained on are of a held-out archetype. */
export async function* encodeRows(
  options: DatasetOptions,
  format: ChatFormat,
  counts: DatasetCounts = emptyCounts(),
): AsyncGenerator<DatasetRow> {
  await refuseHeldOut(options);
  const { terminals = plainTerminals, terminalWeight = 1 } = options;
  for await (const read of readTrajectories(options.data)) {
    counts.rows++;
    if (!read.keep && !options.all) {
      counts.notKept++;
      continue;
    }
    const record = emphasiseTerminal(
      { ...read, turns: renameTurns(read.turns, terminals) },
      terminalWeight,
      terminals,
    );
    const result = judge(record, options, counts) ?? encodeTrajectory(record, format, options);
    count(record, result, counts, terminals);
    yield { record, result };
  }
}

/** Reads a whole data set.
 *  @throws UserError when no row is left to train on; DataError for the first row that cannot be read. */
export async function loadDataset(options: DatasetOptions, format: ChatFormat): Promise<Dataset> {
  const counts = emptyCounts();
  const sequences: Sequence[] = [];
  const refused: Refused[] = [];
  const hash = createHash("sha256");
  for await (const { record, result } of encodeRows(options, format, counts)) {
    hash.update(JSON.stringify([record.id, record.turns]));
    if ("refused" in result) refused.push(result);
    else sequences.push(toSequence(record, result));
  }
  requireSome(options, counts, refused[0]);
  return { sequences, refused, counts, hash: `sha256:${hash.digest("hex")}` };
}

/** One clear error when nothing is left.
 *  @throws UserError saying why the rows fell away. */
export function requireSome(
  options: { readonly data: string },
  counts: DatasetCounts,
  firstRefused: Refused | undefined,
): void {
  if (counts.trajectories > 0) return;
  if (firstRefused === undefined)
    throw new UserError(`${options.data}: expected a row with keep: true, got ${counts.rows} without`, {
      hint: "--all takes the rest too",
    });
  const kinds = Object.entries(counts.refused).map(([code, n]) => `${code} ${n}`);
  const { place, id, refused, reason } = firstRefused;
  const at = place.line === undefined ? place.file : `${place.file}:${place.line}`;
  // A row without an id is called after its place already.
  const first = at.endsWith(id) ? at : `${id} at ${at}`;
  throw new UserError(
    `${options.data}: expected a row to train on, got all ${counts.rows - counts.notKept} refused (${kinds.join(", ")}); the first, ${first}: ${refused}: ${reason}`,
    {
      hint: "`sekft inspect mask` shows every row and its reason",
    },
  );
}

/** Counts of nothing. */
export function emptyCounts(): DatasetCounts {
  return {
    rows: 0,
    notKept: 0,
    trajectories: 0,
    tokens: 0,
    trainedTokens: 0,
    keptTokens: 0,
    terminals: { exit: 0, panic: 0, none: 0 },
    refused: {},
    truncated: 0,
    truncatedTokens: 0,
    assistantTurns: 0,
    promptNotPrefix: 0,
    straddling: 0,
    specialTurns: 0,
    markersDiffer: 0,
    oddities: {},
  };
}

/** The last command of a conversation, when it is a terminal. */
export function terminalOf(
  record: TrajectoryRecord,
  terminals: TerminalWords = record.terminals ?? plainTerminals,
): Terminal | "none" {
  const last = record.turns.findLast((turn) => turn.role === "assistant");
  return (last && endingOf(last.content, terminals)) ?? "none";
}

/** The record with `factor` on the loss of the turn that ends it; a record that ends in no terminal stays as it is. */
function emphasiseTerminal(
  record: TrajectoryRecord,
  factor: number,
  terminals: TerminalWords,
): TrajectoryRecord {
  if (factor === 1 || terminalOf(record, terminals) === "none") return record;
  const last = record.turns.findLastIndex(({ role }) => role === "assistant");
  const turn = record.turns[last]!;
  return { ...record, turns: record.turns.with(last, { ...turn, weight: (turn.weight ?? 1) * factor }) };
}

/** Counts oddities, and refuses a record that contradicts itself. */
function judge(
  record: TrajectoryRecord,
  options: DatasetOptions,
  counts: DatasetCounts,
): Refused | undefined {
  let contradiction = otherWords(record, options.terminals ?? plainTerminals);
  for (const defect of findDefects(record, options.terminals ?? plainTerminals)) {
    if (defect.contradiction) contradiction ??= defect.complaint;
    else counts.oddities[defect.complaint] = (counts.oddities[defect.complaint] ?? 0) + 1;
  }
  // With --all, failed episodes are asked for; a row without turns is refused by the encoder anyway.
  if (contradiction === undefined || options.all || record.turns.length === 0) return undefined;
  return { id: record.id, place: record.place, refused: "bad_trajectory", reason: contradiction };
}

/** Sessions that call their endings otherwise are never mixed in. */
function otherWords({ terminals }: TrajectoryRecord, wanted: TerminalWords): string | undefined {
  if (terminals === undefined) return undefined;
  const { exit, panic } = terminals;
  if (exit === wanted.exit && panic === wanted.panic) return undefined;
  return `its endings are called ${exit} and ${panic}, not ${wanted.exit} and ${wanted.panic} (--terminals ${terminalsText(terminals)} takes it)`;
}

function count(
  record: TrajectoryRecord,
  result: Encoded | Refused,
  counts: DatasetCounts,
  terminals: TerminalWords,
): void {
  if ("refused" in result) {
    counts.refused[result.refused] = (counts.refused[result.refused] ?? 0) + 1;
    return;
  }
  counts.trajectories++;
  counts.tokens += result.inputIds.length;
  for (const label of result.labels)
    if (label === BASE_LABEL) counts.keptTokens++;
    else if (label !== MASKED) counts.trainedTokens++;
  counts.terminals[terminalOf(record, terminals)]++;
  if (result.truncated > 0) counts.truncated++;
  counts.truncatedTokens += result.truncated;
  counts.assistantTurns += result.turns.length;
  for (const turn of result.turns) {
    if (turn.trained && !turn.promptIsPrefix) counts.promptNotPrefix++;
    if (turn.outsideBefore !== "" && turn.outsideBefore !== " ") counts.straddling++;
  }
  counts.specialTurns += result.specialTurns;
  if (result.markersDiffer) counts.markersDiffer++;
}

function toSequence(record: TrajectoryRecord, encoded: Encoded): Sequence {
  return {
    id: record.id,
    place: record.place,
    ...(record.scenarioId === undefined ? {} : { scenarioId: record.scenarioId }),
    // A copy when the row was cut: the view would keep the whole row alive.
    inputIds: encoded.truncated > 0 ? encoded.inputIds.slice() : encoded.inputIds,
    labels: encoded.labels,
    ...(encoded.weights === undefined ? {} : { weights: encoded.weights }),
  };
}
