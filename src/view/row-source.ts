// Rows to look at, wherever they lie: a long file of JSON lines through its index, other shapes of data in memory.

import { SekftError } from "../base/errors.ts";
import type { Turn } from "../data/normalize.ts";
import { readTrajectories } from "../data/read-records.ts";
import { checkTrajectory, type TrajectoryRecord } from "../data/trajectory.ts";
import { checkRecord, type EpisodeRecord } from "../eval/record.ts";
import { episodeFacts, factsOfTrajectory, trajectoryFacts } from "./row-facts.ts";
import { RowIndex, RowTable } from "./row-index.ts";
import type { IndexState } from "./shapes.ts";

/** One row in full. */
export type FullRow =
  | { readonly kind: "episode"; readonly record: EpisodeRecord; readonly line: number }
  | { readonly kind: "trajectory"; readonly record: TrajectoryRecord; readonly line: number };

/** Rows with their facts. */
export interface RowSource {
  readonly file: string;
  readonly table: RowTable;
  readonly state: IndexState;
  readonly generation: number;
  /** Reads what is new in the background. */
  refresh(): Promise<void>;
  /** @throws DataError when it cannot be read any more */
  row(row: number): FullRow;
  /** Text that a search looks through first, JSON as a rule. */
  text(row: number): string;
}

/** Opens episodes.jsonl of an eval or data of training. Nothing is read before `refresh`. */
export function openRows(file: string, kind: FullRow["kind"]): RowSource {
  if (!/\.(jsonl|ndjson)$/.test(file)) return new RowsInMemory(file);
  return new IndexedRows(file, kind);
}

/** Who said what in a row. */
export function turnsOf({ record }: FullRow): readonly Turn[] {
  return record.turns;
}

class IndexedRows implements RowSource {
  private readonly index: RowIndex;

  constructor(
    readonly file: string,
    private readonly kind: FullRow["kind"],
  ) {
    this.index = new RowIndex(file, kind === "episode" ? episodeFacts : trajectoryFacts);
  }

  get table(): RowTable {
    return this.index.table;
  }

  get state(): IndexState {
    return this.index.state;
  }

  get generation(): number {
    return this.index.generation;
  }

  refresh(): Promise<void> {
    return this.index.refresh();
  }

  row(row: number): FullRow {
    const { value, line } = this.index.record(row);
    const place = { file: this.file, line };
    return this.kind === "episode"
      ? { kind: "episode", record: checkRecord(value, place), line }
      : { kind: "trajectory", record: checkTrajectory(value, place), line };
  }

  text(row: number): string {
    return this.index.text(row);
  }
}

/** Rows of a folder, a JSON array or Parquet beyond this number are left out, and it is said. */
const MOST_ROWS = 50_000;

class RowsInMemory implements RowSource {
  readonly table = new RowTable();
  readonly generation = 0;
  private readonly records: TrajectoryRecord[] = [];
  private damage: string[] = [];
  private running: Promise<void> | undefined;

  constructor(readonly file: string) {}

  get state(): IndexState {
    const done = this.running !== undefined && this.isDone;
    const rows = this.table.length;
    return {
      rows,
      bytesRead: 0,
      bytes: 0,
      done,
      damage: this.damage,
      damaged: this.damage.length,
      tornBytes: 0,
    };
  }

  private isDone = false;

  refresh(): Promise<void> {
    this.running ??= this.read().finally(() => {
      this.isDone = true;
    });
    return this.running;
  }

  row(row: number): FullRow {
    const record = this.records[row]!;
    return { kind: "trajectory", record, line: record.place.line ?? 1 };
  }

  text(row: number): string {
    return JSON.stringify(this.records[row]);
  }

  private async read(): Promise<void> {
    try {
      for await (const record of readTrajectories(this.file)) {
        if (this.records.length === MOST_ROWS) {
          this.damage.push(
            `${this.file}: only the first ${MOST_ROWS} rows are shown; JSON lines are shown to the end`,
          );
          return;
        }
        this.records.push(record);
        this.table.push(factsOfTrajectory(record));
        if (this.records.length % 200 === 0) await new Promise((done) => setImmediate(done));
      }
    } catch (error) {
      if (!(error instanceof SekftError)) throw error;
      this.damage.push(error.message);
    }
  }
}
