// What every figure is made of: words, legends, and the two forms of a picture, a file of its own and a part of the page.

import { armColours, outcomeClass, outcomeOrder } from "../../eval/report/page.ts";
import { escapeHtml } from "../../eval/report/words.ts";
import { drawable, figureFaces } from "./font.ts";

/** A picture. Its body speaks of colours by class, so that a page and a file may each give their own. */
export interface Figure {
  /** Of its files, without an ending. */
  readonly name: string;
  readonly title: string;
  readonly width: number;
  readonly height: number;
  readonly body: string;
}

/** Size of words in a figure. */
const textSize = 12;
const titleSize = 14;
/** Room for the title above everything else. */
export const titleHeight = 30;
export const margin = 12;

/** Width of a label as figures set it. */
export function textWidth(text: string, style: "regular" | "bold" = "regular"): number {
  return figureFaces()[style].width(drawable(text), textSize);
}

/** A line of words; `x`, `y` is where its baseline starts, ends or has its middle. */
export function words(
  x: number,
  y: number,
  text: string,
  look: {
    readonly anchor?: "start" | "middle" | "end";
    readonly bold?: boolean;
    readonly dim?: boolean;
  } = {},
): string {
  const { anchor = "start", bold = false, dim = false } = look;
  return `<text x="${round(x)}" y="${round(y)}"${anchor === "start" ? "" : ` text-anchor="${anchor}"`}${bold ? ' font-weight="bold"' : ""}${dim ? ' class="dim"' : ""}>${escapeHtml(drawable(text))}</text>`;
}

/** Keys in as many lines as they need. */
export function legend(
  entries: readonly { readonly label: string; readonly key: string }[],
  at: { readonly x: number; readonly y: number; readonly width: number },
): { readonly body: string; readonly height: number } {
  const line = 18;
  let x = at.x;
  let y = at.y;
  const parts: string[] = [];
  for (const { label, key } of entries) {
    const width = 18 + textWidth(label) + 16;
    if (x > at.x && x + width > at.x + at.width) {
      x = at.x;
      y += line;
    }
    parts.push(
      `<rect class="${key}" x="${round(x)}" y="${round(y - 9)}" width="11" height="11" rx="2"/>`,
      words(x + 18, y, label),
    );
    x += width;
  }
  return { body: parts.join("\n"), height: entries.length === 0 ? 0 : y - at.y + line };
}

/** Widest that a legend's entry gets. */
export function widestEntry(labels: readonly string[]): number {
  return Math.max(0, ...labels.map((label) => 34 + textWidth(label)));
}

/** A figure with its title over it; wide enough for it. */
export function titled(
  name: string,
  title: string,
  size: { readonly width: number; readonly height: number },
  body: string,
): Figure {
  const width = Math.ceil(
    Math.max(size.width, 2 * margin + figureFaces().bold.width(drawable(title), titleSize)),
  );
  const head = `<text x="${margin}" y="20" font-size="${titleSize}" font-weight="bold">${escapeHtml(drawable(title))}</text>`;
  return { name, title, width, height: Math.ceil(size.height), body: `${head}\n${body}` };
}

/** A number of an SVG's attribute. */
export function round(value: number): number {
  return Number(value.toFixed(1));
}

/** The figure as a file that needs nothing else: on paper, or in the dark where the reader asks for it. */
export function svgFile(figure: Figure): string {
  const { width, height, body } = figure;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeHtml(drawable(figure.title))}" font-family="${family}" font-size="${textSize}">
<style>
${fileRules}
</style>
<rect class="paper" width="${width}" height="${height}"/>
${body}
</svg>
`;
}

/** The figure as a part of a page that has {@link figureRules}. */
export function svgInline(figure: Figure): string {
  const { width, height, body } = figure;
  return `<svg class="figure" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeHtml(drawable(figure.title))}" font-family="${family}" font-size="${textSize}">${body}</svg>`;
}

const family = "DejaVu Sans, Verdana, sans-serif";

/** Rules for figures in a page whose colours are those of the eval's report. */
export const figureRules = `svg.figure { width: auto; max-width: none } svg.figure text { fill: var(--fg) } svg.figure text.dim { fill: var(--dim) }
svg.figure .line { fill: none; stroke-width: 1.6; stroke-linejoin: round } svg.figure .axis { stroke: var(--dim); stroke-width: 1 } svg.figure .track { stroke: none; fill: var(--soft) }`;

const light = ["#6e7781", "#0b69c7", "#b35900", "#7d3cc9", "#0f7b6c", "#b0266f"];
const dark = ["#9198a1", "#58a6ff", "#f0a04b", "#c297ff", "#3ecfb8", "#ff80bf"];
const outcomeColours = [
  "#2da44e",
  "#1b7c83",
  "#d4a72c",
  "#bc4c00",
  "#8250df",
  "#bf3989",
  "#8c959f",
  "#24292f",
];

const colourRules = (colours: readonly string[]) =>
  colours
    .slice(0, armColours)
    .map((colour, i) => `.f${i} { fill: ${colour} } .s${i} { stroke: ${colour} }`)
    .join(" ");

const fileRules = `text { fill: #1f2328 } .dim { fill: #656d76 } .paper { fill: #ffffff }
.track { fill: #eef1f4 } .grid { stroke: #d8dee4; stroke-width: 1 } .axis { stroke: #656d76; stroke-width: 1 }
.ci { stroke-width: 3; stroke-linecap: round; stroke-opacity: 0.55 } .line { fill: none; stroke-width: 1.6; stroke-linejoin: round }
${colourRules(light)}
${outcomeOrder.map((outcome, i) => `.${outcomeClass(outcome)} { fill: ${outcomeColours[i]} }`).join(" ")}
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 } text.dim { fill: #9198a1 } .paper { fill: #0d1117 } .track { fill: #1c232d } .grid { stroke: #30363d } .axis { stroke: #9198a1 }
${colourRules(dark)}
}`;
