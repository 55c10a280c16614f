// Rows of every usual shape made into candidates: prompt and response, instruction and output, or messages; and what was asked.

import { closest, DataError, type Place, show } from "../base/errors.ts";
import { complain, type Fields, isFields, kindOf, stringField, turnsField } from "../data/turn-checks.ts";
import { type Candidate, LANGUAGES, type Language, type Message, type Task } from "./candidate.ts";

const SAME_AS: Readonly<Record<string, Language>> = {
  py: "python",
  python3: "python",
  js: "javascript",
  mjs: "javascript",
  cjs: "javascript",
  node: "javascript",
  jsx: "javascript",
  ts: "typescript",
  tsx: "typescript",
  bash: "sh",
  shell: "sh",
  dash: "sh",
  posix: "sh",
  "shell-session": "sh",
  console: "sh",
  patch: "diff",
  udiff: "diff",
  "unified diff": "diff",
  jsonc: "json",
  plain: "text",
  prose: "text",
  markdown: "text",
};

/** The language that `word` names, as fences and data sets write it. */
export function languageNamed(word: string): Language | undefined {
  const name = word.trim().toLowerCase();
  return (LANGUAGES as readonly string[]).includes(name) ? (name as Language) : SAME_AS[name];
}

const PROMPTS = ["prompt", "instruction", "question", "task"];
const RESPONSES = ["response", "completion", "output", "answer"];

/** Reads one row.
 *  @throws DataError naming the field */
export function toCandidate(value: unknown, place: Place): Candidate {
  if (!isFields(value)) throw new DataError(place, `expected an object, found ${kindOf(value)}`);
  const nested = isFields(value.task) ? value.task : {};
  const fields: Fields = { ...nested, ...value };
  return {
    id: idOf(value, place),
    place,
    messages: messagesOf(value, place),
    task: taskOf(fields, place),
  };
}

function idOf(fields: Fields, place: Place): string {
  for (const name of ["id", "task_id"]) {
    const id = fields[name];
    if (typeof id === "string" || typeof id === "number") return String(id);
    if (id !== undefined && id !== null) complain(place, name, `expected a string, found ${kindOf(id)}`);
  }
  return `${place.file.replace(/^.*[/\\]/, "")}:${place.line ?? 0}`;
}

function messagesOf(fields: Fields, place: Place): Message[] {
  const list = ["messages", "conversations", "turns"].find((name) => fields[name] !== undefined);
  const prompt = PROMPTS.find((name) => typeof fields[name] === "string" || Array.isArray(fields[name]));
  const response = RESPONSES.find((name) => fields[name] !== undefined);
  if (list !== undefined && response === undefined) {
    const turns = turnsField(fields, list, place);
    if (turns.length === 0) complain(place, list, "empty");
    if (turns.at(-1)!.role !== "assistant")
      complain(
        place,
        `${list}[${turns.length - 1}].role`,
        "expected the assistant's answer as the last message",
      );
    return turns.map(({ role, content, train }) => ({ role, content, ...(train === false && { train }) }));
  }
  if (response === undefined)
    throw new DataError(
      place,
      `expected a prompt and a response, or messages; found ${Object.keys(fields).slice(0, 8).join(", ") || "nothing"}`,
    );
  const before: Message[] =
    list !== undefined
      ? turnsField(fields, list, place)
      : prompt !== undefined && Array.isArray(fields[prompt])
        ? turnsField(fields, prompt, place)
        : asked(fields, prompt, place);
  if (before.at(-1)?.role === "assistant")
    complain(place, list ?? prompt!, "the last message is an answer already");
  return [...before, { role: "assistant", content: responseText(fields, response, place) }];
}

/** A response may be a string, or a message, or a list of one message as TRL's conversational rows have it. */
function responseText(fields: Fields, name: string, place: Place): string {
  const value = fields[name];
  const one = Array.isArray(value) && value.length === 1 ? value[0] : value;
  if (isFields(one)) return stringField(one, "content", place, `${name}.content`);
  return stringField(fields, name, place);
}

function asked(fields: Fields, prompt: string | undefined, place: Place): Message[] {
  const system = typeof fields.system === "string" ? fields.system : undefined;
  // Alpaca's rows have the material beside the instruction.
  const input = prompt === "instruction" && typeof fields.input === "string" ? fields.input : "";
  const text = prompt === undefined ? "" : stringField(fields, prompt, place);
  const user = input === "" ? text : `${text}\n\n${input}`;
  return [
    ...(system === undefined ? [] : [{ role: "system" as const, content: system }]),
    ...(user === "" ? [] : [{ role: "user" as const, content: user }]),
  ];
}

