// Whether an answer has the form that was asked for, to the letter: a benchmark looks past fences and words, a program that runs
// the answer cannot.

import type { Reply } from "../../agent/contract.ts";
import { judgeLine } from "../../agent/prose.ts";
import type { Candidate, Task } from "../../critic/candidate.ts";
import { extract } from "../../critic/extract.ts";
import { judgeFormat } from "../../critic/format/format.ts";
import { readSource } from "../../critic/syntax/read-source.ts";
import type { Form, FormPrompt } from "./prompt.ts";

/** What is said of one answer. */
export interface FormVerdict {
  /** It has the form. */
  readonly form: boolean;
  /** The model ended it itself, and wrote no stop token as text and nobody else's turn. */
  readonly ended: boolean;
  /** The first thing that is wrong; null when nothing is. */
  readonly reason: string | null;
}

const languages: Readonly<Record<Form, Task["language"]>> = {
  command: "sh",
  json: "json",
  diff: "diff",
  function: "python",
};

/** Judges the form of `reply`; nothing of it is run. */
export async function judgeForm(
  prompt: FormPrompt,
  reply: Pick<Reply, "content" | "finish">,
): Promise<FormVerdict> {
  const { content, finish } = reply;
  // A reply ends where the turn ends: the newline behind its last line is the turn's.
  const whole = content.endsWith("\n") ? content : `${content}\n`;
  const wrong = await formFault(prompt, whole);
  const spilled = judgeFormat(candidateOf(prompt, content, "text"), extract(content, "text", undefined));
  const unended = finish === "length" ? "it did not end within the limit of tokens" : undefined;
  const end = unended ?? (spilled.value === false ? spilled.evidence : undefined);
  return { form: wrong === undefined, ended: end === undefined, reason: wrong ?? end ?? null };
}

async function formFault(prompt: FormPrompt, text: string): Promise<string | undefined> {
  if (text.trim() === "") return "an empty answer";
  const language = languages[prompt.kind];
  const extracted = extract(text, language, prompt.entryPoint);
  const finding = judgeFormat(candidateOf(prompt, text, language), extracted);
  if (finding.value !== true) return finding.evidence;
  switch (prompt.kind) {
    case "command":
      return commandFault(text);
    case "json":
      return undefined;
    case "diff":
      return /^(?:diff --git |--- )/.test(text.trimStart()) ? undefined : "words before the diff";
    case "function":
      return await functionFault(text, prompt.entryPoint!);
  }
}

function commandFault(text: string): string | undefined {
  const lines = text.trim().split("\n");
  if (lines.length > 1) return `${lines.length} lines where one command was asked for`;
  const line = lines[0]!;
  if (/^`.*`$/.test(line)) return "in backticks";
  if (/^[$#>] /.test(line)) return "behind a prompt sign";
  const kind = judgeLine(line, new Set());
  return kind === "command" ? undefined : kind === "prose" ? "words in place of a command" : "no command";
}

async function functionFault(source: string, name: string): Promise<string | undefined> {
  const facts = (await readSource({ language: "python", code: source }, undefined))!;
  if (facts.fault !== undefined) return `not Python: ${facts.fault}`;
  if (facts.names.has(name)) return undefined;
  return `expected ${name}, found ${[...facts.names].slice(0, 4).join(", ") || "no definition"}`;
}

function candidateOf(prompt: FormPrompt, text: string, language: Task["language"]): Candidate {
  return {
    id: prompt.id,
    place: { file: prompt.id },
    messages: [
      { role: "user", content: prompt.prompt },
      { role: "assistant", content: text },
    ],
    task: {
      language,
      entryPoint: undefined,
      tests: undefined,
      cases: [],
      reference: undefined,
      schema: language === "json" ? prompt.schema : undefined,
      files: language === "diff" ? prompt.files : {},
      fences: "none",
      stop: [],
    },
  };
}
