// The numbers of an eval as a piece of a page: that of its report, from result.json, or counted from the index while it goes on.

import { join } from "node:path";
import { SekftError } from "../base/errors.ts";
import { readManifest } from "../eval/manifest.ts";
import { type EpisodeRecord, metricNames } from "../eval/record.ts";
import { archetypesFigure, differenceFigure, outcomesFigure, ratesFigure } from "../eval/report/figures.ts";
import { flipName } from "../eval/report/markdown.ts";
import { resultNotes } from "../eval/report/notes.ts";
import { htmlTable } from "../eval/report/page.ts";
import { archetypeTable, comparisonTable, outcomeTable, type Table } from "../eval/report/table.ts";
import { escapeHtml, rateWords, shareWords } from "../eval/report/words.ts";
import { type EvalResult, evalResult } from "../eval/result.ts";
import { readJsonPart } from "./json-part.ts";
import type { RowSource } from "./row-source.ts";

/** Above this many episodes nothing is counted anew: intervals by archetype draw from all of them thousands of times. */
const MOST_COUNTED = 20_000;
/** More flips than these are listed when asked for. */
const LISTED_FLIPS = 16;

/** Table, intervals, figures, notes and flips of the eval in `folder`.
 *  @param source its episodes, when there are any */
export function evalHtml(folder: string, source: RowSource | undefined): string {
  const written = readJsonPart(join(folder, "result.json"), "the result of an eval");
  if (written.value) {
    try {
      return resultHtml(checkNumbers(written.value as unknown as EvalResult));
    } catch (error) {
      // Another program's file, or another version's: the episodes tell the same.
      if (!(error instanceof TypeError)) throw error;
    }
  }
  const why =
    written.damage[0] ?? (written.value ? "result.json: expected another shape" : "No result.json yet");
  if (!source) return `<p class="warn">${escapeHtml(why)}; and there are no episodes to count.</p>`;
  if (source.table.length > MOST_COUNTED)
    return `<p class="warn">${escapeHtml(why)}; ${source.table.length} episodes are too many to count here.</p>`;
  try {
    const result = evalResult(episodesOf(source), readManifest(folder));
    return `<p class="dim">${escapeHtml(why)}: counted from the ${source.table.length} episodes so far.</p>${resultHtml(result)}`;
  } catch (error) {
    if (!(error instanceof SekftError)) throw error;
    return `<p class="warn">${escapeHtml(error.message)}</p>`;
  }
}

/** What figures add up must be numbers: words in their place would end up in the page as they are.
 *  @throws TypeError */
function checkNumbers(result: EvalResult): EvalResult {
  for (const arm of Object.values(result.arms))
    for (const value of [
      ...Object.values(arm.outcomes),
      ...metricNames.flatMap((name) => Object.values(arm[name])),
    ])
      if (value !== null && typeof value !== "number") throw new TypeError("expected a number");
  return result;
}

/** What an eval counts, without the turns. */
function episodesOf({ table }: RowSource): EpisodeRecord[] {
  return Array.from({ length: table.length }, (_, row) => {
    const { name, clean: _clean, broken: _broken, ...facts } = table.facts(row);
    const [, scenario, sample = "0"] = /^(.*?)(?:#(\d+))?$/s.exec(name)!;
    return {
      ...facts,
      scenario_id: scenario!,
      scenario_hash: "",
      sample: Number(sample),
      model: facts.arm,
      turns: [],
      limits_hit: [],
      tokens: { prompt: null, completion: null },
      wall_ms: 0,
      error: null,
      attempts: [],
      step_log: [],
    };
  });
}

function resultHtml(result: EvalResult): string {
  const { arms, compare } = result;
  const rates = htmlTable(
    ["arm", "n", ...metricNames],
    Object.entries(arms).map(([name, arm]) => [
      `<b>${escapeHtml(name)}</b>`,
      escapeHtml(String(arm.n)),
      ...metricNames.map(
        (metric) =>
          `${escapeHtml(shareWords(arm[metric]))}<small>${escapeHtml(rateWords(arm[metric]))}</small>`,
      ),
    ]),
  );
  const notes = resultNotes(result).map((note) => `<li>${escapeHtml(note)}</li>`);
  const figures = [
    panel("Rates", ratesFigure(arms)),
    panel("Outcomes", outcomesFigure(arms)),
    ...compare.map((pair) => panel(`${pair.arms[1]} less ${pair.arms[0]}`, differenceFigure(pair))),
    panel("Clean by archetype", archetypesFigure(arms)),
  ];
  return [
    `<section class="panel">${rates}</section>`,
    `<ul class="notes">${notes.join("")}</ul>`,
    `<div class="charts">${figures.join("")}</div>`,
    ...compare.map((pair) => {
      const flips = pair.flips.map((flip) => [
        `<span class="${flip.direction === "gained" ? "good" : "bad"}">${escapeHtml(flip.direction)}</span>`,
        `<a class="mono" data-episode="${escapeHtml(flipName(flip))}" href="#">${escapeHtml(flipName(flip))}</a>`,
        ...[flip.archetype, flip.first, flip.second].map(escapeHtml),
      ]);
      const title = `${pair.arms[1]} against ${pair.arms[0]}`;
      const listed =
        flips.length === 0
          ? '<p class="dim">No scenario is clean in one arm only.</p>'
          : `<details${flips.length > LISTED_FLIPS ? "" : " open"}><summary>Flips: ${flips.length} clean in one arm only</summary><div class="inside">${htmlTable(["", "scenario", "archetype", ...pair.arms], flips, 5)}</div></details>`;
      return `<div class="pair">${panel(title, plain(comparisonTable(pair)))}${listed}</div>`;
    }),
    `<div class="tables">${panel("By archetype", plain(archetypeTable(result), 2))}${panel("Outcomes", plain(outcomeTable(result)))}</div>`,
  ].join("\n");
}

function panel(title: string, figure: string): string {
  return `<section class="panel"><h3>${escapeHtml(title)}</h3>${figure}</section>`;
}

function plain({ titles, rows }: Table, left = 1): string {
  return htmlTable(
    titles,
    rows.map((cells) => cells.map(escapeHtml)),
    left,
  );
}
