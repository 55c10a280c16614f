// report.html: the same report as one page that asks nobody for anything.

import { htmlTable, pageFoot, pageHead } from "../../eval/report/page.ts";
import { sideHtml, sidesHtml } from "../../eval/report/transcript.ts";
import { escapeHtml, outputHtml } from "../../eval/report/words.ts";
import type { Block, Report } from "./document.ts";
import { figureRules, svgInline } from "./drawing.ts";

const rules = `<style>${figureRules}
p, li, h1, h2, h3 { overflow-wrap: anywhere } nav { margin: .8rem 0 0; font-size: 14px } nav a { margin-right: 1rem; white-space: nowrap; display: inline-block } td, th { overflow-wrap: anywhere; min-width: 6.5rem } td.n, th.n { overflow-wrap: normal; min-width: 0 }
.wide { max-width: 100%; margin: .8rem 0 } figure { margin: 1rem 0; overflow-x: auto; max-width: 100% } li.warn::marker { color: var(--warn) }
.shown { border: 1px solid var(--line); border-radius: 8px; background: var(--panel); padding-top: .4rem }
</style>
`;

/** The page piece by piece. */
export function* reportPage({ title, sections }: Report): Generator<string> {
  yield pageHead(title);
  yield rules;
  yield `<h1>${escapeHtml(title)}</h1>\n`;
  for (const [i, { title: head, blocks }] of sections.entries()) {
    if (i > 0) yield `<h2 id="s${i}">${escapeHtml(head)}</h2>\n`;
    for (const block of blocks) yield blockHtml(block);
    if (i === 0)
      yield `<nav aria-label="sections">${sections
        .slice(1)
        .map((section, k) => `<a href="#s${k + 1}">${escapeHtml(section.title)}</a>`)
        .join(" ")}</nav>\n`;
  }
  yield pageFoot;
}

function blockHtml(block: Block): string {
  switch (block.kind) {
    case "text":
      return `<p>${escapeHtml(block.text)}</p>\n`;
    case "heading":
      return `<h3>${escapeHtml(block.text)}</h3>\n`;
    case "list":
      return `<ul>${block.items.map((item) => `<li${block.warn ? ' class="warn"' : ""}>${outputHtml(item)}</li>`).join("\n")}</ul>\n`;
    case "table":
      return htmlTable(
        block.table.titles,
        block.table.rows.map((cells) => cells.map(cellHtml)),
        block.left,
      );
    case "figure":
      return `<figure tabindex="0">${svgInline(block.figure)}</figure>\n`;
    case "code":
      return `<div class="term" tabindex="0">${outputHtml(block.text)}</div>\n`;
    case "links":
      return `<p>Further ones: ${block.items.map(({ anchor, text }) => `<a href="#${escapeHtml(anchor)}" class="mono">${escapeHtml(text)}</a>`).join(" · ")}</p>\n`;
    case "sessions": {
      if (!block.first) return sidesHtml(block.sessions, block.anchor);
      return `<div class="shown" id="${escapeHtml(block.anchor)}"><div class="sides">${block.sessions.map(sideHtml).join("\n")}</div></div>\n`;
    }
  }
}

/** A cell; what stands behind a share or a difference takes a line of its own, so that tables stay narrow. */
function cellHtml(text: string): string {
  const [, first, rest] = /^([+-]?[\d/.]+) (.*\[.*)$/.exec(text) ?? [];
  return rest === undefined ? outputHtml(text) : `${outputHtml(first!)}<small>${outputHtml(rest)}</small>`;
}
