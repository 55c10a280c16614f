// What is kept of each row between the readings: where it lies and what it counts, 25 bytes in all. The text stays on the disk.

import type { Place } from "../base/errors.ts";
import { Column } from "./column.ts";
import { Litter } from "./litter.ts";
import type { RowFile } from "./row-file.ts";

/** All rows that may be in the mix, numbered from 0 in the order in which they were read. */
export class RowTable {
  private readonly files: RowFile[] = [];
  private readonly firsts: number[] = [];
  private readonly offsets = new Column(Float64Array);
  private readonly lengths = new Column(Uint32Array);
  private readonly numbers = new Column(Uint32Array);
  private readonly weights = new Column(Uint32Array);
  private readonly groups = new Column(Uint32Array);
  private readonly removed = new Column(Uint8Array);
  /** What was made of rows and is no longer needed. */
  readonly litter = new Litter();

  /** @param kept what somebody will ask for; without weights each row weighs 1 */
  constructor(private readonly kept: { readonly weights: boolean; readonly groups: boolean }) {}

  get rows(): number {
    return this.offsets.length;
  }

  /** Rows added from now on lie in `file`. */
  open(file: RowFile): void {
    this.files.push(file);
    this.firsts.push(this.rows);
  }

  /** @param number its line or place in the file
   *  @param weight what it counts for shares
   *  @param group rows of one number stay on one side of the holdout */
  add(
    at: { readonly offset: number; readonly bytes: number },
    number: number,
    weight: number,
    group: number,
  ): void {
    this.offsets.push(at.offset);
    this.lengths.push(at.bytes);
    this.numbers.push(number);
    if (this.kept.weights) this.weights.push(weight);
    if (this.kept.groups) this.groups.push(group);
    this.removed.push(0);
  }

  weight(row: number): number {
    return this.kept.weights ? this.weights.at(row) : 1;
  }

  group(row: number): number {
    return this.groups.at(row);
  }

  remove(row: number): void {
    this.removed.set(row, 1);
  }

  isRemoved(row: number): boolean {
    return this.removed.at(row) === 1;
  }

  file(row: number): RowFile {
    let low = 0;
    let high = this.firsts.length;
    // Files without rows share their first number with the next: the last of them has the row.
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.firsts[middle]! <= row) low = middle;
      else high = middle;
    }
    return this.files[low]!;
  }

  /** Its number in its file. */
  number(row: number): number {
    return this.numbers.at(row);
  }

  place(row: number): Place {
    return this.file(row).place(this.number(row));
  }

  /** Its JSON, read again. */
  text(row: number): string {
    this.litter.add(this.lengths.at(row));
    return this.file(row).read(this.offsets.at(row), this.lengths.at(row));
  }
}
