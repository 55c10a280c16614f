// Reads the options of a command from a YAML (or JSON) file. Owns where in the file a wrong key or value stands.

import { readFileSync } from "node:fs";
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { closest, DataError, fileProblem, show, UserError } from "./errors.ts";
import { findKey, flagName, type OptionTable } from "./options.ts";
import { expectation, optionNames, readValue } from "./values.ts";

/** The checked values of the options of `table` that the file sets; a null value counts as not set.
 *  Keys may be written in kebab, snake or camel case.
 *  @throws UserError when the file cannot be read, DataError with file, line and key when it does not fit the table. */
export function readConfig(path: string, table: OptionTable): Record<string, unknown> {
  const text = readText(path);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const lineOf = (node: unknown) => lines.linePos((node as Node).range?.[0] ?? 0).line;
  const mistake = document.errors[0];
  if (mistake)
    throw new DataError(
      { file: path, line: lines.linePos(mistake.pos[0]).line },
      `expected YAML, got ${mistake.message.split("\n")[0]!.replace(/ at line \d+.*$/, "")}`,
      { cause: mistake },
    );
  const root = document.contents;
  if (root === null) return {};
  if (!isMap(root))
    throw new DataError(
      { file: path, line: lineOf(root) },
      "expected `option: value` lines, got something else",
    );

  const values: Record<string, unknown> = {};
  for (const { key: keyNode, value: valueNode } of root.items) {
    const name = isScalar(keyNode) ? String(keyNode.value) : show(keyNode);
    const place = { file: path, line: lineOf(keyNode), field: name };
    const key = findKey(table, name);
    if (key === undefined) throw unknownKey(place, name, table);
    if (Object.hasOwn(values, key))
      throw new DataError(place, `expected each option once, got --${flagName(key)} a second time`);
    const raw = plain(isAlias(valueNode) ? valueNode.resolve(document) : valueNode, table[key]!.type);
    if (raw === null) continue;
    const value = readValue(table[key]!, raw);
    if (value === undefined)
      throw new DataError(place, `expected ${expectation(table[key]!)}, got ${show(raw)}`);
    values[key] = value;
  }
  return values;
}

function readText(path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    const problem = error instanceof TypeError ? "bytes that are not UTF-8" : fileProblem(error);
    throw new UserError(`--config ${path}: expected a readable YAML file, got ${problem}`, { cause: error });
  }
}

function unknownKey(place: { file: string; line: number; field: string }, name: string, table: OptionTable) {
  const suggestion = closest(flagName(name).replaceAll("_", "-"), optionNames(table));
  return new DataError(place, `expected an option of this command, got ${show(name)}`, {
    hint: suggestion ? `did you mean ${suggestion}?` : "--help lists the options",
  });
}

// YAML decides by its look whether a scalar is a number; an option that takes text wants it as it was written.
function plain(node: unknown, type: string): unknown {
  const wantsText = type === "string" || type === "list";
  if (isSeq(node)) return node.items.map((item) => plain(item, type));
  if (isScalar(node))
    return wantsText && node.value !== null && typeof node.value !== "string"
      ? (node.source ?? String(node.value))
      : node.value;
  return node === null ? null : (node as Node).toJSON();
}
