// Reads sh as far as gates need it: where one command ends and the next begins, its words, where it writes. Runs nothing.

/** One simple command: its words with quotes removed as far as that is plain, and the files that it is redirected into. */
export interface SimpleCommand {
  readonly words: readonly string[];
  readonly writesTo: readonly string[];
}

/** Quotes a word for sh. */
export function shellQuote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

const OPENING = new Set(["if", "for", "while", "until", "case", "{"]);
const CLOSING = new Set(["fi", "done", "esac", "}"]);
const KEYWORDS = new Set([...OPENING, ...CLOSING, "then", "else", "elif", "do", "!", "in", "time"]);

/** The parts of a command line that `&&`, `;` and line ends separate at its top level, each with what follows it up to the
 *  next part; a loop or a group is one part. A line with a here-document is not taken apart. */
export function topLevelParts(command: string): { readonly text: string; readonly separator: string }[] {
  if (/<<-?\s*['"\\]?\w/.test(command)) return [{ text: command, separator: "" }];
  const parts: { text: string; separator: string }[] = [];
  let start = 0;
  let depth = 0;
  let word = "";
  let commandPosition = true;
  const endWord = () => {
    if (word === "") return;
    if (commandPosition && OPENING.has(word)) depth++;
    else if (commandPosition && CLOSING.has(word)) depth = Math.max(0, depth - 1);
    commandPosition = commandPosition && KEYWORDS.has(word) && word !== "for" && word !== "case";
    word = "";
  };
  for (let i = 0; i < command.length; ) {
    const past = skipOpaque(command, i);
    if (past > i) {
      word += command.slice(i, past);
      i = past;
      continue;
    }
    const separator = /^(&&|\|\||;;|;|\n|&(?!>)|\|)/.exec(command.slice(i))?.[0];
    if (separator !== undefined && !/[<>]$/.test(command.slice(0, i))) {
      endWord();
      commandPosition = true;
      if (depth === 0 && (separator === "&&" || separator === ";" || separator === "\n")) {
        parts.push({ text: command.slice(start, i), separator });
        start = i + separator.length;
      }
      i += separator.length;
    } else {
      if (/\s/.test(command[i]!)) endWord();
      else word += command[i];
      i++;
    }
  }
  parts.push({ text: command.slice(start), separator: "" });
  return parts.filter(({ text }) => text.trim() !== "");
}

/** `command` without its part number `drop`. */
export function withoutPart(parts: readonly { text: string; separator: string }[], drop: number): string {
  const rest = parts.filter((_, i) => i !== drop);
  return rest
    .map(({ text, separator }, i) => (i === rest.length - 1 ? text : text + separator))
    .join("")
    .trim();
}

/** Every simple command in a script, also those inside `$(...)`, groups and loops. Here-documents' texts are left out. */
export function simpleCommands(script: string): SimpleCommand[] {
  const found: SimpleCommand[] = [];
  let words: string[] = [];
  let writesTo: string[] = [];
  let word: string | undefined;
  let redirect = false;
  const endWord = () => {
    if (word === undefined) return;
    if (redirect) writesTo.push(word);
    else if (words.length > 0 || !KEYWORDS.has(word)) words.push(word);
    redirect = false;
    word = undefined;
  };
  const endCommand = () => {
    endWord();
    if (words.length > 0 || writesTo.length > 0) found.push({ words, writesTo });
    words = [];
    writesTo = [];
  };
  const text = withoutHereDocuments(script);
  for (let i = 0; i < text.length; ) {
    const c = text[i]!;
    if (c === "\\") {
      word = (word ?? "") + (text[i + 1] === "\n" ? "" : (text[i + 1] ?? ""));
      i += 2;
    } else if (c === "'") {
      const end = closing(text, i, "'");
      word = (word ?? "") + text.slice(i + 1, end);
      i = end + 1;
    } else if (c === '"') {
      const end = skipOpaque(text, i) - 1;
      const inner = text.slice(i + 1, end);
      for (const one of substitutions(inner)) found.push(...simpleCommands(one));
      word = (word ?? "") + inner;
      i = end + 1;
    } else if (c === "`" || text.startsWith("$(", i)) {
      const end = skipOpaque(text, i);
      const inner = c === "`" ? text.slice(i + 1, end - 1) : text.slice(i + 2, end - 1);
      if (!inner.startsWith("(")) found.push(...simpleCommands(inner));
      word = (word ?? "") + text.slice(i, end);
      i = end;
    } else if (c === "#" && word === undefined) {
      const end = text.indexOf("\n", i);
      i = end < 0 ? text.length : end;
    } else if (c === ">") {
      // `2>`: the digit before is no word.
      if (word !== undefined && /^\d$/.test(word)) word = undefined;
      endWord();
      i += /^>[>|]?/.exec(text.slice(i))![0].length;
      if (text[i] === "&") i += /^&\s*[\d-]*/.exec(text.slice(i))![0].length;
      else redirect = true;
    } else if (/[;&|\n()]/.test(c)) {
      endCommand();
      i++;
    } else {
      if (/\s/.test(c)) endWord();
      else word = (word ?? "") + c;
      i++;
    }
  }
  endCommand();
  return found;
}

/** Texts of the `$(...)` and backquotes in a double-quoted text. */
function substitutions(text: string): string[] {
  const found: string[] = [];
  for (let i = 0; i < text.length; ) {
    if (text[i] === "\\") i += 2;
    else if (text.startsWith("$(", i) || text[i] === "`") {
      const end = skipOpaque(text, i);
      found.push(text[i] === "`" ? text.slice(i + 1, end - 1) : text.slice(i + 2, end - 1));
      i = end;
    } else i++;
  }
  return found;
}

/** Where the quoted, escaped, substituted or parenthesised stretch that begins at `i` ends; `i` when none begins there. */
function skipOpaque(text: string, i: number): number {
  const c = text[i];
  if (c === "\\") return Math.min(text.length, i + 2);
  if (c === "'") return closing(text, i, "'") + 1;
  if (c === "`") return closing(text, i, "`") + 1;
  if (c === '"') {
    let at = i + 1;
    while (at < text.length && text[at] !== '"')
      at = text[at] === "\\" ? at + 2 : text.startsWith("$(", at) ? skipOpaque(text, at) : at + 1;
    return Math.min(text.length, at + 1);
  }
  if (c === "(" || text.startsWith("$(", i) || text.startsWith("${", i)) {
    const begin = c === "(" ? i : i + 1;
    const [open, close] = text[begin] === "(" ? "()" : "{}";
    let at = begin + 1;
    for (let depth = 1; at < text.length; ) {
      const past = text[at] === open ? at : skipOpaque(text, at);
      if (past > at) at = past;
      else {
        if (text[at] === open) depth++;
        if (text[at] === close && --depth === 0) break;
        at++;
      }
    }
    return Math.min(text.length, at + 1);
  }
  return i;
}

function closing(text: string, from: number, quote: string): number {
  const end = text.indexOf(quote, from + 1);
  return end < 0 ? text.length : end;
}

function withoutHereDocuments(script: string): string {
  const lines = script.split("\n");
  const kept: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    kept.push(lines[i]!);
    for (const [, dash, quoted, plain] of lines[i]!.matchAll(/<<(-?)\s*(?:['"](\w+)['"]|\\?(\w+))/g)) {
      const end = quoted ?? plain;
      while (++i < lines.length && (dash ? lines[i]!.replace(/^\t+/, "") : lines[i]!) !== end);
    }
  }
  return kept.join("\n");
}
