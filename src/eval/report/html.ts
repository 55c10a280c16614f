// report.html: tables, charts, flips and every transcript in one file that needs nothing else.

import type { Comparison } from "../compare.ts";
import { type EpisodeRecord, metricNames } from "../record.ts";
import type { EvalResult } from "../result.ts";
import { archetypesFigure, differenceFigure, outcomesFigure, ratesFigure } from "./figures.ts";
import { flipName, manifestRows, sandboxWords } from "./markdown.ts";
import { resultNotes } from "./notes.ts";
import { htmlTable, pageFoot, pageHead } from "./page.ts";
import { archetypeTable, comparisonTable, outcomeTable } from "./table.ts";
import { sidesHtml } from "./transcript.ts";
import { escapeHtml, rateWords, shareWords } from "./words.ts";

/** The report piece by piece, so that a long run is never one string. */
export function* reportHtml(result: EvalResult, records: readonly EpisodeRecord[]): Generator<string> {
  const { manifest, arms } = result;
  const archetypes = new Set(manifest.scenarios.map(({ archetype }) => archetype)).size;
  yield pageHead(`sekft eval: ${Object.keys(arms).join(" · ")}`);
  yield `<h1>Behavioural eval</h1>\n<p class="dim">${manifest.scenarios.length} scenarios of ${archetypes} archetypes, ${escapeHtml(sandboxWords(result))}, started ${escapeHtml(manifest.started)}</p>\n`;
  yield htmlTable(
    ["arm", ...metricNames],
    Object.entries(arms).map(([name, arm]) => [
      `<b>${escapeHtml(name)}</b>`,
      ...metricNames.map(
        (metric) => `${shareWords(arm[metric])}<small>${escapeHtml(rateWords(arm[metric]))}</small>`,
      ),
    ]),
  );
  yield `<ul>${resultNotes(result)
    .map((note) => `<li>${escapeHtml(note)}</li>`)
    .join("\n")}</ul>\n`;
  yield `<div class="charts">${panel("Rates", ratesFigure(arms))}${panel("Outcomes", outcomesFigure(arms))}${result.compare
    .map((pair) => panel(`${pair.arms[1]} less ${pair.arms[0]}`, differenceFigure(pair)))
    .join("")}${panel("Clean by archetype", archetypesFigure(arms))}</div>\n`;
  yield `<h2>By archetype</h2>\n${plainTable(archetypeTable(result), 2)}`;
  yield `<h2>Outcomes</h2>\n${plainTable(outcomeTable(result))}`;
  if (manifest.sampling.samples > 1) yield samplesHtml(result);
  const groups = transcripts(records, Object.keys(arms));
  const anchors = new Map([...groups.keys()].map((key, i) => [key, `t${i}`]));
  for (const pair of result.compare) yield comparisonHtml(pair, anchors);
  yield '<h2>Transcripts</h2>\n<p class="dim">One line a scenario, closed until you open it; arms side by side.</p>\n';
  for (const [key, episodes] of groups) yield sidesHtml(episodes, anchors.get(key)!);
  yield `<h2>How it was run</h2>\n${plainTable({ titles: ["what", "value"], rows: manifestRows(result) }, 2)}`;
  yield pageFoot;
}

function comparisonHtml(pair: Comparison, anchors: ReadonlyMap<string, string>): string {
  const link = (key: string) => {
    const anchor = anchors.get(key);
    return anchor === undefined
      ? escapeHtml(key)
      : `<a href="#${anchor}" class="mono">${escapeHtml(key)}</a>`;
  };
  const flips = pair.flips.map((flip) => [
    `<span class="${flip.direction === "gained" ? "good" : "bad"}">${flip.direction}</span>`,
    link(flipName(flip)),
    ...[flip.archetype, flip.first, flip.second].map(escapeHtml),
  ]);
  return `<h2>${escapeHtml(`${pair.arms[1]} against ${pair.arms[0]}`)}</h2>\n${plainTable(comparisonTable(pair))}${
    flips.length === 0
      ? '<p class="dim">No scenario is clean in one arm only.</p>\n'
      : `<h3>Flips</h3>\n${htmlTable(["", "scenario", "archetype", ...pair.arms], flips, 5)}`
  }`;
}

function samplesHtml({ arms }: EvalResult): string {
  const ks = [...new Set(Object.values(arms).flatMap((arm) => Object.keys(arm.pass_at_k)))];
  const rows = Object.entries(arms).flatMap(([name, arm]) =>
    (["pass_at_k", "pass_hat_k"] as const).map((kind) => [
      escapeHtml(`${name} ${kind === "pass_at_k" ? "pass@k" : "pass^k"}`),
      ...ks.map((k) => arm[kind][k]?.toFixed(3) ?? "-"),
    ]),
  );
  return `<h2>Several samples</h2>\n${htmlTable(["clean", ...ks.map((k) => `k = ${k}`)], rows)}`;
}

/** Episodes by scenario and sample; arms in the run's order, archetypes and ids sorted. */
function transcripts(
  records: readonly EpisodeRecord[],
  arms: readonly string[],
): Map<string, EpisodeRecord[]> {
  const order = (record: EpisodeRecord) =>
    JSON.stringify([record.archetype, record.scenario_id, String(record.sample).padStart(4, "0")]);
  const sorted = records
    .map((record) => ({ record, order: order(record) }))
    .sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0));
  const groups = new Map<string, EpisodeRecord[]>();
  for (const { record } of sorted) {
    const key = flipName({ scenario_id: record.scenario_id, sample: record.sample });
    groups.set(key, [...(groups.get(key) ?? []), record]);
  }
  for (const group of groups.values()) group.sort((a, b) => arms.indexOf(a.arm) - arms.indexOf(b.arm));
  return groups;
}

function panel(title: string, figure: string): string {
  return `<section class="panel"><h3>${escapeHtml(title)}</h3>${figure}</section>`;
}

function plainTable(
  { titles, rows }: { readonly titles: readonly string[]; readonly rows: readonly (readonly string[])[] },
  left = 1,
): string {
  return htmlTable(
    titles,
    rows.map((cells) => cells.map(escapeHtml)),
    left,
  );
}
