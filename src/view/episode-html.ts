// Sessions in full beside each other, as a piece of a page.

import { SekftError } from "../base/errors.ts";
import { sideHtml, transcriptHtml } from "../eval/report/transcript.ts";
import { escapeHtml } from "../eval/report/words.ts";
import type { RowSource } from "./row-source.ts";

/** Rows of a source that may be shown at once. */
const MOST_SIDES = 16;

/** The sessions of some rows. A row that cannot be read any more says so in its place. */
export function episodesHtml(source: RowSource, rows: readonly number[]): string {
  const sides = rows.slice(0, MOST_SIDES).map((row) => {
    try {
      const mask = `<p class="links"><a href="#" data-mask="${row}">tokens and mask</a></p>`;
      const full = source.row(row);
      if (full.kind === "episode")
        return `${sideHtml(full.record).replace(/<\/section>$/, "")}${mask}</section>`;
      const { record, line } = full;
      const facts = [
        `line ${line}`,
        record.keep ? "kept" : "not kept",
        ...(record.terminal === undefined ? [] : [record.terminal ?? "no ending"]),
        ...(record.verified === undefined ? [] : [record.verified ? "verified" : "not verified"]),
        ...(record.scenarioId === undefined ? [] : [`scenario ${record.scenarioId}`]),
      ];
      return `<section><h3>${escapeHtml(record.outcome ?? "no outcome")}</h3><p class="dim">${escapeHtml(facts.join(" · "))}</p>${transcriptHtml(record)}${mask}</section>`;
    } catch (error) {
      if (!(error instanceof SekftError)) throw error;
      return `<section><p class="bad">${escapeHtml(error.message)}</p></section>`;
    }
  });
  const more = rows.length > MOST_SIDES ? `<p class="dim">and ${rows.length - MOST_SIDES} more</p>` : "";
  return `<div class="sides">${sides.join("\n")}</div>${more}`;
}
