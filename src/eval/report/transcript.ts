// What was on the screen in an episode, as HTML. Everything in it was written by a model or a program: nothing is markup.

import { type EpisodeRecord, isBroken, metricOf } from "../record.ts";
import { escapeHtml, outputHtml } from "./words.ts";

/** The session as a terminal would show it. */
export function transcriptHtml({ turns }: Pick<EpisodeRecord, "turns">): string {
  const parts: string[] = [];
  for (const [i, { role, content }] of turns.entries()) {
    const next = turns[i + 1]?.role;
    if (role === "system") parts.push(`<div class="system">${outputHtml(content)}</div>`);
    else if (role === "assistant") parts.push(`<b>${outputHtml(content)}</b>\n`);
    // The user turn before a command is the prompt that it was typed behind.
    else if (next === "assistant") parts.push(`<span class="prompt">${outputHtml(content)}</span>`);
    else parts.push(withLineEnd(outputHtml(content)));
  }
  return `<div class="term" tabindex="0">${parts.join("")}</div>`;
}

/** A word about how it ended, with the colour of good or bad. */
function outcomeChip(record: EpisodeRecord): string {
  const tone = isBroken(record) ? "warn" : metricOf.clean(record) ? "good" : "bad";
  return `<span class="chip ${tone}">${escapeHtml(record.outcome)}</span>`;
}

/** Facts of an episode in one line. */
function factsLine(record: EpisodeRecord): string {
  const facts = [
    `${record.steps} command${record.steps === 1 ? "" : "s"}`,
    record.operated ? "operated" : "did not operate",
    record.discovered ? "discovered" : "did not discover",
    record.terminal === null ? "no ending" : record.terminal,
    record.verified === null ? "never judged" : record.verified ? "verified" : "not verified",
    ...(record.limits_hit ?? []).map((limit) => `limit: ${limit}`),
    ...(record.wall_ms === undefined ? [] : [`${(record.wall_ms / 1000).toFixed(1)} s`]),
    ...(record.attempts?.length ? [`${record.attempts.length} failed attempts before`] : []),
  ];
  const error = record.error
    ? `<p class="warn">${escapeHtml(`${record.error.kind}: ${record.error.message}`)}</p>`
    : "";
  return `<p class="dim">${escapeHtml(facts.join(" · "))}</p>${error}`;
}

/** One episode: arm, outcome, facts and session. */
export function sideHtml(record: EpisodeRecord): string {
  return `<section><h3>${escapeHtml(record.arm)} ${outcomeChip(record)}</h3>${factsLine(record)}${transcriptHtml(record)}</section>`;
}

/** Episodes of one scenario beside each other, closed until asked for. */
export function sidesHtml(episodes: readonly EpisodeRecord[], anchor: string): string {
  const [first] = episodes;
  if (first === undefined) return "";
  const chips = episodes.map((record) => `${escapeHtml(record.arm)} ${outcomeChip(record)}`).join(" ");
  const sample = first.sample === 0 ? "" : ` #${first.sample}`;
  const sides = episodes.map(sideHtml);
  return `<details><summary><span class="mono">${escapeHtml(first.scenario_id)}${sample}</span> <span class="dim">${escapeHtml(first.archetype)}</span> ${chips}</summary>\n<div class="sides" id="${escapeHtml(anchor)}">${sides.join("\n")}</div></details>\n`;
}

function withLineEnd(html: string): string {
  return html.endsWith("\n") ? html : `${html}\n`;
}
