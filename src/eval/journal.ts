// episodes.jsonl of a run: one line an episode, on the disk before it counts, whole or absent after any kill.

import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { diskError, writeFileAtomic } from "../base/atomic.ts";
import { DataError, fileProblem, UserError } from "../base/errors.ts";
import { parseJson } from "../data/parse-json.ts";
import { checkRecord, type EpisodeRecord, isBroken, keyText } from "./record.ts";

export const episodesName = "episodes.jsonl";
/** Full records of attempts and episodes that the machinery broke; for people, never counted. */
const brokenName = "broken.jsonl";

/** Lines of a log, and the number of bytes before a line that a kill cut short. */
interface Lines {
  readonly lines: readonly string[];
  readonly wholeBytes: number;
  readonly torn: boolean;
}

function readLog(file: string): Lines {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new UserError(`${file}: expected the episodes of an eval, got ${fileProblem(cause)}`, { cause });
  }
  const end = bytes.lastIndexOf(0x0a) + 1;
  const text = bytes.subarray(0, end).toString("utf8");
  return { lines: text.split("\n").slice(0, -1), wholeBytes: end, torn: end < bytes.length };
}

/** The episodes of a run, in the order in which they ended; a line that a kill cut short is passed over.
 *  @throws UserError without the file; DataError naming line and field of a damaged one */
export function readEpisodes(folder: string): EpisodeRecord[] {
  const file = join(folder, episodesName);
  const seen = new Map<string, number>();
  return readLog(file).lines.map((text, index) => {
    const place = { file, line: index + 1 };
    const record = checkRecord(parseJson(text, place, "line"), place);
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

/** The log of a run that goes on. The folder must be locked. */
export class Journal {
  private readonly file: number;
  private readonly broken: number;

  private constructor(
    private readonly folder: string,
    /** Episodes that were scored before. */
    readonly done: readonly EpisodeRecord[],
  ) {
    this.file = this.open(episodesName);
    this.broken = this.open(brokenName);
  }

  /** Opens the log of `folder`: cuts a torn last line off, and takes episodes that the machinery broke out of it, since they
   *  run again; their records go to broken.jsonl first.
   *  @throws DataError for a line that is damaged in another way */
  static open(folder: string): Journal {
    const file = join(folder, episodesName);
    const brokenFile = join(folder, brokenName);
    for (const log of [file, brokenFile]) if (existsSync(log)) cutTornLine(log);
    const all = existsSync(file) ? readEpisodes(folder) : [];
    const broken = all.filter(isBroken);
    const done = all.filter((record) => !isBroken(record));
    if (broken.length > 0) {
      const known = existsSync(brokenFile) ? new Set(readLog(brokenFile).lines) : new Set();
      const fresh = broken.map((record) => JSON.stringify(record)).filter((line) => !known.has(line));
      const handle = openSync(brokenFile, "a");
      writeLines(brokenFile, handle, fresh);
      closeSync(handle);
      writeFileAtomic(file, done.map((record) => `${JSON.stringify(record)}\n`).join(""));
    }
    return new Journal(folder, done);
  }

  /** Adds an episode; it is on the disk when this returns. */
  append(record: EpisodeRecord): void {
    writeLines(join(this.folder, episodesName), this.file, [JSON.stringify(record)]);
  }

  /** Adds an attempt that runs again. */
  appendBroken(record: EpisodeRecord): void {
    writeLines(join(this.folder, brokenName), this.broken, [JSON.stringify(record)]);
  }

  [Symbol.dispose](): void {
    closeSync(this.file);
    closeSync(this.broken);
  }

  private open(name: string): number {
    try {
      return openSync(join(this.folder, name), "a");
    } catch (error) {
      throw diskError(join(this.folder, name), error);
    }
  }
}

function cutTornLine(file: string): void {
  const { torn, wholeBytes } = readLog(file);
  if (!torn) return;
  const handle = openSync(file, "r+");
  ftruncateSync(handle, wholeBytes);
  fsyncSync(handle);
  closeSync(handle);
}

// One write a call, so that a kill leaves at most one line cut short, and always the last one.
function writeLines(path: string, handle: number, lines: readonly string[]): void {
  if (lines.length === 0) return;
  const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(handle, bytes, done, bytes.length - done);
    fsyncSync(handle);
  } catch (error) {
    throw diskError(path, error);
  }
}
