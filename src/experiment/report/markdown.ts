// report.md: the report for an issue, a repository or a paper's appendix.

import type { EpisodeRecord } from "../../eval/record.ts";
import { tableMarkdown } from "../../eval/report/markdown.ts";
import { markdownText, visibleText } from "../../eval/report/words.ts";
import type { Block, Report } from "./document.ts";

/** The whole file. */
export function reportMarkdown({ title, sections }: Report): string {
  const parts = [
    `# ${markdownText(title)}`,
    ...sections.flatMap(({ title: head, blocks }, i) => [
      ...(i === 0 ? [] : [`## ${markdownText(head)}`]),
      ...blocks.flatMap(blockMarkdown),
    ]),
  ];
  return `${parts.join("\n\n")}\n`;
}

function blockMarkdown(block: Block): string[] {
  switch (block.kind) {
    case "text":
      return [markdownText(block.text)];
    case "heading":
      return [`### ${markdownText(block.text)}`];
    case "list":
      return [block.items.map((item) => `- ${markdownText(item)}`).join("\n")];
    case "table":
      return [tableMarkdown(block.table)];
    case "figure":
      return [`![${markdownText(block.figure.title)}](figures/${block.figure.name}.svg)`];
    case "code":
      return [fenced(block.text)];
    case "links":
      return [
        `In report.html, side by side: ${block.items.map(({ text }) => markdownText(text)).join(", ")}.`,
      ];
    case "sessions":
      return block.first ? block.sessions.flatMap(sessionMarkdown) : [];
  }
}

function sessionMarkdown(session: EpisodeRecord): string[] {
  const { arm, outcome, turns } = session;
  const shown = turns.map(({ role, content }, i) => {
    const text = visibleText(content);
    // The user turn before a command is the prompt that it was typed behind.
    return role === "user" && turns[i + 1]?.role === "assistant" ? text : withLineEnd(text);
  });
  return [`**${markdownText(arm)}**: ${markdownText(outcome)}`, fenced(shown.join("").trimEnd())];
}

/** Text between fences longer than any in it. */
function fenced(text: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}

function withLineEnd(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}
