// Where each line of a long log is, and what the list shows of it. Built in the background, one block at a time, so that a log of any
// length opens at once and is never in memory whole.

import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { SekftError } from "../base/errors.ts";
import { parseJson } from "../data/parse-json.ts";
import { Numbers, Words } from "./columns.ts";
import type { FactsReader, RowFacts } from "./row-facts.ts";
import type { IndexState } from "./shapes.ts";

const BLOCK_BYTES = 1 << 20;
/** Garbage of the parser is collected after so many bytes: its own schedule lets the process grow with the file. */
const COLLECT_BYTES = 32 << 20;
/** A line longer than this is damage, not an episode. */
const LONGEST_LINE = 64 << 20;
const LISTED = 100;

/** Facts of all rows, by row. */
export class RowTable {
  readonly names = new Words();
  readonly arms = new Words();
  readonly archetypes = new Words();
  readonly outcomes = new Words();
  private readonly flags = new Numbers((length) => new Uint8Array(length));
  private readonly steps = new Numbers((length) => new Uint32Array(length));
  /** Rows of each name, in order of appearance. */
  readonly groups: number[][] = [];

  get length(): number {
    return this.steps.length;
  }

  push(facts: RowFacts): void {
    const row = this.length;
    this.names.push(facts.name);
    this.arms.push(facts.arm);
    this.archetypes.push(facts.archetype);
    this.outcomes.push(facts.outcome);
    this.flags.push(toBits(facts));
    this.steps.push(facts.steps);
    const group = this.names.number(row);
    if (group === this.groups.length) this.groups.push([row]);
    else this.groups[group]!.push(row);
  }

  facts(row: number): RowFacts {
    return {
      name: this.names.at(row),
      arm: this.arms.at(row),
      archetype: this.archetypes.at(row),
      outcome: this.outcomes.at(row),
      steps: this.steps.at(row),
      ...fromBits(this.flags.at(row)),
    };
  }

  /** Sessions of one group that differ in being clean; those that the machinery broke do not count. */
  flips(group: number): boolean {
    if (this.groups[group]!.length < 2) return false;
    const clean = this.groups[group]!.map((row) => this.facts(row)).filter(({ broken }) => !broken);
    return clean.some((facts) => facts.clean !== clean[0]!.clean);
  }
}

const terminals = [null, "exit", "panic"];
const verdicts = [null, false, true];

function toBits(facts: RowFacts): number {
  return (
    Number(facts.clean) |
    (Number(facts.broken) << 1) |
    (Number(facts.operated) << 2) |
    (Number(facts.discovered) << 3) |
    (verdicts.indexOf(facts.verified) << 4) |
    (Math.max(0, terminals.indexOf(facts.terminal)) << 6)
  );
}

function fromBits(bits: number): Omit<RowFacts, "name" | "arm" | "archetype" | "outcome" | "steps"> {
  return {
    clean: (bits & 1) !== 0,
    broken: (bits & 2) !== 0,
    operated: (bits & 4) !== 0,
    discovered: (bits & 8) !== 0,
    verified: verdicts[(bits >> 4) & 3]!,
    terminal: terminals[(bits >> 6) & 3]!,
  };
}

/** The index of one file of JSON lines. */
export class RowIndex {
  table = new RowTable();
  private offsets = new Numbers((length) => new Float64Array(length));
  private lengths = new Numbers((length) => new Uint32Array(length));
  private lineNumbers = new Numbers((length) => new Uint32Array(length));
  private damage: string[] = [];
  private damaged = 0;
  /** Bytes and lines that are indexed: up to the last line end. */
  private at = { byte: 0, line: 0 };
  private bytes = 0;
  private inode = 0;
  private running: Promise<void> | undefined;
  /** Grows when earlier rows are no longer what they were. */
  generation = 0;

  constructor(
    readonly file: string,
    private readonly read: FactsReader,
  ) {}

  get state(): IndexState {
    return {
      rows: this.table.length,
      bytesRead: this.at.byte,
      bytes: this.bytes,
      done: this.running === undefined,
      damage: this.damage,
      damaged: this.damaged,
      tornBytes: this.running ? 0 : this.bytes - this.at.byte,
    };
  }

