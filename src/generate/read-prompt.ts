// Prompts from files: conversations and token ids.

import { readFileSync } from "node:fs";
import { DataError, show, UserError } from "../base/errors.ts";
import type { Turn } from "../data/normalize.ts";

/** Reads a conversation: a list of {role, content}, or an object with one under `messages` or `turns`.
 *  @throws UserError when the file cannot be read; DataError naming what is wrong in it. */
export function readMessages(file: string): Turn[] {
  const value = readJson(file);
  const list = Array.isArray(value)
    ? value
    : ((value as Record<string, unknown> | null)?.messages ??
      (value as Record<string, unknown> | null)?.turns);
  if (!Array.isArray(list))
    throw new DataError({ file }, `expected a list of {role, content}, got ${show(value)}`);
  if (list.length === 0) throw new DataError({ file }, "expected at least one message, got none");
  return list.map((turn: unknown, i) => {
    const { role, content } = (turn ?? {}) as Record<string, unknown>;
    const fail = (field: string, expected: string, got: unknown) =>
      new DataError({ file, field: `[${i}].${field}` }, `expected ${expected}, got ${show(got)}`);
    if (role !== "system" && role !== "user" && role !== "assistant")
      throw fail("role", "system, user or assistant", role);
    if (typeof content !== "string") throw fail("content", "text", content);
    return { role, content };
  });
}

/** Reads token ids: a list of numbers, or an object with one under `input_ids` or `prompt_ids`.
 *  @throws UserError when the file cannot be read; DataError naming what is wrong in it. */
export function readIds(file: string): number[] {
  const value = readJson(file);
  const fields = (value ?? {}) as Record<string, unknown>;
  const list = Array.isArray(value) ? value : (fields.input_ids ?? fields.prompt_ids);
  if (!Array.isArray(list)) throw new DataError({ file }, `expected a list of token ids, got ${show(value)}`);
  const wrong = list.findIndex((id) => !Number.isInteger(id) || id < 0);
  if (wrong >= 0)
    throw new DataError({ file, field: `[${wrong}]` }, `expected a token id, got ${show(list[wrong])}`);
  return list as number[];
}

function readJson(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new UserError(`${file}: expected a JSON file, got ${(cause as NodeJS.ErrnoException).code}`, {
      cause,
    });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DataError({ file }, `expected JSON, got ${(cause as Error).message}`, { cause });
  }
}
