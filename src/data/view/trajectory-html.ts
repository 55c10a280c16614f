// One self-contained page of sessions. Everything that came out of a world is escaped.

import { factsOf, startsLine, type ViewedTrajectory } from "./trajectory-lines.ts";

const STYLE = `
:root { color-scheme: light dark; --bg: #fff; --fg: #24292f; --dim: #6e7781; --line: #d0d7de; --on: #116329; --bad: #a40e26 }
@media (prefers-color-scheme: dark) { :root { --bg: #0d1117; --fg: #e6edf3; --dim: #8b949e; --line: #30363d; --on: #7ee787; --bad: #ff7b72 } }
body { background: var(--bg); color: var(--fg); font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem }
h1 { font-size: 1.3rem } summary { font-family: ui-monospace, monospace; cursor: pointer; padding: .2rem 0 }
summary span { color: var(--dim) } .bad { color: var(--bad) }
pre { font: 13px/1.6 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); border-radius: 6px; padding: .8rem; color: var(--dim) }
pre b { color: var(--on) } pre i { color: var(--fg); font-style: normal }
`;

/** Start of the page. */
export function sessionsHead(title: string): string {
  return `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>${escapeMarkup(title)}</title>\n<style>${STYLE}</style>\n</head>\n<body>\n<h1>${escapeMarkup(title)}</h1>\n`;
}

/** One session, folded up unless it stands alone. */
export function sessionHtml(viewed: ViewedTrajectory, open: boolean): string {
  const { record, defects } = viewed;
  let screen = "";
  let before = "\n";
  for (const { role, content } of record.turns) {
    if (startsLine(before, role)) screen += "\n";
    before = role === "assistant" ? "\n" : content;
    if (role === "assistant") screen += `<b>${escapeMarkup(content)}</b>\n`;
    else screen += role === "system" ? `<i>${escapeMarkup(content)}</i>` : escapeMarkup(content);
  }
  const facts = factsOf(viewed).map(([name, value]) => `${name} ${value}`);
  const wrong = defects.map(({ complaint }) => `<p class="bad">${escapeMarkup(complaint)}</p>\n`).join("");
  const heading = `${escapeMarkup(record.id)} <span>${escapeMarkup(facts.join(" · "))}</span>`;
  return `<details${open ? " open" : ""}>\n<summary>${heading}</summary>\n${wrong}<pre>${screen}</pre>\n</details>\n`;
}

/** End of the page. */
export function sessionsFoot(totals: readonly string[]): string {
  return `${totals.map((line) => `<p>${escapeMarkup(line)}</p>\n`).join("")}</body>\n</html>\n`;
}

function escapeMarkup(text: string): string {
  return (
    text
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
      .replace(/(?![\n\t])[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g, "\ufffd")
  );
}
