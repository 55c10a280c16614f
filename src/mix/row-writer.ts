// Rows of the mix as they are written.

import { readConversation } from "./conversation.ts";
import { placeName } from "./read-spec.ts";
import type { RowTable } from "./row-table.ts";
import type { ScannedSource } from "./scan.ts";

/** A row as it is written: named after its source, and a second use of it by a name of its own. */
export class RowWriter {
  private readonly uses: Uint32Array;

  constructor(
    private readonly table: RowTable,
    private readonly sources: readonly ScannedSource[],
  ) {
    this.uses = new Uint32Array(table.rows);
  }

  record(row: number): Record<string, unknown> {
    const place = this.table.place(row);
    const { name } = this.sources.find(({ end }) => row < end)!.spec;
    const { fields, id } = readConversation(JSON.parse(this.table.text(row)), place);
    const use = ++this.uses[row]!;
    const own = id ?? placeName(place).replace(/^.*[/\\]/, "");
    const { id: _, ...rest } = fields;
    return { id: `${name}/${own}${use === 1 ? "" : `#${use}`}`, source: name, ...rest };
  }
}
