// Where a session ends and where it might have: the ids before a decision as training renders them, and the ids of the terminal there.

import { createHash } from "node:crypto";
import { plainTerminals } from "../../base/terminal-words.ts";
import type { ChatFormat } from "../../data/chat/chat-format.ts";
import { type DatasetOptions, encodeRows, terminalOf } from "../../data/dataset.ts";
import { type Encoded, encodeTrajectory, MASKED, type Refused } from "../../data/encode-trajectory.ts";
import type { Terminal, TrajectoryRecord } from "../../data/trajectory.ts";

/** One place at which the terminal is scored. */
export interface DecisionPoint {
  /** The ids before it and those of the terminal: its word and its end-of-turn token. */
  readonly inputIds: Int32Array;
  /** First id of the terminal. */
  readonly first: number;
}

/** A session that ends in a terminal. */
export interface DecisionSession {
  /** Its place among the rows that were read, the same for every base. */
  readonly row: number;
  readonly id: string;
  readonly archetype: string | null;
  readonly terminal: Terminal;
  /** Of its turns. */
  readonly sha256: string;
  readonly final: DecisionPoint;
  readonly controls: readonly DecisionPoint[];
}

/** Sessions, and what became of the rest. */
export interface DecisionSessions {
  readonly sessions: readonly DecisionSession[];
  /** Rows that were kept. */
  readonly rows: number;
  /** Rows that the encoder refuses, such as those that are too long. */
  readonly refused: number;
  /** Rows that end in no terminal. */
  readonly unended: number;
}

/** Reads every session that ends in a terminal, as the trainer would.
 *  @param controls earlier decisions of each session, spread evenly
 *  @throws DataError for the first row that cannot be read */
export async function readSessions(
  options: DatasetOptions,
  format: ChatFormat,
  controls: number,
): Promise<DecisionSessions> {
  const { terminals = plainTerminals } = options;
  const sessions: DecisionSession[] = [];
  let rows = 0;
  let refused = 0;
  let unended = 0;
  for await (const { record, result } of encodeRows(options, format)) {
    const row = rows++;
    const terminal = terminalOf(record, terminals);
    if (terminal === "none") unended++;
    else if ("refused" in result) refused++;
    else
      sessions.push({
        row,
        id: record.id,
        archetype: record.archetype ?? null,
        terminal,
        sha256: createHash("sha256").update(JSON.stringify(record.turns)).digest("hex"),
        final: lastTurn(result),
        controls: earlierPoints(record, terminals[terminal], { options, format, controls }),
      });
  }
  return { sessions, rows, refused, unended };
}

/** The last turn of an encoded conversation as a decision. */
function lastTurn({ inputIds, turns, truncated }: Encoded): DecisionPoint {
  const [first, past] = turns.at(-1)!.tokens;
  return { inputIds: inputIds.slice(0, past - truncated), first: first - truncated };
}

/** The same terminal where the session went on: the conversation up to there, with the terminal as its last turn. */
function earlierPoints(
  record: TrajectoryRecord,
  word: string,
  { options, format, controls }: { options: DatasetOptions; format: ChatFormat; controls: number },
): DecisionPoint[] {
  const { turns } = record;
  const last = turns.findLastIndex(({ role }) => role === "assistant");
  // A turn right behind another of the assistant's is no decision of its own: templates see one.
  const places = turns.flatMap(({ role }, i) =>
    role === "assistant" && i < last && turns[i - 1]?.role === "user" ? [i] : [],
  );
  return spread(places, controls).flatMap((at) => {
    const cut = [...turns.slice(0, at), { role: "assistant" as const, content: word }];
    const encoded = encodeTrajectory({ id: record.id, place: record.place, turns: cut }, format, options);
    return isRefused(encoded) ? [] : [lastTurn(encoded)];
  });
}

function isRefused(result: Encoded | Refused): result is Refused {
  return "refused" in result;
}

/** At most `count` of `items`, evenly spaced. */
export function spread<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.floor(((i + 0.5) * items.length) / count)]!);
}

/** The point as the model's batches take it: only the terminal's ids are labelled. */
export function labelled({ inputIds, first }: DecisionPoint): { inputIds: Int32Array; labels: Int32Array } {
  return { inputIds, labels: inputIds.map((id, i) => (i < first ? MASKED : id)) };
}
