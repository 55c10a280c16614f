// Contaminated rows that stop a mix: one error for all of them.

import { DataError } from "../base/errors.ts";
import type { Removal } from "./scan.ts";
import type { MixSpec } from "./spec.ts";

/** Contaminated rows that the error names. */
const NAMED = 10;
/** Contaminated rows, where they stop the mix: all of them are counted, the first are named. */
export class RefusedRows {
  private readonly named: string[] = [];
  private first: Removal | undefined;
  private count = 0;

  constructor(private readonly spec: MixSpec) {}

  note(removal: Removal): void {
    const { finding } = removal;
    if (finding === undefined || this.spec.contamination?.action !== "refuse") return;
    this.first ??= removal;
    this.count++;
    if (this.named.length >= NAMED) return;
    const overlap = finding.overlap === undefined ? "" : `, ${(100 * finding.overlap).toFixed(0)} %`;
    const field = finding.field ? ` ${finding.field}` : "";
    this.named.push(`${removal.file}:${removal.row} (${finding.against}: ${finding.item}${field}${overlap})`);
  }

  stop(): void {
    if (this.first === undefined) return;
    const more = this.count > NAMED ? ` and ${this.count - NAMED} more` : "";
    throw new DataError(
      { file: this.first.file, line: this.first.row },
      `expected no row that holds what an eval asks, found ${this.count}: ${this.named.join("; ")}${more}`,
      {
        hint: "contamination: { action: drop } leaves such rows out, list keeps them; both list every one beside the mix",
      },
    );
  }
}
