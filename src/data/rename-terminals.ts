// Sessions told with other words for their endings: the turn that ends one, and what the screen says of `exit` and `panic` as commands.
// Exit codes, `exit 1` in a script and a kernel's panic are no endings and keep their names.

import { arePlain, type TerminalWords } from "../base/terminal-words.ts";
import type { Turn } from "./normalize.ts";

/** The turns with other words. The last assistant turn's commands are renamed wherever they would end a session; an earlier turn only
 *  when it is nothing but the word. What has the other words already stays as it is. */
export function renameTurns(turns: readonly Turn[], words: TerminalWords): readonly Turn[] {
  if (arePlain(words)) return turns;
  const last = turns.findLastIndex(({ role }) => role === "assistant");
  return turns.map((turn, i) => {
    if (typeof turn.content !== "string") return turn;
    const content =
      turn.role !== "assistant"
        ? renameMentions(turn.content, words)
        : i === last || isWord(turn.content)
          ? renameCommand(turn.content, words)
          : turn.content;
    return content === turn.content ? turn : { ...turn, content };
  });
}

function isWord(text: string): boolean {
  return /^\s*(?:exit|panic)\s*$/.test(text);
}

/** A text that somebody reads: the words are renamed where they are spoken of as commands: in quotes, behind a verb such as `type` or
 *  `run`, side by side, behind a prompt. */
export function renameMentions(text: string, words: TerminalWords): string {
  if (arePlain(words) || !/\b(?:exit|panic)\b/.test(text)) return text;
  const word = (found: string) => words[found as keyof TerminalWords];
  return text
    .replace(
      /\b(exit|panic)( or | and |, |\/)(exit|panic)\b(?! (?:code|status|value|number))/g,
      (_, a: string, glue: string, b: string) => word(a) + glue + word(b),
    )
    .replace(/(["'`])(exit|panic)(?=\1)/g, (_, quote: string, found: string) => quote + word(found))
    .replace(
      /\b((?:type|run|enter|call|use|say|send|issue|execute|give|with|by|command):? )(exit|panic)\b(?! (?:code|status|value|number|\d|\$)|[-_(])/gi,
      (whole, before: string, found: string) =>
        found === found.toLowerCase() ? before + word(found) : whole,
    )
    .replace(
      /((?:^|[^$\n]*)[$#] )(exit|panic)(?=[ \t]*$)/gm,
      (_, before: string, found: string) => before + word(found),
    );
}

/** A command with the words renamed where the session's own shell would run them: at the start of a simple command, outside of quotes,
 *  comments, here-documents, parentheses and substitutions. */
export function renameCommand(command: string, words: TerminalWords): string {
  let out = "";
  let at = 0;
  for (const { start, word } of endingWords(command)) {
    out += command.slice(at, start) + words[word];
    at = start + word.length;
  }
  return out + command.slice(at);
}

const joints = new Set(["then", "else", "do", "{", "!", "if", "elif", "while", "until"]);

function* endingWords(command: string): Generator<{ start: number; word: "exit" | "panic" }> {
  let depth = 0;
  let atStart = true;
  let at = 0;
  while (at < command.length) {
    const rest = command.slice(at);
    const quoted = /^(?:'[^']*'?|"(?:[^"\\]|\\[\s\S])*"?|`[^`]*`?|\\[\s\S]?)/.exec(rest)?.[0];
    const blank = /^[ \t]+/.exec(rest)?.[0];
    const word = /^[^\s;&|()<>'"`\\]+/.exec(rest)?.[0];
    if (blank !== undefined) at += blank.length;
    else if (quoted !== undefined) {
      at += quoted.length;
      atStart = false;
    } else if (word?.startsWith("#")) at += /^[^\n]*/.exec(rest)![0].length;
    else if (word !== undefined) {
      const alone = /^(?:[\s;&|()]|$)/.test(command.slice(at + word.length));
      if (depth === 0 && atStart && alone && (word === "exit" || word === "panic")) yield { start: at, word };
      if (!(atStart && joints.has(word))) atStart = false;
      at += word.length;
    } else if (rest.startsWith("<<")) return;
    else {
      const c = rest[0]!;
      if (c === "(") depth++;
      if (c === ")") depth = Math.max(0, depth - 1);
      if (!"<>".includes(c)) atStart = true;
      at++;
    }
  }
}