function taskOf(fields: Fields, place: Place): Task {
  const fences = optionalString(fields, ["fences"], place);
  if (fences !== undefined && fences !== "none" && fences !== "allowed" && fences !== "required")
    complain(place, "fences", `expected none, allowed or required, found ${show(fences)}`);
  const schema = fields.schema ?? fields.json_schema;
  if (schema !== undefined && schema !== null && !isFields(schema) && typeof schema !== "boolean")
    complain(place, "schema", `expected an object, found ${kindOf(schema)}`);
  const task: Task = {
    language: languageOf(fields, place),
    entryPoint: optionalString(fields, ["entry_point", "entrypoint", "function_name"], place),
    tests: testsOf(fields, place),
    cases: casesOf(fields, place),
    reference: optionalString(fields, ["reference", "canonical_solution", "reference_solution"], place),
    schema: schema ?? undefined,
    files: filesOf(fields, place),
    fences,
    stop: stringList(fields, "stop", place),
  };
  if (task.language !== undefined || task.schema === undefined) return task;
  return { ...task, language: "json" };
}

function languageOf(fields: Fields, place: Place): Language | undefined {
  for (const name of ["language", "lang", "format"]) {
    const value = fields[name];
    if (value === undefined || value === null) continue;
    if (typeof value !== "string") complain(place, name, `expected a string, found ${kindOf(value)}`);
    const language = languageNamed(value);
    if (language !== undefined) return language;
    // Data sets use `format` for much else.
    if (name === "format") continue;
    const near = closest(value.toLowerCase(), [...LANGUAGES, ...Object.keys(SAME_AS)]);
    complain(
      place,
      name,
      `expected one of ${LANGUAGES.join(", ")}, found ${show(value)}${near === undefined ? "" : ` (did you mean ${near}?)`}`,
    );
  }
  return undefined;
}

function optionalString(fields: Fields, names: readonly string[], place: Place): string | undefined {
  const name = names.find((one) => fields[one] !== undefined && fields[one] !== null);
  return name === undefined ? undefined : stringField(fields, name, place);
}

function stringList(fields: Fields, name: string, place: Place): string[] {
  const value = fields[name];
  if (value === undefined || value === null) return [];
  if (typeof value === "string") return [value];
  if (!Array.isArray(value)) complain(place, name, `expected an array, found ${kindOf(value)}`);
  for (const [i, one] of value.entries())
    if (typeof one !== "string") complain(place, `${name}[${i}]`, `expected a string, found ${kindOf(one)}`);
  return value as string[];
}

/** One text of all tests: HumanEval's `test`, MBPP's lists, or a plain `tests`. */
function testsOf(fields: Fields, place: Place): string | undefined {
  const name = ["tests", "test", "test_list"].find(
    (one) => fields[one] !== undefined && fields[one] !== null,
  );
  if (name === undefined) return undefined;
  if (Array.isArray(fields[name]) && fields[name].some(isFields)) return undefined;
  const lines = stringList(fields, name, place);
  const setup = [
    ...stringList(fields, "test_imports", place),
    ...stringList(fields, "test_setup_code", place),
  ];
  const text = [...setup, ...lines].join("\n");
  return text.trim() === "" ? undefined : text;
}

function casesOf(fields: Fields, place: Place): Task["cases"] {
  const name = Array.isArray(fields.cases) ? "cases" : Array.isArray(fields.tests) ? "tests" : undefined;
  if (name === undefined) return [];
  const list = fields[name] as readonly unknown[];
  if (name === "tests" && !list.some(isFields)) return [];
  return list.map((one, i) => {
    if (!isFields(one)) complain(place, `${name}[${i}]`, `expected an object, found ${kindOf(one)}`);
    const stdin = one.stdin ?? one.input ?? "";
    const stdout = one.stdout ?? one.output;
    if (typeof stdin !== "string") complain(place, `${name}[${i}].stdin`, "expected a string");
    if (typeof stdout !== "string") complain(place, `${name}[${i}].stdout`, "expected a string");
    return { stdin, stdout };
  });
}

function filesOf(fields: Fields, place: Place): Readonly<Record<string, string>> {
  const name = ["files", "before"].find((one) => fields[one] !== undefined && fields[one] !== null);
  if (name === undefined) return {};
  const value = fields[name];
  if (!isFields(value)) complain(place, name, `expected an object of path and text, found ${kindOf(value)}`);
  for (const [path, text] of Object.entries(value)) {
    if (typeof text !== "string")
      complain(place, `${name}.${path}`, `expected a string, found ${kindOf(text)}`);
    if (path === "" || path.startsWith("/") || path.split("/").includes(".."))
      complain(place, `${name}.${path}`, "expected a relative path that stays inside");
  }
  return value as Readonly<Record<string, string>>;
}
