// From a YAML file to a mix. Every mistake is told by file, line and field, with the nearest name that is known.

import { closest, type Place, show } from "../base/errors.ts";
import { readYamlText, YamlValue } from "../base/yaml-file.ts";
import { readShares } from "./shares.ts";
import {
  CONTAMINATION_ACTIONS,
  type ContaminationSpec,
  type DedupSpec,
  type MixSpec,
  type SourceSpec,
  UNITS,
} from "./spec.ts";

const KEYS = [
  "seed",
  "by",
  "base",
  "chat_template",
  "total",
  "cap",
  "oversample",
  "holdout",
  "group_by",
  "dedup",
  "contamination",
  "sources",
] as const;
const SOURCE_KEYS = ["path", "share", "kind", "cap", "oversample", "holdout", "dedup", "all"] as const;
const NAME = /^[A-Za-z0-9][\w.+-]{0,63}$/;

type Top = Partial<Record<(typeof KEYS)[number], YamlValue>>;

/** The mix that a file describes.
 *  @param base in place of the file's
 *  @throws UserError when it cannot be read, DataError naming file, line and field of the first mistake */
export function readMix(file: string, base?: string): MixSpec {
  return parseMix(readYamlText(file, `--config ${file}`), file, base);
}

/** The mix that `content` describes; `file` is what messages call it.
 *  @throws DataError */
export function parseMix(content: string, file: string, base?: string): MixSpec {
  const root = YamlValue.parse(content, file);
  const top: Top = root.known("a mix (sources, seed, by, total, ...)", KEYS);
  const by = top.by === undefined ? "rows" : oneOf(top.by, UNITS, "what shares count");
  if (by === "tokens" && base === undefined && top.base === undefined)
    throw (top.by ?? root).wrong(
      "expected base beside by: tokens, got none",
      "base: a folder with tokenizer files, or a GGUF file; by: characters needs none",
    );
  const dedup = readDedup(top.dedup);
  return {
    seed: top.seed === undefined ? 42 : number(top.seed, { whole: true, least: 0 }),
    by,
    base: base ?? (top.base && text(top.base)),
    chatTemplate: top.chat_template && text(top.chat_template),
    total: top.total && number(top.total, { whole: true, least: 1 }),
    sources: readSources(root, top, dedup !== undefined),
    dedup,
    contamination: top.contamination && readContamination(top.contamination),
    groupBy: top.group_by && text(top.group_by),
    place: (top.total ?? root).place,
  };
}

function readSources(root: YamlValue, top: Top, dedup: boolean): SourceSpec[] {
  const entries = top.sources?.entries("sources by name") ?? [];
  if (entries.length === 0)
    throw (top.sources ?? root).wrong(
      "expected sources, got none",
      "sources: { code: { path: code.jsonl, share: 60 }, chat: { path: chat.jsonl, share: 40 } }",
    );
  const read = entries.map(([name, value]) => {
    if (!NAME.test(name)) throw value.wrong(`expected a name of letters, digits, - and _, got ${show(name)}`);
    return { name, value, fields: value.known("a source (path, share, ...)", SOURCE_KEYS) };
  });
  const holdouts = read.map(({ fields }) => readHoldout(fields.holdout ?? top.holdout));
  const shares = readShares(
    read.map(({ name, value, fields }, i) => ({
      name,
      value,
      share: fields.share,
      kind: fields.kind && text(fields.kind),
      whole: holdouts[i] === 1,
    })),
    top.sources!,
  );
  return read.map(({ name, value, fields }, i): SourceSpec => {
    if (fields.path === undefined)
      throw value.wrong("expected path, the files or folders of the source, got nothing");
    const cap = fields.cap ?? top.cap;
    const oversample = fields.oversample ?? top.oversample;
    return {
      name,
      paths: texts(fields.path),
      share: shares[i]!,
      cap: cap && number(cap, { whole: true, least: 1 }),
      oversample: oversample === undefined ? 1 : number(oversample, { least: 1, most: 1000 }),
      holdout: holdouts[i]!,
      dedup: fields.dedup === undefined ? dedup : flag(fields.dedup) && dedup,
      all: fields.all === undefined ? false : flag(fields.all),
      place: value.place,
    };
  });
}

