// What counts in a model's answer: models put words around it and fences, and a benchmark must not score those.

/** What was found; null: nothing that could be judged. */
export type Extracted = string | null;

const fence = /^[ \t]*(`{3,}|~{3,})[ \t]*([\w+-]*)[^\n]*\n([\s\S]*?)(?:^[ \t]*\1[ \t]*$|(?![\s\S]))/gm;

/** The fenced blocks of a text; a fence that is never closed runs to the end. */
export function fencedBlocks(text: string): { readonly tag: string; readonly body: string }[] {
  return [...text.matchAll(fence)].map(([, , tag, body]) => ({ tag: tag!.toLowerCase(), body: body! }));
}

const definitions: Readonly<Record<string, RegExp>> = {
  python: /^(?:async\s+)?def\s+\w+|^class\s+\w+|^\w+\s*=\s*lambda\b/m,
  javascript: /^\s*(?:export\s+)?(?:async\s+)?function\b|^\s*(?:export\s+)?(?:const|let|var|class)\s+\w+/m,
  typescript:
    /^\s*(?:export\s+)?(?:async\s+)?function\b|^\s*(?:export\s+)?(?:const|let|var|class|type|interface)\s+\w+/m,
  sh: /\S/,
};

/** Source code of `language`: the fenced block that defines `entryPoint`, or all blocks together, or the text itself from its
 *  first line of code on. */
export function extractCode(text: string, language: string, entryPoint: string | undefined): Extracted {
  const blocks = fencedBlocks(text).filter(({ body }) => body.trim() !== "");
  const defines = (code: string) =>
    entryPoint === undefined
      ? definitions[language]!.test(code)
      : new RegExp(`\\b(?:def|function|const|let|var)\\s+${literally(entryPoint)}\\b`).test(code);
  // Later blocks are often examples of use or corrections; of two definitions the last one is what the model settled on.
  const own = blocks.filter(({ body }) => defines(body));
  if (own.length > 0) return dedent(own.at(-1)!.body);
  if (blocks.length > 0 && entryPoint === undefined) return blocks.map(({ body }) => body).join("\n");
  if (blocks.length > 0) return null;
  const lines = text.split("\n");
  const start = lines.findIndex((line) =>
    /^(?:from|import|def|async def|class|@|function|const|let|export)\b/.test(line),
  );
  if (start < 0) return language === "sh" && text.trim() !== "" ? text : null;
  const code = lines.slice(start).join("\n");
  return defines(code) ? code : null;
}

const literally = (word: string) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** A block in a list is indented as a whole. */
function dedent(code: string): string {
  const margins = code.split("\n").flatMap((line) => (line.trim() === "" ? [] : [/^[ \t]*/.exec(line)![0]]));
  const margin = margins.reduce((a, b) => (b.startsWith(a) ? a : a.startsWith(b) ? b : ""), margins[0] ?? "");
  return margin === ""
    ? code
    : code
        .split("\n")
        .map((line) => line.slice(line.trim() === "" ? 0 : margin.length))
        .join("\n");
}

/** Python without what models show beside a function: assertions, prints and a main part at its top level. They say nothing about the
 *  function, and one that fails or asks for input would end the program. */
export function withoutTrials(code: string): string {
  const kept: string[] = [];
  let inTrial = false;
  for (const line of code.split("\n")) {
    const goesOn = /^([ \t]|[)\]}]|$)/.test(line);
    inTrial = /^(assert\b|print\s*\(|if\s+__name__\b)/.test(line) || (inTrial && goesOn);
    if (!inTrial) kept.push(line);
  }
  return kept.join("\n");
}

/** A JSON text: the whole answer, a `<tool_call>`, a fenced block, or the first balanced object or array. */
export function extractJson(text: string): Extracted {
  const whole = text.trim();
  if (/^[[{"]/.test(whole) && isJson(whole)) return whole;
  const call = /<tool_call>\s*([\s\S]*?)\s*(?:<\/tool_call>|$)/.exec(text)?.[1];
  if (call !== undefined && call !== "") return call;
  const blocks = fencedBlocks(text).filter(({ tag, body }) => tag === "json" || /^\s*[[{]/.test(body));
  if (blocks.length > 0) return blocks[0]!.body.trim();
  const start = /[[{]/.exec(text)?.index;
  if (start === undefined) return isJson(whole) ? whole : null;
  return balanced(text, start);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** From `start` to the bracket that closes it; to the end when none does. */
function balanced(text: string, start: number): string {
  let depth = 0;
  let inString = false;
  for (let i = start; i < text.length; i++) {
    const c = text[i]!;
    if (inString) {
      if (c === "\\") i++;
      else if (c === '"') inString = false;
    } else if (c === '"') inString = true;
    else if (c === "{" || c === "[") depth++;
    else if ((c === "}" || c === "]") && --depth === 0) return text.slice(start, i + 1);
  }
  return text.slice(start);
}

/** A unified diff: the fenced block that holds one, or the text from its first header on. */
export function extractDiff(text: string): Extracted {
  const header = /^(?:diff --git |--- \S)/m;
  const block = fencedBlocks(text).find(
    ({ tag, body }) => tag === "diff" || tag === "patch" || header.test(body),
  );
  if (block !== undefined) return block.body;
  const start = header.exec(text)?.index;
  return start === undefined ? null : text.slice(start);
}

/** Shell commands: the fenced blocks one after the other, or the text itself; prompts are taken away. */
export function extractShell(text: string): Extracted {
  const all = fencedBlocks(text);
  const blocks = all.filter(({ tag }) => /^(|sh|bash|shell|console|dash|zsh)$/.test(tag));
  if (all.length > 0 && blocks.length === 0) return null;
  const script = blocks.length > 0 ? blocks.map(({ body }) => body).join("\n") : text;
  const commands = script.replace(/^[ \t]*\$ (?=\S)/gm, "");
  return commands.trim() === "" ? null : commands;
}