  /** Goes on where the file has grown, and starts anew where it is another; resolves when the end is reached. */
  refresh(): Promise<void> {
    if (this.running) return this.running;
    const stat = statSync(this.file, { throwIfNoEntry: false });
    if (stat && stat.ino === this.inode && stat.size === this.bytes) return Promise.resolve();
    if (!stat || (this.inode !== 0 && stat.ino !== this.inode) || stat.size < this.at.byte) this.clear();
    if (!stat) return Promise.resolve();
    this.inode = stat.ino;
    this.bytes = stat.size;
    this.running = this.pass().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  /** Line `row` as it stands in the file, parsed anew, with its line number.
   *  @throws DataError when the file was changed under the index */
  record(row: number): { readonly value: unknown; readonly line: number } {
    const line = this.lineNumbers.at(row);
    return { value: parseJson(this.text(row), { file: this.file, line }, "line"), line };
  }

  /** Text of line `row`. */
  text(row: number): string {
    const handle = openSync(this.file, "r");
    try {
      const bytes = Buffer.allocUnsafe(this.lengths.at(row));
      return bytes.toString("utf8", 0, readSync(handle, bytes, 0, bytes.length, this.offsets.at(row)));
    } finally {
      closeSync(handle);
    }
  }

  private clear(): void {
    this.table = new RowTable();
    this.offsets = new Numbers((length) => new Float64Array(length));
    this.lengths = new Numbers((length) => new Uint32Array(length));
    this.lineNumbers = new Numbers((length) => new Uint32Array(length));
    this.damage = [];
    this.damaged = 0;
    this.at = { byte: 0, line: 0 };
    this.bytes = 0;
    this.inode = 0;
    this.generation++;
  }

  private async pass(): Promise<void> {
    let handle: number;
    try {
      handle = openSync(this.file, "r");
    } catch (error) {
      this.complain(`${this.file}: expected a readable file, got ${(error as NodeJS.ErrnoException).code}`);
      return;
    }
    try {
      const block = Buffer.allocUnsafe(BLOCK_BYTES);
      let rest: Buffer[] = [];
      let restBytes = 0;
      let position = this.at.byte;
      let collected = position;
      for (;;) {
        this.bytes = Math.max(this.bytes, fstatSync(handle).size);
        const got = block.subarray(0, readSync(handle, block, 0, BLOCK_BYTES, position));
        if (got.length === 0) break;
        position += got.length;
        let from = 0;
        for (let end = got.indexOf(10); end >= 0; end = got.indexOf(10, from)) {
          const piece = got.subarray(from, end);
          this.addLine(restBytes === 0 ? piece : Buffer.concat([...rest, piece]), restBytes + piece.length);
          rest = [];
          restBytes = 0;
          from = end + 1;
        }
        restBytes += got.length - from;
        // What no line may be is counted, not kept.
        if (restBytes > LONGEST_LINE) rest = [];
        else if (from < got.length) rest.push(Buffer.from(got.subarray(from)));
        if (position - collected >= COLLECT_BYTES) {
          Bun.gc(true);
          collected = position;
        }
        // Requests are answered between blocks.
        await new Promise((done) => setImmediate(done));
      }
    } finally {
      closeSync(handle);
    }
  }

  private addLine(bytes: Buffer, length: number): void {
    const { byte, line } = this.at;
    this.at = { byte: byte + length + 1, line: line + 1 };
    const place = { file: this.file, line: line + 1 };
    if (length > LONGEST_LINE) {
      this.complain(`${this.file}:${place.line}: expected a line of at most 64 MiB, got ${length} bytes`);
      return;
    }
    try {
      const text = bytes.toString("utf8");
      if (text.trim() === "") return;
      this.table.push(this.read(parseJson(text, place, "line"), place));
      this.offsets.push(byte);
      this.lengths.push(length);
      this.lineNumbers.push(place.line);
    } catch (error) {
      if (!(error instanceof SekftError)) throw error;
      this.complain(error.message);
    }
  }

  private complain(message: string): void {
    this.damaged++;
    if (this.damage.length < LISTED) this.damage.push(message);
  }
}