/** `0.02`, `2 %` or `all`. */
function readHoldout(value: YamlValue | undefined): number {
  if (value === undefined) return 0;
  const raw = value.plain(true);
  if (raw === "all") return 1;
  const percent = typeof raw === "string" ? /^(.*?)\s*%$/.exec(raw)?.[1] : undefined;
  const share = Number(percent ?? raw) / (percent === undefined ? 1 : 100);
  if (!(share >= 0 && share < 1))
    throw value.wrong(`expected a part from 0 to 1, a percentage, or all, got ${show(raw)}`);
  return share;
}

function readDedup(value: YamlValue | undefined): DedupSpec | undefined {
  const usual = { threshold: 0.8, ngram: 5 };
  if (value === undefined) return usual;
  if (!value.isMap) return flag(value) ? usual : undefined;
  const { threshold, ngram } = value.known("how near-duplicates are found (threshold, ngram)", [
    "threshold",
    "ngram",
  ]);
  return {
    threshold: threshold === undefined ? usual.threshold : number(threshold, { least: 0.5, most: 1 }),
    ngram: ngram === undefined ? usual.ngram : number(ngram, { whole: true, least: 1, most: 50 }),
  };
}

function readContamination(value: YamlValue): ContaminationSpec {
  const fields = value.known("what rows must not hold (against, archetypes, ngram, share, action)", [
    "against",
    "archetypes",
    "ngram",
    "share",
    "action",
  ]);
  const against = (fields.against?.entries("files or folders by name") ?? []).map(([name, one]) => ({
    name,
    path: text(one),
    place: one.place,
  }));
  const archetypes = fields.archetypes === undefined ? [] : texts(fields.archetypes);
  if (against.length === 0 && archetypes.length === 0)
    throw value.wrong(
      "expected against or archetypes, got neither",
      "against: { humaneval: HumanEval.jsonl, heldout: ./holdout }",
    );
  return {
    against,
    archetypes,
    ngram: fields.ngram === undefined ? 13 : number(fields.ngram, { whole: true, least: 4, most: 100 }),
    share: fields.share === undefined ? 0.5 : number(fields.share, { least: 0.01, most: 1 }),
    action:
      fields.action === undefined
        ? "refuse"
        : oneOf(fields.action, CONTAMINATION_ACTIONS, "what happens to such rows"),
  };
}

function text(value: YamlValue): string {
  const raw = value.plain(true);
  if (typeof raw !== "string" || raw.trim() === "") throw value.wrong(`expected text, got ${show(raw)}`);
  return raw;
}

function texts(value: YamlValue): string[] {
  const raw = value.plain(true);
  const list: unknown[] = Array.isArray(raw) ? raw : [raw];
  if (list.length === 0 || !list.every((one) => typeof one === "string" && one.trim() !== ""))
    throw value.wrong(`expected text or a list of text, got ${show(raw)}`);
  const twice = list.find((one, i) => list.indexOf(one) !== i);
  if (twice !== undefined) throw value.wrong(`expected each once, got ${show(twice)} twice`);
  return list as string[];
}

function number(
  value: YamlValue,
  { whole = false, least, most = Number.MAX_SAFE_INTEGER }: { whole?: boolean; least: number; most?: number },
): number {
  const raw = value.plain();
  const fits = typeof raw === "number" && (whole ? Number.isSafeInteger(raw) : Number.isFinite(raw));
  if (!fits || raw < least || raw > most) {
    const bound = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw value.wrong(`expected a ${whole ? "whole " : ""}number ${bound}, got ${show(raw)}`);
  }
  return raw;
}

function flag(value: YamlValue): boolean {
  const raw = value.plain();
  if (typeof raw !== "boolean") throw value.wrong(`expected true or false, got ${show(raw)}`);
  return raw;
}

function oneOf<T extends string>(value: YamlValue, known: readonly T[], what: string): T {
  const raw = value.plain(true);
  const found = known.find((one) => one === raw);
  if (found !== undefined) return found;
  const near = typeof raw === "string" ? closest(raw, known) : undefined;
  throw value.wrong(
    `expected ${what}: ${known.join(", ")}; got ${show(raw)}`,
    near === undefined ? undefined : `did you mean ${near}?`,
  );
}

/** `file:line`, for messages about something that was read elsewhere. */
export function placeName({ file, line, field }: Place): string {
  const at = line === undefined ? file : `${file}:${line}`;
  return line === undefined && field !== undefined ? `${file} ${field}` : at;
}
