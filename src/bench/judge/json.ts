// JSON and function calls: valid at all, valid against the schema, the right tool, the right arguments; each a figure of its own.

import { checkSchema } from "../../critic/format/schema.ts";
import { isFields } from "../../data/turn-checks.ts";
import type { Answer } from "../answer.ts";
import { extractJson } from "../extract.ts";
import type { JsonProblem } from "../problem.ts";
import { type Judge, type Judgement, noAnswer } from "./judgement.ts";

interface Call {
  readonly name: string;
  readonly arguments: unknown;
}

/** Judges answers to one problem, once its reference passed. */
export function jsonJudge(problem: JsonProblem): Judge {
  const judge = (text: string): Judgement => judged(problem, text);
  try {
    // A schema that cannot be used is the problem's fault, not an answer's.
    for (const schema of [problem.schema, ...problem.tools.map(({ parameters }) => parameters)])
      if (schema !== undefined) violation(schema, null);
  } catch (error) {
    return { unusable: `its schema cannot be used: ${(error as Error).message}` };
  }
  if (problem.reference !== undefined) {
    const { passed, result } = judge(problem.reference);
    if (!passed) return { unusable: `its reference ${result}` };
  }
  return { referenceMs: 0, judge: async ({ text }: Answer) => judge(text) };
}

function judged(problem: JsonProblem, text: string): Judgement {
  const calls = problem.tools.length > 0;
  const none = { valid: false, bare: false, schema: false, ...(calls && { tool: false, arguments: false }) };
  const found = extractJson(text);
  if (found === null) return noAnswer("no JSON in the text", none);
  let value: unknown;
  try {
    value = JSON.parse(found);
  } catch (error) {
    const why = (error as Error).message.replace(/^JSON Parse error: /, "");
    return outcome({ ...none }, `not valid JSON (${why})`);
  }
  const bare = text.trim() === found.trim();
  return calls ? judgedCall(problem, value, bare) : judgedValue(problem, value, bare);
}

function judgedValue({ schema, expected }: JsonProblem, value: unknown, bare: boolean): Judgement {
  const complaint = violation(schema, value);
  const right = expected === undefined ? null : same(value, expected);
  const checks = { valid: true, bare, schema: complaint === null, value: right };
  return outcome(checks, complaint ?? (right === false ? "another value than expected" : null));
}

function judgedCall({ tools, expected }: JsonProblem, value: unknown, bare: boolean): Judgement {
  const call = readCall(value);
  const wanted = expected as Call | undefined;
  const tool = tools.find(({ name }) => name === call?.name);
  const complaint =
    call === undefined
      ? "not a call: expected name and arguments"
      : tool === undefined
        ? `there is no tool ${call.name}`
        : violation(tool.parameters, call.arguments);
  const rightTool = wanted === undefined ? tool !== undefined : call?.name === wanted.name;
  const rightArguments =
    wanted === undefined ? null : call !== undefined && rightTool && same(call.arguments, wanted.arguments);
  const checks = {
    valid: true,
    bare,
    schema: complaint === null,
    tool: rightTool,
    arguments: rightArguments,
  };
  return outcome(
    checks,
    complaint ??
      (rightTool
        ? rightArguments === false
          ? "other arguments than expected"
          : null
        : `${call!.name} is the wrong tool`),
  );
}

/** `bare` is a figure and no condition: words around a right answer do not make it wrong. */
function outcome(checks: Judgement["checks"], complaint: string | null): Judgement {
  const passed = complaint === null;
  return {
    passed,
    result: passed ? "passed" : `failed: ${complaint}`,
    extracted: true,
    checks,
    durationMs: 0,
  };
}

/** A call in the forms in which models write it: plain, OpenAI's `function`, a list of one `tool_calls`. */
function readCall(value: unknown): Call | undefined {
  if (Array.isArray(value)) return value.length === 1 ? readCall(value[0]) : undefined;
  if (!isFields(value)) return undefined;
  if (Array.isArray(value.tool_calls)) return readCall(value.tool_calls);
  if (isFields(value.function)) return readCall(value.function);
  const { name } = value;
  if (typeof name !== "string") return undefined;
  const given = value.arguments ?? value.parameters ?? {};
  if (typeof given !== "string") return { name, arguments: given };
  try {
    return { name, arguments: JSON.parse(given) };
  } catch {
    return undefined;
  }
}

/** Where `value` breaks `schema` (draft 2020-12, formats included); null when it does not. */
function violation(schema: unknown, value: unknown): string | null {
  const verdict = checkSchema(schema, value);
  if (verdict.kind === "no_schema") throw new Error(verdict.reason);
  return verdict.kind === "valid" ? null : `schema: ${verdict.reason}`;
}

/** Equality of JSON: the order of keys does not count. */
function same(a: unknown, b: unknown): boolean {
  return Bun.deepEquals(a, b, true);
}
