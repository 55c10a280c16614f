// The pre-tokenizers of a tokenizer.json: where a text is cut into words before BPE.

import { show, UserError } from "../../base/errors.ts";
import { type Aligned, applyEdits } from "./aligned.ts";
import { compilePattern } from "./pattern.ts";
import type { PatternJson, StageJson } from "./tokenizer-json.ts";

/** Appends the pieces of `text` as start, end, start, end ... */
type Splitter = (text: string, out: number[]) => void;

/** What happens to a text between two added tokens before BPE. */
export interface PreTokenizer {
  /** Changes the text first (a blank in front, blanks to `▁`); `atStart`: the piece begins the whole input. */
  readonly prepare: ((text: Aligned, atStart: boolean) => Aligned) | undefined;
  /** Cuts it; without splitters it is one word. */
  readonly splitters: readonly Splitter[];
  /** Words are sequences of bytes in GPT-2's alphabet. */
  readonly byteLevel: boolean;
}

/** GPT-2's word pattern (openai/gpt-2 encoder.py), used by ByteLevel unless `use_regex` is false. */
const GPT2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/** Builds the pre-tokenizer of a tokenizer.json.
 *  @throws UserError naming a kind or an order of stages that is not supported. */
export function makePreTokenizer(json: StageJson | null | undefined): PreTokenizer {
  const stages = flatten(json);
  let prepare: PreTokenizer["prepare"];
  const splitters: Splitter[] = [];
  let byteLevel = false;
  for (const [i, stage] of stages.entries()) {
    switch (stage.type) {
      case "ByteLevel":
        byteLevel = true;
        if (stage.add_prefix_space === true) {
          requireFirst(i, stage);
          prepare = (text) => (/^[\s\u0085]/.test(text.text) || text.text === "" ? text : prepend(text, " "));
        }
        if (stage.use_regex !== false) splitters.push(isolate(compilePattern({ Regex: GPT2 })));
        break;
      case "Metaspace":
        requireFirst(i, stage);
        prepare = metaspace(stage);
        if (stage.split !== false) splitters.push(beforeMetaspace(String(stage.replacement ?? "▁")));
        break;
      case "Digits":
        splitters.push(isolate(stage.individual_digits === true ? /\p{N}/gu : /\p{N}+/gu));
        break;
      case "Split":
        splitters.push(split(stage));
        break;
      case "Whitespace":
        splitters.push(removeBetween(/\w+|[^\w\s]+/gu));
        break;
      case "WhitespaceSplit":
        splitters.push(removeBetween(/\S+/gu));
        break;
      case "Punctuation":
        splitters.push(isolate(/[!-/:-@[-`{-~]|\p{P}/gu));
        break;
      default:
        throw new UserError(`tokenizer: expected a pre-tokenizer that sekft knows, got ${show(stage.type)}`);
    }
  }
  return { prepare, splitters, byteLevel };
}

function flatten(json: StageJson | null | undefined): StageJson[] {
  if (json === null || json === undefined) return [];
  return json.type === "Sequence" ? (json.pretokenizers as StageJson[]).flatMap(flatten) : [json];
}

function requireFirst(index: number, stage: StageJson): void {
  if (index > 0)
    throw new UserError(
      `tokenizer: expected ${stage.type} as the first pre-tokenizer, got it at place ${index + 1}`,
    );
}

function prepend(text: Aligned, prefix: string): Aligned {
  return applyEdits(text, [{ from: 0, to: 0, text: prefix }]);
}

function metaspace(stage: StageJson): PreTokenizer["prepare"] {
  const mark = String(stage.replacement ?? "▁");
  // Files of before 2024 say add_prefix_space instead of prepend_scheme.
  const scheme = stage.prepend_scheme ?? (stage.add_prefix_space === false ? "never" : "always");
  return (text, atStart) => {
    const replaced = text.text.includes(" ") ? { ...text, text: text.text.replaceAll(" ", mark) } : text;
    const wanted = scheme === "always" || (scheme === "first" && atStart);
    return wanted && replaced.text !== "" && !replaced.text.startsWith(mark)
      ? prepend(replaced, mark)
      : replaced;
  };
}

/** Each match and each stretch between matches is a piece. */
function isolate(pattern: RegExp): Splitter {
  // Word patterns match nearly everywhere: trying right here first needs no match object (3x faster than exec).
  const here = new RegExp(pattern.source, pattern.flags.replace("g", "y"));
  return (text, out) => {
    let at = 0;
    while (at < text.length) {
      here.lastIndex = at;
      if (here.test(text) && here.lastIndex > at) {
        out.push(at, here.lastIndex);
        at = here.lastIndex;
        continue;
      }
      const match = nextMatch(pattern, text, at);
      if (match === null) {
        out.push(at, text.length);
        return;
      }
      const start = match.index;
      if (start > at) out.push(at, start);
      out.push(start, start + match[0].length);
      at = start + match[0].length;
    }
  };
}

/** The first match from `at` on that is not empty: an empty one cuts nothing. */
function nextMatch(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  let match = pattern.exec(text);
  while (match !== null && match[0] === "") {
    pattern.lastIndex = match.index + 1;
    match = pattern.exec(text);
  }
  return match;
}

/** Only the matches are pieces. */
function removeBetween(pattern: RegExp): Splitter {
  return (text, out) => {
    for (const match of text.matchAll(pattern)) out.push(match.index, match.index + match[0].length);
  };
}

/** A piece begins at each mark. */
function beforeMetaspace(mark: string): Splitter {
  return (text, out) => {
    let at = 0;
    for (let i = text.indexOf(mark, 1); i >= 0; i = text.indexOf(mark, i + 1)) {
      out.push(at, i);
      at = i;
    }
    if (at < text.length) out.push(at, text.length);
  };
}

function split(stage: StageJson): Splitter {
  const pattern = compilePattern(stage.pattern as PatternJson);
  const behavior = String(stage.behavior ?? "Isolated");
  if (behavior === "Isolated") return isolate(pattern);
  if (!["Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"].includes(behavior))
    throw new UserError(`tokenizer: expected a Split behavior that sekft knows, got ${show(behavior)}`);
  const invert = stage.invert === true;
  return (text, out) => {
    const pieces = separators(text, pattern, invert);
    let pending: number | undefined;
    for (const [k, { from, to, separator }] of pieces.entries()) {
      const start = pending ?? from;
      pending = undefined;
      const next = pieces[k + 1];
      if (behavior === "Removed") {
        if (!separator) out.push(from, to);
      } else if (
        behavior === "Contiguous" ? next?.separator === separator : mergesOn(behavior, separator, next)
      )
        pending = start;
      else out.push(start, to);
    }
  };
}

function mergesOn(behavior: string, separator: boolean, next: { separator: boolean } | undefined): boolean {
  if (next === undefined) return false;
  return behavior === "MergedWithPrevious" ? !separator && next.separator : separator && !next.separator;
}

function separators(
  text: string,
  pattern: RegExp,
  invert: boolean,
): { from: number; to: number; separator: boolean }[] {
  const out: { from: number; to: number; separator: boolean }[] = [];
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    if (match[0] === "") continue;
    if (match.index > at) out.push({ from: at, to: match.index, separator: invert });
    at = match.index + match[0].length;
    out.push({ from: match.index, to: at, separator: !invert });
  }
  if (at < text.length) out.push({ from: at, to: text.length, separator: invert });
  return out;
}
