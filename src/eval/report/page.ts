// The page around a report: no script, no request, readable on a phone and in the dark.

import { escapeHtml } from "./words.ts";

/** How many arms have a colour of their own; further ones begin anew. */
export const armColours = 6;

/** Rules for tables, charts, chips and transcripts, for any page that names the same colours. */
export const reportRules = `.wide { overflow-x: auto } table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums }
td, th { border-bottom: 1px solid var(--line); padding: .3rem .7rem .3rem 0; text-align: left; vertical-align: top } th { color: var(--dim); font-weight: 600 }
td.n, th.n { text-align: right; white-space: nowrap } td small { color: var(--dim); display: block; font-size: 12px }
.panel { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem }
.charts { columns: 2 26rem; column-gap: 1rem } .charts .panel { break-inside: avoid; margin: 0 0 1rem } .charts .panel h3 { margin-top: 0 }
.bars { display: grid; grid-template-columns: max-content minmax(6rem, 1fr) max-content; gap: .1rem .7rem; align-items: center; font-size: 13px; font-variant-numeric: tabular-nums }
.bars .head { grid-column: 1 / -1; font-weight: 600; margin-top: .5rem } .bars .name { max-width: 9rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
svg { display: block; width: 100% } svg .track { stroke: var(--soft); stroke-width: 8 } svg .grid { stroke: var(--line); stroke-width: 1 } svg .ci { stroke-width: 3; stroke-linecap: round; opacity: .55 }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: 13px; margin: .3rem 0 0; padding: 0; list-style: none } .key { display: inline-block; width: .75em; height: .75em; border-radius: 2px; margin-right: .4em }
${Array.from({ length: armColours }, (_, i) => `.s${i} { stroke: var(--a${i}) } .f${i} { fill: var(--a${i}) } .k${i} { background: var(--a${i}) }`).join("\n")}
${outcomeRules()}
.chip { border: 1px solid var(--line); border-radius: 1em; padding: 0 .55em; font-size: 12px; white-space: nowrap; display: inline-block }
details { border: 1px solid var(--line); border-radius: 8px; margin: .4rem 0; background: var(--panel) } summary { cursor: pointer; padding: .4rem .8rem; overflow-wrap: anywhere } summary:focus-visible { outline: 2px solid var(--a1); border-radius: 8px }
.sides { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1rem; padding: .2rem .8rem .8rem } .sides > * { min-width: 0 }
.term { font: 12.5px/1.5 ui-monospace, monospace; background: var(--soft); border-radius: 6px; padding: .6rem .7rem; max-height: 40rem; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; tab-size: 8 }
.term .system { color: var(--dim); border-bottom: 1px dashed var(--line); padding-bottom: .4rem; margin-bottom: .4rem } .term .prompt { color: var(--dim) } .term b { font-weight: 650 }`;

const STYLE = `
:root { color-scheme: light dark; --bg: #fdfdfc; --panel: #fff; --fg: #1f2328; --dim: #656d76; --line: #d8dee4; --soft: #eef1f4; --good: #1a7f37; --bad: #b42318; --warn: #9a6700;
  --a0: #6e7781; --a1: #0b69c7; --a2: #b35900; --a3: #7d3cc9; --a4: #0f7b6c; --a5: #b0266f }
@media (prefers-color-scheme: dark) { :root { --bg: #0d1117; --panel: #12171f; --fg: #e6edf3; --dim: #9198a1; --line: #30363d; --soft: #1c232d; --good: #4ac26b; --bad: #ff8a80; --warn: #d4a72c;
  --a0: #9198a1; --a1: #58a6ff; --a2: #f0a04b; --a3: #c297ff; --a4: #3ecfb8; --a5: #ff80bf } }
* { box-sizing: border-box }
body { background: var(--bg); color: var(--fg); font: 15px/1.55 system-ui, sans-serif; margin: 0 auto; max-width: 78rem; padding: 1.5rem 1rem 4rem }
h1 { font-size: 1.5rem; margin: 0 0 .3rem } h2 { font-size: 1.15rem; margin: 2.4rem 0 .7rem } h3 { font-size: .95rem; margin: 1.2rem 0 .4rem }
p, li { max-width: 56rem } .dim { color: var(--dim) } .good { color: var(--good) } .bad { color: var(--bad) } .warn { color: var(--warn) }
a { color: var(--a1) }
code, .mono { font-family: ui-monospace, monospace; font-size: .92em }
${reportRules}
@media print { details { break-inside: avoid } }
`;

/** Outcomes in the order in which figures stack them. */
export const outcomeOrder: readonly string[] = [
  "success",
  "correct_panic",
  "premature_exit",
  "wrong_terminal",
  "budget_overrun",
  "prose_drift",
  "incomplete",
  "infrastructure_error",
];

function outcomeRules(): string {
  const light = ["#2da44e", "#1b7c83", "#d4a72c", "#bc4c00", "#8250df", "#bf3989", "#8c959f", "#24292f"];
  return light
    .map((colour, i) => `.o${i} { fill: ${colour}; background: ${colour}; stroke: var(--panel) }`)
    .join("\n");
}

/** Class of an outcome's colour. */
export function outcomeClass(outcome: string): string {
  const at = outcomeOrder.indexOf(outcome);
  return `o${at < 0 ? outcomeOrder.length - 1 : at}`;
}

/** Start of a page. The policy forbids every request and every script, whatever stands in the page. */
export function pageHead(title: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
`;
}

/** End of a page. */
export const pageFoot = "</body>\n</html>\n";

/** A table that scrolls sideways where it must; cells are HTML. */
export function htmlTable(titles: readonly string[], rows: readonly (readonly string[])[], left = 1): string {
  const cls = (i: number) => (i >= left ? ' class="n"' : "");
  const head = titles.map((title, i) => `<th${cls(i)}>${escapeHtml(title)}</th>`).join("");
  const body = rows.map(
    (cells) => `<tr>${cells.map((cell, i) => `<td${cls(i)}>${cell}</td>`).join("")}</tr>`,
  );
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>\n${body.join("\n")}\n</tbody></table></div>\n`;
}
