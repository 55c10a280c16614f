// The normalizers of a tokenizer.json, each keeping the alignment with the original text.

import { show, UserError } from "../../base/errors.ts";
import { type Aligned, applyEdits, type Edit } from "./aligned.ts";
import { compilePattern } from "./pattern.ts";
import type { PatternJson, StageJson } from "./tokenizer-json.ts";

/** Changes text before it is split. */
export type Normalizer = (text: Aligned) => Aligned;

/** Builds the normalizer of a tokenizer.json; undefined when the text is taken as it is.
 *  @throws UserError naming a kind that is not supported. */
export function makeNormalizer(json: StageJson | null | undefined): Normalizer | undefined {
  if (json === null || json === undefined) return undefined;
  switch (json.type) {
    case "Sequence": {
      const stages = ((json.normalizers as StageJson[] | undefined) ?? [])
        .map(makeNormalizer)
        .filter((stage) => stage !== undefined);
      return stages.length === 0 ? undefined : (text) => stages.reduce((now, stage) => stage(now), text);
    }
    case "NFC":
    case "NFD":
    case "NFKC":
    case "NFKD":
      return (text) => normalizeUnicode(text, json.type as Form);
    case "Prepend": {
      const prefix = String(json.prepend);
      return (text) => (text.text === "" ? text : applyEdits(text, [{ from: 0, to: 0, text: prefix }]));
    }
    case "Replace": {
      const pattern = compilePattern(json.pattern as PatternJson);
      const content = String(json.content);
      return (text) => replaceAll(text, pattern, content);
    }
    case "Lowercase":
      return (text) => mapCharacters(text, (c) => c.toLowerCase());
    case "Strip":
      return (text) => strip(text, json.strip_left !== false, json.strip_right !== false);
    default:
      throw new UserError(`tokenizer: expected a normalizer that sekft knows, got ${show(json.type)}`);
  }
}

function replaceAll(text: Aligned, pattern: RegExp, content: string): Aligned {
  const edits: Edit[] = [];
  let sameWidth = content.length === 1;
  for (const match of text.text.matchAll(pattern)) {
    if (match[0].length !== 1) sameWidth = false;
    if (match[0] !== "") edits.push({ from: match.index, to: match.index + match[0].length, text: content });
  }
  // One code unit for one code unit moves nothing, whatever the text was aligned to.
  if (sameWidth) return { ...text, text: text.text.replace(pattern, () => content) };
  return applyEdits(text, edits);
}

function mapCharacters(text: Aligned, change: (character: string) => string): Aligned {
  const edits: Edit[] = [];
  let at = 0;
  for (const c of text.text) {
    const changed = change(c);
    if (changed !== c) edits.push({ from: at, to: at + c.length, text: changed });
    at += c.length;
  }
  return applyEdits(text, edits);
}

function strip(text: Aligned, left: boolean, right: boolean): Aligned {
  const from = left ? text.text.length - text.text.trimStart().length : 0;
  const to = right ? text.text.trimEnd().length : text.text.length;
  const edits: Edit[] = [];
  if (from > 0) edits.push({ from: 0, to: from, text: "" });
  if (to < text.text.length && to >= from) edits.push({ from: to, to: text.text.length, text: "" });
  return applyEdits(text, edits);
}

type Form = "NFC" | "NFD" | "NFKC" | "NFKD";

/** A base character with its combining marks, or a run of Hangul jamo: normalisation never reaches across these. */
const CLUSTER = /[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff\uac00-\ud7a3]+\p{M}*|[^\p{M}]\p{M}*|\p{M}+/gu;

function normalizeUnicode(text: Aligned, form: Form): Aligned {
  if (text.text.normalize(form) === text.text) return text;
  const edits: Edit[] = [];
  for (const match of text.text.matchAll(CLUSTER)) {
    const cluster = match[0];
    const changed = cluster.normalize(form);
    if (changed !== cluster) alignCluster(match.index, cluster, changed, form, edits);
  }
  const result = applyEdits(text, edits);
  if (result.text === text.text.normalize(form)) return result;
  // A cluster reached across its neighbour after all: the whole text moves as one.
  return applyEdits(text, [{ from: 0, to: text.text.length, text: text.text.normalize(form) }]);
}

/** Pairs the characters of a normalised cluster with those it came from: each one takes the span of the first
 *  source character that it needs; the marks that it swallows belong to no output, as in Hugging Face tokenizers. */
function alignCluster(base: number, source: string, target: string, form: Form, edits: Edit[]): void {
  const decomposed = form === "NFC" || form === "NFD" ? "NFD" : "NFKD";
  const parts = (text: string) => [...text.normalize(decomposed)].length;
  const from = [...source];
  let next = 0;
  let start = base;
  let end = base;
  let pending = "";
  // Decomposed characters of the sources taken so far that no output has used yet.
  let credit = 0;
  for (const character of target) {
    if (credit === 0) {
      if (pending !== "") edits.push({ from: start, to: end, text: pending });
      pending = "";
      start = end;
    }
    pending += character;
    credit -= parts(character);
    while (credit < 0 && next < from.length) {
      credit += parts(from[next]!);
      end += from[next]!.length;
      next++;
    }
  }
  edits.push({ from: start, to: base + source.length, text: pending });
}
