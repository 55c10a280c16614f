// One self-contained HTML page: every token with its id, offset and label on hover. Chunks, so that it can be streamed.

import { formatCount, formatShare } from "../../base/format.ts";
import { type Encoded, MASKED, type Refused } from "../encode-trajectory.ts";
import { tokenPieces } from "./token-pieces.ts";

const STYLE = `
:root { color-scheme: light dark; --bg: #fff; --fg: #24292f; --dim: #6e7781; --line: #d0d7de; --on: #116329; --onbg: #dafbe1; --bad: #a40e26 }
@media (prefers-color-scheme: dark) { :root { --bg: #0d1117; --fg: #e6edf3; --dim: #8b949e; --line: #30363d; --on: #7ee787; --onbg: #12261e; --bad: #ff7b72 } }
body { background: var(--bg); color: var(--fg); font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem }
h1 { font-size: 1.3rem } h2 { font-size: 1rem; margin: 2rem 0 .5rem; font-family: ui-monospace, monospace }
pre.totals { color: var(--dim) }
.text { font: 13px/1.7 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); border-radius: 6px; padding: .8rem; color: var(--dim) }
.text b, .text i { font-weight: normal; font-style: normal; border-radius: 2px }
.text b { color: var(--on); background: var(--onbg) }
.text b:hover, .text i:hover { outline: 1px solid var(--fg) }
.text s { color: var(--bad); text-decoration: line-through }
.refused { color: var(--bad) }
table { border-collapse: collapse; font-size: 13px; margin: .5rem 0 } td, th { border: 1px solid var(--line); padding: .15rem .5rem; text-align: left }
td.n { text-align: right; white-space: nowrap } td code { white-space: pre-wrap }
#tip { position: fixed; display: none; background: var(--fg); color: var(--bg); font: 12px ui-monospace, monospace; padding: .2rem .5rem; border-radius: 4px; pointer-events: none; white-space: pre }
`;

// Hover text comes from three short attributes instead of a title on each token: half the size.
const SCRIPT = `
const tip = document.getElementById("tip");
addEventListener("mouseover", (event) => {
  const token = event.target.closest("[data-i]");
  tip.style.display = token ? "block" : "none";
  if (!token) return;
  const { i, o, k } = token.dataset;
  tip.textContent = "token " + k + "   id " + i + "   offset " + o + "   label " + (token.tagName === "B" ? i : "-100");
});
addEventListener("mousemove", (event) => {
  tip.style.left = Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8) + "px";
  tip.style.top = event.clientY + 16 + "px";
});
`;

/** Start of the page. */
export function htmlHead(title: string): string {
  return `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>${escapeHtml(title)}</title>\n<style>${STYLE}</style>\n</head>\n<body>\n<h1>${escapeHtml(title)}</h1>\n<p>Green tokens are trained; hold the pointer over a token for its id, offset (in code points) and label.</p>\n`;
}

/** One row. */
export function htmlRow(row: Encoded | Refused, index: number): string {
  const heading = `#${index} ${row.id}`;
  if ("refused" in row)
    return `<h2>${escapeHtml(heading)}</h2>\n<p class="refused">refused: ${escapeHtml(`${row.refused}: ${row.reason}`)}</p>\n`;
  const trained = row.labels.reduce((sum, label) => sum + (label === MASKED ? 0 : 1), 0);
  const facts = `${formatCount(row.inputIds.length)} tokens, ${formatCount(trained)} trained (${formatShare(trained, row.inputIds.length)})`;
  const tokens: string[] = [];
  for (const { index: k, id, label, text, dropped, start, end } of tokenPieces(row)) {
    const tag = label === MASKED ? "i" : "b";
    if (dropped !== "") tokens.push(`<s title="no token stands for this">${visible(dropped)}</s>`);
    tokens.push(
      `<${tag} data-k="${k}" data-i="${id}" data-o="${start}-${end}">${text === "" ? "·" : visible(text)}</${tag}>`,
    );
  }
  return `<h2>${escapeHtml(heading)}</h2>\n<p>${facts}${row.truncated > 0 ? `, ${formatCount(row.truncated)} cut on the left` : ""}</p>\n<div class="text">${tokens.join("")}</div>\n${turnTable(row)}`;
}

/** End of the page. */
export function htmlFoot(totals: readonly string[]): string {
  return `<h2>totals</h2>\n<pre class="totals">${escapeHtml(totals.join("\n"))}</pre>\n<div id="tip"></div>\n<script>${SCRIPT}</script>\n</body>\n</html>\n`;
}

function turnTable(row: Encoded): string {
  const rows = row.turns.map(
    ({ turn, tokens, units, promptIsPrefix, outsideBefore, trained }) =>
      `<tr><td class="n">${turn}</td><td class="n">${tokens[0]}-${tokens[1] - 1}</td><td><code>${escapeHtml(row.text.slice(units[0], units[2]))}</code></td><td>${promptIsPrefix ? "yes" : '<span class="refused">no</span>'}</td><td><code>${outsideBefore === "" ? "" : escapeHtml(JSON.stringify(outsideBefore))}</code></td><td>${trained ? "yes" : "no"}</td></tr>`,
  );
  return `<table><tr><th>turn</th><th>tokens</th><th>text</th><th>context is the server's prompt</th><th>template text in the first token</th><th>trained</th></tr>${rows.join("")}</table>\n`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** Line ends and control characters that can be seen; a line end still breaks the line. */
function visible(text: string): string {
  return escapeHtml(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it shows
    text.replace(/[\u0000-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, (c) => {
      if (c === "\n") return "↵\n";
      if (c === "\t") return "→\t";
      const code = c.charCodeAt(0);
      return code < 0x20
        ? String.fromCharCode(0x2400 + code)
        : `[U+${code.toString(16).toUpperCase().padStart(4, "0")}]`;
    }),
  );
}
