// Charts as inline SVG. Places are percentages, so that a chart fits any width and its words keep their size.

import type { Comparison } from "../compare.ts";
import type { ArmResult } from "../metrics.ts";
import { metricNames } from "../record.ts";
import type { Rate } from "../statistics/wilson.ts";
import { armColours, outcomeClass, outcomeOrder } from "./page.ts";
import { deltaWords, escapeHtml, intervalWords, rateWords, shareWords } from "./words.ts";

/** Arms by name, in their order. */
export type Arms = Readonly<Record<string, Pick<ArmResult, "outcomes" | (typeof metricNames)[number]>>>;

/** Every metric of every arm: a dot at the rate, a line over Wilson's interval. */
export function ratesFigure(arms: Arms): string {
  const groups = metricNames.map((metric) => {
    const rows = Object.entries(arms).map(
      ([name, arm], i) =>
        `${nameCell(name)}${rateBar(arm[metric], i)}<span>${escapeHtml(shareWords(arm[metric]))}</span>`,
    );
    return `<span class="head">${metric}</span>${rows.join("")}`;
  });
  return `<div class="bars">${groups.join("\n")}</div>${armLegend(Object.keys(arms))}`;
}

/** How the episodes of each arm ended, stacked. */
export function outcomesFigure(arms: Arms): string {
  const seen = outcomeOrder.filter((outcome) =>
    Object.values(arms).some((arm) => (arm.outcomes[outcome] ?? 0) > 0),
  );
  const rows = Object.entries(arms).map(([name, { outcomes }]) => {
    const total = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
    let at = 0;
    const parts = outcomeOrder.flatMap((outcome) => {
      const count = outcomes[outcome] ?? 0;
      if (count === 0) return [];
      const from = (100 * at) / total;
      at += count;
      return [
        `<rect x="${percent(from)}" width="${percent((100 * count) / total)}" y="0" height="22" class="${outcomeClass(outcome)}"><title>${escapeHtml(`${outcome}: ${count} of ${total}`)}</title></rect>`,
      ];
    });
    const label = `${name}: ${Object.entries(outcomes)
      .map(([outcome, count]) => `${outcome} ${count}`)
      .join(", ")}`;
    return `${nameCell(name)}${svg(22, label, parts.join(""))}<span>${total}</span>`;
  });
  const keys = seen.map(
    (outcome) => `<li><span class="key ${outcomeClass(outcome)}"></span>${escapeHtml(outcome)}</li>`,
  );
  return `<div class="bars">${rows.join("\n")}</div><ul class="legend">${keys.join("")}</ul>`;
}

/** Clean by archetype: one dot an arm. */
export function archetypesFigure(arms: Readonly<Record<string, ArmResult>>): string {
  const names = [...new Set(Object.values(arms).flatMap((arm) => Object.keys(arm.by_archetype)))].sort();
  const groups = names.map((archetype) => {
    const rows = Object.entries(arms).flatMap(([name, { by_archetype }], i) => {
      const rate = by_archetype[archetype]?.clean;
      return rate === undefined
        ? []
        : [`${nameCell(name)}${rateBar(rate, i)}<span>${escapeHtml(shareWords(rate))}</span>`];
    });
    return `<span class="head">${escapeHtml(archetype)}</span>${rows.join("")}`;
  });
  return `<div class="bars">${groups.join("\n")}</div>`;
}

/** Differences of a pair of arms around zero, with Newcombe's interval. */
export function differenceFigure({ metrics }: Comparison): string {
  const place = (value: number) => percent(50 + 50 * value);
  const rows = metricNames.map((name) => {
    const { delta, interval } = metrics[name];
    const label = `${name}: ${deltaWords(delta)} ${intervalWords(interval)}`;
    const zero = '<line class="grid" x1="50%" x2="50%" y1="0" y2="22"/>';
    const drawn =
      delta === null || interval === null
        ? ""
        : `<line class="ci s1" x1="${place(interval.low)}" x2="${place(interval.high)}" y1="11" y2="11"/><circle class="f1" cx="${place(delta)}" cy="11" r="5"/>`;
    return `<span class="name">${name}</span>${svg(22, label, `<line class="track" x1="0" x2="100%" y1="11" y2="11"/>${zero}${drawn}`)}<span>${escapeHtml(`${deltaWords(delta)} ${intervalWords(interval)}`)}</span>`;
  });
  return `<div class="bars">${rows.join("\n")}</div>`;
}

/** Which colour is which arm. */
function armLegend(names: readonly string[]): string {
  return `<ul class="legend">${names.map((name, i) => `<li><span class="key k${i % armColours}"></span>${escapeHtml(name)}</li>`).join("")}</ul>`;
}

function rateBar(rate: Rate, arm: number): string {
  const colour = arm % armColours;
  const grid = [0, 25, 50, 75, 100].map((x) => `<line class="grid" x1="${x}%" x2="${x}%" y1="0" y2="20"/>`);
  const drawn =
    rate.rate === null
      ? ""
      : `<line class="ci s${colour}" x1="${percent(100 * rate.low!)}" x2="${percent(100 * rate.high!)}" y1="10" y2="10"/><circle class="f${colour}" cx="${percent(100 * rate.rate)}" cy="10" r="5"/>`;
  const track = '<line class="track" x1="0" x2="100%" y1="10" y2="10"/>';
  return svg(20, `${shareWords(rate)}, ${rateWords(rate)}`, `${track}${grid.join("")}${drawn}`);
}

// The dots of 0 and 1 stand half outside; they are shown, not cut.
function svg(height: number, label: string, content: string): string {
  return `<svg role="img" height="${height}" style="overflow:visible" aria-label="${escapeHtml(label)}">${content}</svg>`;
}

function nameCell(name: string): string {
  return `<span class="name" title="${escapeHtml(name)}">${escapeHtml(name)}</span>`;
}

function percent(value: number): string {
  return `${Number(value.toFixed(2))}%`;
}
