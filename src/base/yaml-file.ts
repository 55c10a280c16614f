// A YAML (or JSON) file whose keys and values know where they stand, so that a mistake is told by file, line and field.

import { readFileSync } from "node:fs";
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { closest, DataError, fileProblem, type Place, show, UserError } from "./errors.ts";
import { findKey, flagName, type OptionTable } from "./options.ts";
import { expectation, nearestChoice, optionNames, readValue } from "./values.ts";

/** One value of a file with its place. */
export class YamlValue {
  private constructor(
    private readonly document: Document,
    private readonly lines: LineCounter,
    private readonly file: string,
    private readonly node: unknown,
    /** Dotted path, e.g. `arms.adapter.data`; empty for the whole file. */
    readonly field: string,
    private readonly keyLine: number,
  ) {}

  /** The whole of `text`.
   *  @throws DataError where it is no YAML */
  static parse(text: string, file: string): YamlValue {
    const lines = new LineCounter();
    const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
    const mistake = document.errors[0];
    if (mistake)
      throw new DataError(
        { file, line: lines.linePos(mistake.pos[0]).line },
        `expected YAML, got ${mistake.message.split("\n")[0]!.replace(/ at line \d+.*$/, "")}`,
        { cause: mistake },
      );
    return new YamlValue(document, lines, file, document.contents, "", 1);
  }

  /** Nothing is written there. */
  get absent(): boolean {
    return this.node === null || (isScalar(this.node) && this.node.value === null);
  }

  get place(): Place {
    return { file: this.file, line: this.line, ...(this.field === "" ? {} : { field: this.field }) };
  }

  private get line(): number {
    if (this.field !== "") return this.keyLine;
    return this.lines.linePos((this.node as Node | null)?.range?.[0] ?? 0).line;
  }

  /** A complaint about this value. */
  wrong(complaint: string, hint?: string): DataError {
    return new DataError(this.place, complaint, hint === undefined ? {} : { hint });
  }

  get isMap(): boolean {
    return isMap(this.node);
  }

  get isList(): boolean {
    return isSeq(this.node);
  }

  /** The values of a list, in order; nothing when it is something else. */
  items(): YamlValue[] {
    if (!isSeq(this.node)) return [];
    return this.node.items.map((item, i) => {
      const line = this.lines.linePos((item as Node | null)?.range?.[0] ?? 0).line;
      return this.below(item, `${this.field}[${i}]`, line);
    });
  }

  /** The values of a map by key, in order; nothing when it is absent.
   *  @param what what was expected, for the message
   *  @throws DataError when it is something else */
  entries(what: string): [key: string, value: YamlValue][] {
    if (this.absent) return [];
    if (!isMap(this.node)) throw this.wrong(`expected ${what}, got ${show(this.plain())}`);
    return this.node.items.map(({ key, value }) => {
      const name = isScalar(key) ? String(key.value) : show(key);
      const line = this.lines.linePos((key as Node).range?.[0] ?? 0).line;
      return [name, this.below(value, this.field === "" ? name : `${this.field}.${name}`, line)];
    });
  }

  /** The values of a map whose keys are known, in snake case; the file may write them in kebab or camel case.
   *  @throws DataError naming an unknown key and the nearest known one */
  known<K extends string>(what: string, keys: readonly K[]): Partial<Record<K, YamlValue>> {
    const found: Partial<Record<K, YamlValue>> = {};
    for (const [name, value] of this.entries(what)) {
      const key = keys.find((one) => one === flagName(name).replaceAll("-", "_"));
      if (key === undefined) {
        const near = closest(name, keys);
        throw value.wrong(
          `expected one of ${keys.join(", ")}, got ${show(name)}`,
          near === undefined ? undefined : `did you mean ${near}?`,
        );
      }
      if (!value.absent) found[key] = value;
    }
    return found;
  }

  /** The options of `table` that a map sets, checked; keys in kebab, snake or camel case, a null value counts as not set.
   *  @param of what the keys are, e.g. `of this command`
   *  @throws DataError */
  options(table: OptionTable, of: string, what = "`option: value` lines"): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    for (const [name, value] of this.entries(what)) {
      const key = findKey(table, name);
      if (key === undefined) {
        const near = closest(flagName(name).replaceAll("_", "-"), optionNames(table));
        throw value.wrong(
          `expected an option ${of}, got ${show(name)}`,
          near ? `did you mean ${near}?` : "--help lists the options",
        );
      }
      if (Object.hasOwn(values, key))
        throw value.wrong(`expected each option once, got --${flagName(key)} a second time`);
      const option = table[key]!;
      const asText = option.type === "list" || (option.type === "string" && !option.list);
      const raw = value.plain(asText);
      if (raw === null) continue;
      const read = readValue(option, raw);
      if (read === undefined)
        throw value.wrong(`expected ${expectation(option)}, got ${show(raw)}`, nearestChoice(option, raw));
      values[key] = read;
    }
    return values;
  }

  /** The value as JSON would have it. YAML decides by its look whether a scalar is a number; `asText` wants it as it was written. */
  plain(asText = false): unknown {
    return plain(this.node, asText);
  }

  private below(node: unknown, field: string, line: number): YamlValue {
    const meant = isAlias(node) ? node.resolve(this.document) : node;
    return new YamlValue(this.document, this.lines, this.file, meant ?? null, field, line);
  }
}

/** The text of a file of options.
 *  @param what what names the file, for the message
 *  @throws UserError when it cannot be read */
export function readYamlText(path: string, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    const problem = error instanceof TypeError ? "bytes that are not UTF-8" : fileProblem(error);
    throw new UserError(`${what}: expected a readable YAML file, got ${problem}`, { cause: error });
  }
}

function plain(node: unknown, asText: boolean): unknown {
  if (isSeq(node)) return node.items.map((item) => plain(item, asText));
  if (isScalar(node))
    return asText && node.value !== null && typeof node.value !== "string"
      ? (node.source ?? String(node.value))
      : node.value;
  return node === null || node === undefined ? null : (node as Node).toJSON();
}
