// Near-duplicates of all sources, taken out of the table and told one by one.

import type { Terminal } from "../base/command.ts";
import { readConversation } from "./conversation.ts";
import { type DuplicateSearch, findDuplicates } from "./near-duplicates.ts";
import { progress } from "./progress.ts";
import type { RowTable } from "./row-table.ts";
import { type Removal, RowReader, type ScannedSource } from "./scan.ts";
import type { SketchFile } from "./sketch-file.ts";
import type { MixSpec } from "./spec.ts";

/** Removes each row that repeats an earlier kept one.
 *  @param found is told each of them, and counts them by source */
export async function takeOutDuplicates(
  spec: MixSpec,
  table: RowTable,
  scanned: readonly ScannedSource[],
  sketches: SketchFile,
  bands: number,
  terminal: Terminal,
  pause: () => Promise<void> | undefined,
  found: { readonly removed: (removal: Removal) => void; readonly repeated: number[] },
): Promise<DuplicateSearch> {
  sketches.finish();
  using comparing = progress(terminal, "mix: comparing", bands, "bands");
  const reader = new RowReader(spec.dedup!.ngram);
  const sourceOf = (row: number) => scanned.findIndex(({ end }) => row < end);
  const taking = scanned.filter(({ spec: one }) => one.dedup);
  let before = 0;
  const search = findDuplicates(
    {
      rows: table.rows,
      bands,
      sketchSize: sketches.size,
      takesPart: (row) => taking.some(({ first, end }) => row >= first && row < end),
      blockRows: sketches.blockRows,
      readKeys: (band, first, into) => sketches.readKeys(band, first, into),
      readSketch: (row, into, offset) => sketches.readSketch(row, into, offset),
      shingles(row) {
        reader.read(readConversation(JSON.parse(table.text(row)), table.place(row)));
        const sorted = reader.grams.hashes.slice(0, reader.readGrams()).sort();
        return sorted.filter((hash, i) => i === 0 || hash !== sorted[i - 1]);
      },
    },
    spec.dedup!.threshold,
    async (done) => {
      comparing.update(done);
      table.litter.add(8 * table.rows * (done - before));
      before = done;
      await pause();
    },
  );
  for (;;) {
    const { value, done } = await search.next();
    if (done) return value;
    const source = sourceOf(value.row);
    const { name } = scanned[source]!.spec;
    table.remove(value.row);
    found.repeated[source]!++;
    found.removed({
      source: name,
      file: table.file(value.row).path,
      row: table.number(value.row),
      reason: "near_duplicate",
      duplicate_of: {
        source: scanned[sourceOf(value.of)]!.spec.name,
        file: table.file(value.of).path,
        row: table.number(value.of),
      },
      similarity: Number(value.similarity.toFixed(4)),
      removed: true,
    });
  }
}
