// The pages of the project, and what they tell people to type.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Root of the repository. */
export const root = join(import.meta.dir, "..", "..");

/** Every page that tells people to type something. */
export const pages = ["README.md", "examples/README.md", "test/bench/README.md"].concat(
  readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .sort()
    .map((name) => `docs/${name}`),
);

/** A fenced or indented piece of code. */
export interface Block {
  /** What stands behind the fence; empty for indented code. */
  readonly language: string;
  readonly text: string;
}

/** Code of a page by block, and what stands in backticks outside of them. */
export function codeOf(page: string): { blocks: Block[]; spans: string[] } {
  const text = readFileSync(join(root, page), "utf8");
  const fence = /^```(\w*)\n([\s\S]*?)^```$/gm;
  const blocks = [...text.matchAll(fence)].map(([, language, body]) => ({
    language: language!,
    text: body!,
  }));
  const indented = text.match(/^ {4}\S.*$/gm) ?? [];
  blocks.push({ language: "", text: indented.map((line) => `${line.trim()}\n`).join("") });
  const spans = [...text.replace(fence, "").matchAll(/`([^`\n]+)`/g)].map(([, span]) => span!);
  return { blocks, spans };
}

/** Blocks that hold something for a shell. */
export function shellBlocks(page: string): Block[] {
  return codeOf(page).blocks.filter(({ language }) => ["", "sh", "bash", "console"].includes(language));
}

/** The command lines in a block: comments, pipes and the shell around them left out, continued lines joined. */
export function commandLines(block: string): string[] {
  return shellLines(block)
    .map(firstPass)
    .flatMap((line) => line.split(/[;|<>]|&&/))
    .map((line) => line.trim().replace(/^(do |\$ )/, ""))
    .filter((line) => line.startsWith("sekft "));
}

/** The lines of a block as a shell gets them: continued lines joined, comments gone, the program by its plain name. */
export function shellLines(block: string): string[] {
  return block
    .replaceAll("\\\n", " ")
    .split("\n")
    .map((line) =>
      line
        .replace(/(^|\s)#.*$/, "")
        .replace(/(^|[;|&] *|do )\.\/(dist\/)?sekft /g, "$1sekft ")
        .trim(),
    )
    .filter((line) => line !== "");
}

/** A loop of the shell as its first pass. */
function firstPass(line: string): string {
  const [, name, value] = /^for (\w+) in (\S+)/.exec(line) ?? [];
  return name === undefined ? line : line.replaceAll(`$${name}`, value!);
}

/** The words of a command line, without their quotes. */
export function wordsOf(line: string): string[] {
  return (line.match(/"[^"]*"|'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^(["'])(.*)\1$/, "$2"));
}
