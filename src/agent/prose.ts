// Tells talk from commands, line by line. A label for records and outcomes: what is run never depends on it in an eval.

import { commandNames } from "../base/command-names.ts";
import { readShell } from "./shell-syntax.ts";

/** Words with which a sentence begins and no command does. */
const openers = new Set(
  `a actually after all alright also an and as assistant at based because before but by certainly considering currently did do does
  done each finally firstly good great hello here here's hey hi how however i i'd i'll i'm i've in is it it's its let's
  lets look looks my next no not note now of ok okay on once one or our perhaps please remember secondly see seems she sorry
  step sure task thank thanks that that's the their then there there's therefore these they thinking this thought to
  understood unfortunately user we we'll we're welcome well what when where yes you you'll you're your`.split(
    /\s+/,
  ),
);

/** Words that join others into a sentence. */
const joiners = new Set(
  `a an and are as at be been but by can could do for from has have i if in is it its let me my need not of on or
  should so that the their them then there this to us was we were what which will with would you your`.split(
    /\s+/,
  ),
);

/** What lines of a reply are. */
export type LineKind = "command" | "prose" | "other";

/** Judges one line that stands where a command begins. `other`: neither a sentence nor a known command.
 *  @param known names of programs beside the usual ones. */
export function judgeLine(line: string, known: ReadonlySet<string>): LineKind {
  const text = line.trim();
  if (text === "") return "other";
  if (/^#{2,6}\s+\p{L}/u.test(text)) return "prose";
  if (/^#/.test(text)) return judgeRemark(text.replace(/^#+!?\s*/, ""));
  if (/^(?:[-*•]\s|\d+[.)]\s|\*\*|__|>\s?[A-Z]|\|.*\|$)/u.test(text)) return "prose";
  const words = text.split(/\s+/);
  const first = words[0]!;
  const bare = first.replace(/[.,:;!?]+$/, "");
  if (saysLetMe(words)) return "prose";
  const begins = openers.has(bare.toLowerCase().replaceAll("’", "'"));
  if (!begins || !/^[A-Z]/.test(first)) {
    if (isCommandName(first, known)) return "command";
    if (/^(?:[A-Za-z_]\w*=|["'(`\\$<>])/.test(first)) return quoted(text, known) ? "prose" : "command";
  }
  return isSentence(words, begins) ? "prose" : "other";
}

/** True when the text is a sentence to a person, from the look of its words. */
function isSentence(words: readonly string[], begins: boolean): boolean {
  const text = words.join(" ");
  const natural = words.filter((word) => /^["'(“*_`]*[\p{L}][\p{L}'’-]*[.,:;!?)"'”*_`…]*$/u.test(word));
  const ends = /[.!?:…。！？][)"'”*_]*$/u.test(text);
  if (/[\u3002\uff0c\uff01\uff1f]/.test(text)) return true;
  if (words.length <= 2) return ends ? begins || /^\p{Lu}/u.test(text) : begins && /^\p{Lu}/u.test(text);
  if (2 * natural.length < words.length) return false;
  if (begins) return true;
  const joined = words.filter((word) => joiners.has(word.toLowerCase().replace(/[.,:;!?]+$/, "")));
  return joined.length > 0 || (ends && natural.length >= 3) || /^\p{Lu}/u.test(text);
}

function saysLetMe(words: readonly string[]): boolean {
  return /^let$/i.test(words[0]!) && /^(?:me|us)$/i.test(words[1] ?? "");
}

function judgeRemark(text: string): LineKind {
  const words = text.split(/\s+/).filter(Boolean);
  return words.length >= 3 && words.every((word) => /^[\p{L}\p{P}\d]+$/u.test(word)) ? "prose" : "other";
}

/** `"I should look around."` or `(I should look around.)`: a sentence in quotes. `(cd /srv && ls)` is none. */
function quoted(text: string, known: ReadonlySet<string>): boolean {
  const match = /^(["“(])(.*)["”)]$/.exec(text);
  if (match === null || !match[2]!.includes(" ")) return false;
  const words = match[2]!.trim().split(/\s+/);
  return isSentence(words, false) && !(match[1] === "(" && isCommandName(words[0]!, known));
}

/** True when a line begins as a command does: with the name of a program, a path, an assignment or a variable. */
export function isCommandWord(line: string, known: ReadonlySet<string>): boolean {
  const first = /\S+/.exec(line)?.[0] ?? "";
  return isCommandName(first, known) || /^(?:[A-Za-z_]\w*=|\$[A-Za-z_{(])/.test(first);
}

function isCommandName(word: string, known: ReadonlySet<string>): boolean {
  return (
    commandNames.has(word.replace(/[;&|]+$/, "")) ||
    known.has(word) ||
    /^(?:~|\.{0,2})\/[\w.@+-]/.test(word) ||
    /^[a-z0-9_.-]+(?:\/[a-z0-9_.-]+)+$/.test(word)
  );
}

/** The lines of a text with their kinds; lines inside a quotation or a here-document belong to the command that opened it. */
export function judgeLines(text: string, known: ReadonlySet<string>): { line: string; kind: LineKind }[] {
  const judged: { line: string; kind: LineKind }[] = [];
  let pending: string | undefined;
  for (const line of text.split("\n")) {
    if (pending !== undefined) {
      pending += `\n${line}`;
      judged.push({ line, kind: "command" });
    } else {
      const kind = judgeLine(line, known);
      judged.push({ line, kind });
      if (kind === "prose" || line.trim() === "") continue;
      pending = line;
    }
    if (!readShell(`${pending}\n`).open) pending = undefined;
  }
  return judged;
}
