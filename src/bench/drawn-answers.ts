// <benchmark>.drawn.jsonl: the answers of a run that has not ended, each on the disk as soon as it was drawn.

import { existsSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { DataError, show, UserError } from "../base/errors.ts";
import { Journal } from "../base/journal.ts";
import { isFields } from "../data/turn-checks.ts";
import type { Answer } from "./answer.ts";

/** What answers depend on: were one of these another, they would be too. */
export type DrawnSettings = Readonly<Record<string, string | number | null>>;

/** Where a run over `folder` keeps the answers of a benchmark until it has ended. */
export function drawnPath(folder: string, benchmark: string): string {
  return join(folder, `${benchmark}.drawn.jsonl`);
}

/** The answers that were drawn so far. One process has them open at a time: the folder is locked. */
export class DrawnAnswers implements Disposable {
  private readonly journal: Journal;
  readonly answers: readonly Answer[];
  /** When the run began that these are of. */
  readonly started: string;
  /** Everything that is made of these answers is written. */
  readonly finished: boolean;

  /** Opens or begins `path`; what a run with other settings left there that had finished, or drawn nothing, is cleared away.
   *  @throws UserError naming the settings that are others than when the answers were drawn; DataError for a damaged file */
  constructor(
    readonly path: string,
    now: DrawnSettings,
  ) {
    let journal = new Journal(path);
    try {
      let differences = differencesOf(journal, now);
      if (differences.length > 0 && (isFinished(journal) || journal.records.length === 1)) {
        journal[Symbol.dispose]();
        rmSync(path);
        journal = new Journal(path);
        differences = [];
      }
      if (differences.length > 0)
        throw new UserError(
          `--out: expected the settings of the answers in ${basename(path)}, got ${differences.join(", ")}`,
          {
            hint: `a run that was stopped goes on with its own settings; remove ${path} to draw anew, or choose another --out`,
          },
        );
      const first = journal.records[0];
      this.started = isFields(first) ? String(first.started) : new Date().toISOString();
      if (first === undefined) journal.append({ version: 1, started: this.started, settings: now });
      this.finished = isFinished(journal);
      this.answers = journal.records
        .slice(1)
        .filter((record) => !isEnd(record))
        .map((record, i) => toAnswer(record, { file: path, line: i + 2 }));
    } catch (error) {
      journal[Symbol.dispose]();
      throw error;
    }
    this.journal = journal;
  }

  /** Keeps an answer. */
  add({ taskId, sample, text, cut }: Answer): void {
    this.journal.append({ task_id: taskId, sample, text, cut });
  }

  /** Notes that nothing is left to do with these answers. */
  finish(): void {
    this.journal.append({ finished: true });
  }

  [Symbol.dispose](): void {
    this.journal[Symbol.dispose]();
  }
}

/** Removes what was kept of runs that have ended. */
export function removeDrawn(folder: string, benchmarks: readonly string[]): void {
  for (const name of benchmarks) if (existsSync(drawnPath(folder, name))) rmSync(drawnPath(folder, name));
}

function differencesOf({ records, path }: Journal, now: DrawnSettings): string[] {
  const [first] = records;
  if (first === undefined) return [];
  if (!isFields(first) || !isFields(first.settings))
    throw new DataError({ file: path, line: 1 }, "expected the settings of a bench, found something else", {
      hint: "remove the file to draw anew",
    });
  const before = first.settings;
  return [...new Set([...Object.keys(before), ...Object.keys(now)])]
    .filter((name) => (before[name] ?? null) !== (now[name] ?? null))
    .map((name) => `${name} ${show(now[name] ?? null)} (was ${show(before[name] ?? null)})`);
}

const isEnd = (record: unknown): boolean => isFields(record) && record.finished === true;

function isFinished({ records }: Journal): boolean {
  return records.some(isEnd);
}

function toAnswer(record: unknown, place: { readonly file: string; readonly line: number }): Answer {
  if (
    !isFields(record) ||
    typeof record.task_id !== "string" ||
    typeof record.sample !== "number" ||
    typeof record.text !== "string"
  )
    throw new DataError(place, "expected an answer, found something else", {
      hint: "remove the file to draw anew",
    });
  const { task_id: taskId, sample, text, cut } = record;
  return { taskId, sample, text, form: "chat", cut: cut === true };
}
