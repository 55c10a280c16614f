// The code in a response: what lies in its fences, or all of it; and the language, where nobody said one.

import type { Language } from "./candidate.ts";
import { languageNamed } from "./normalise.ts";

/** A fenced block, CommonMark 0.31 section 4.5. */
export interface Fence {
  /** The first word after the fence; empty when there is none. */
  readonly word: string;
  readonly content: string;
  readonly closed: boolean;
}

/** Every fenced block, in order. */
export function fencesOf(text: string): Fence[] {
  const fences: Fence[] = [];
  let open: { mark: string; indent: number; word: string; lines: string[] } | undefined;
  for (const line of text.split(/\r?\n/)) {
    const found = /^( {0,3})(`{3,}|~{3,})\s*([^\s`]*)([^`]*)$/.exec(line);
    if (open === undefined) {
      if (found !== null) open = { mark: found[2]!, indent: found[1]!.length, word: found[3]!, lines: [] };
      continue;
    }
    const closes =
      found !== null &&
      found[3] === "" &&
      found[2]!.startsWith(open.mark[0]!) &&
      found[2]!.length >= open.mark.length;
    if (!closes) {
      open.lines.push(line.replace(new RegExp(`^ {0,${open.indent}}`), ""));
      continue;
    }
    fences.push({ word: open.word, content: joined(open.lines), closed: true });
    open = undefined;
  }
  if (open !== undefined) fences.push({ word: open.word, content: joined(open.lines), closed: false });
  return fences;
}

function joined(lines: readonly string[]): string {
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

/** What of a response is judged as a program, JSON or patch. */
export interface Extracted {
  readonly language: Language;
  readonly code: string;
  /** It lay in a fence. */
  readonly fenced: boolean;
}

/** Takes the code out of `response`. With fences it is the block of the wanted language that defines `entryPoint`, or else the
 *  longest; without, the whole response. */
export function extract(
  response: string,
  wanted: Language | undefined,
  entryPoint: string | undefined,
): Extracted {
  const fences = wanted === "text" ? [] : fencesOf(response);
  const inLanguage = fences.filter(({ word }) => {
    const named = word === "" ? undefined : languageNamed(word);
    return wanted === undefined || word === "" || named === wanted || isScript(named, wanted);
  });
  // A block that says another language is still all the code there is.
  const blocks = inLanguage.length > 0 ? inLanguage : fences;
  const definesIt = (code: string) =>
    entryPoint !== undefined && new RegExp(`\\b${RegExp.escape(entryPoint)}\\b\\s*(\\(|=|:|\\{)`).test(code);
  const best =
    blocks.find(({ content }) => definesIt(content)) ??
    blocks.toSorted((a, b) => b.content.length - a.content.length)[0];
  if (best === undefined) return { language: wanted ?? guess(response), code: response, fenced: false };
  const named = best.word === "" ? undefined : languageNamed(best.word);
  return { language: wanted ?? named ?? guess(best.content), code: best.content, fenced: true };
}

function isScript(a: Language | undefined, b: Language | undefined): boolean {
  const both = ["javascript", "typescript"];
  return both.includes(a ?? "") && both.includes(b ?? "");
}

/** The language of a text that nobody named, by marks that prose does not have. */
function guess(text: string): Language {
  const start = text.trimStart();
  if (/^(diff --git |--- \S.*\n\+\+\+ )/.test(start)) return "diff";
  if (/^#!.*\bpython/.test(start)) return "python";
  if (/^#!.*\b(ba|da)?sh\b/.test(start)) return "sh";
  if (/^[{[]/.test(start)) {
    try {
      JSON.parse(start);
      return "json";
    } catch {
      if (/^(\{\s*"|\[\s*[{["\d])/.test(start)) return "json";
    }
  }
  if (
    /^(from \w[\w.]* import |import \w[\w.]*( as \w+)?$|(async )?def \w+\(.*:\s*$|class \w+(\(.*\))?:\s*$|@\w+)/m.test(
      start.split("\n", 1)[0]!,
    )
  )
    return "python";
  if (
    /^(export (?:default|const|let|var|async|function|class|interface|type|enum|abstract|\{|\*)|import .* from ['"]|interface \w+ ?\{|type \w+ ?=|(async )?function \w*\(|const \w+(: [^=]+)? = )/.test(
      start,
    )
  )
    return /^(interface|type) |: (string|number|boolean|void|unknown|any)\b/m.test(start)
      ? "typescript"
      : "javascript";
  return "text";
}
