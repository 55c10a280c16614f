// episodes.jsonl of a run: one line an episode, on the disk before it counts, whole or absent after any kill.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../base/atomic.ts";
import { DataError, fileProblem, UserError } from "../base/errors.ts";
import { Journal } from "../base/journal.ts";
import { parseJson } from "../data/parse-json.ts";
import { checkRecord, type EpisodeRecord, isBroken, keyText } from "./record.ts";

export const episodesName = "episodes.jsonl";
/** Full records of attempts and episodes that the machinery broke; for people, never counted. */
const brokenName = "broken.jsonl";

/** The episodes of a run, in the order in which they ended; a line that a kill cut short is passed over.
 *  @throws UserError without the file; DataError naming line and field of a damaged one */
export function readEpisodes(folder: string): EpisodeRecord[] {
  const file = join(folder, episodesName);
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new UserError(`${file}: expected the episodes of an eval, got ${fileProblem(cause)}`, { cause });
  }
  const lines = bytes.toString("utf8", 0, bytes.lastIndexOf(0x0a) + 1).split("\n");
  return checkAll(
    lines.slice(0, -1).map((text, i) => parseJson(text, { file, line: i + 1 }, "line")),
    file,
  );
}

/** The log of a run that goes on. */
export class EpisodeLog implements Disposable {
  /** Episodes that were scored before. */
  readonly done: readonly EpisodeRecord[];
  private readonly episodes: Journal;
  private readonly broken: Journal;

  /** Opens the log of `folder`, which must be locked. Episodes that the machinery broke are taken out of it, since they run
   *  again; their records go to broken.jsonl first.
   *  @throws DataError for a damaged line that is not the last */
  constructor(folder: string) {
    const file = join(folder, episodesName);
    this.broken = new Journal(join(folder, brokenName));
    if (existsSync(file)) {
      const { records, broken } = this.load(file);
      if (broken.length > 0) {
        // A kill between the two writes leaves the broken ones in both files; they are not kept twice.
        const known = new Set(this.broken.records.map((record) => JSON.stringify(record)));
        for (const record of broken) if (!known.has(JSON.stringify(record))) this.broken.append(record);
        writeFileAtomic(file, records.map((record) => `${JSON.stringify(record)}\n`).join(""));
      }
    }
    this.episodes = new Journal(file);
    this.done = this.episodes.records as readonly EpisodeRecord[];
  }

  private load(file: string): { records: EpisodeRecord[]; broken: EpisodeRecord[] } {
    using journal = new Journal(file);
    const all = checkAll(journal.records, file);
    return { records: all.filter((record) => !isBroken(record)), broken: all.filter(isBroken) };
  }

  /** Adds an episode; it is on the disk when this returns. */
  append(record: EpisodeRecord): void {
    this.episodes.append(record);
  }

  /** Adds an attempt that runs again. */
  appendBroken(record: EpisodeRecord): void {
    this.broken.append(record);
  }

  [Symbol.dispose](): void {
    this.episodes[Symbol.dispose]();
    this.broken[Symbol.dispose]();
  }
}

function checkAll(values: readonly unknown[], file: string): EpisodeRecord[] {
  const seen = new Map<string, number>();
  return values.map((value, index) => {
    const place = { file, line: index + 1 };
    const record = checkRecord(value, place);
    const first = seen.get(keyText(record));
    if (first !== undefined)
      throw new DataError(
        { ...place, field: "scenario_id" },
        `${record.scenario_id} of ${record.arm}, sample ${record.sample}, a second time (first on line ${first})`,
      );
    seen.set(keyText(record), index + 1);
    return record;
  });
}
