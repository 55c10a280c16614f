// Full text search through rows that are on the disk: a little at a time, so that the first hits come at once.

import type { RowSource } from "./row-source.ts";
import { turnsOf } from "./row-source.ts";

/** A hit: the row, and the words around it. */
export interface Hit {
  readonly row: number;
  readonly snippet: string;
}

const AROUND = 48;

/** One search; letters match in either case. */
export class TextSearch {
  readonly hits = new Map<number, Hit>();
  /** Rows that were looked at. */
  searched = 0;
  private readonly wanted: string;
  /** As it stands in JSON, so that most rows are passed over without being parsed. */
  private readonly raw: string;

  constructor(readonly query: string) {
    this.wanted = query.toLowerCase();
    this.raw = JSON.stringify(query).slice(1, -1).toLowerCase();
  }

  /** Looks at further rows for about `budgetMs`. */
  advance(source: RowSource, budgetMs: number): void {
    const end = performance.now() + budgetMs;
    while (this.searched < source.table.length && performance.now() < end) {
      const row = this.searched++;
      const text = source.text(row).toLowerCase();
      // Other writers may spell letters as \uXXXX.
      if (!text.includes(this.raw) && !(/[^ -~]/.test(this.wanted) && text.includes("\\u"))) continue;
      const snippet = this.find(source, row);
      if (snippet !== undefined) this.hits.set(row, { row, snippet });
    }
  }

  private find(source: RowSource, row: number): string | undefined {
    const full = source.row(row);
    const { record } = full;
    const named =
      full.kind === "episode" ? [full.record.scenario_id, full.record.error?.message] : [full.record.id];
    for (const text of [...turnsOf(full).map(({ content }) => content), ...named, record.archetype]) {
      const at = text?.toLowerCase().indexOf(this.wanted) ?? -1;
      if (text !== undefined && at >= 0)
        return `${at > AROUND ? "…" : ""}${text.slice(Math.max(0, at - AROUND), at + this.query.length + AROUND)}`;
    }
    return undefined;
  }
}
