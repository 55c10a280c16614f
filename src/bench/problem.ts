// A problem of any benchmark: what a model is asked, and what its answer is judged by.

import type { ProgramLanguage } from "../critic/run-program/contract.ts";
import type { World } from "../sandbox/contract.ts";
import type { Files } from "./diff/apply-patch.ts";

interface ProblemBase {
  /** `task_id` of answers and results. */
  readonly id: string;
  /** What the model is told, as one user turn. */
  readonly prompt: string;
}

/** A function to write; judged by tests that run. */
export interface CodeProblem extends ProblemBase {
  readonly kind: "code";
  readonly language: ProgramLanguage;
  /** What an answer goes on from (HumanEval's prompt); empty where an answer is the whole program. */
  readonly opening: string;
  /** What follows an answer: MBPP's setup, which uses what the answer defines. */
  readonly closing: string;
  /** The function that tests call; undefined where only the tests know. */
  readonly entryPoint: string | undefined;
  readonly tests: string;
  /** The whole reference program. */
  readonly reference: string;
}

/** A tool that may be called. */
export interface Tool {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of its arguments. */
  readonly parameters: unknown;
}

/** A JSON text to write: an object after a schema, or the call of a tool. */
export interface JsonProblem extends ProblemBase {
  readonly kind: "json";
  /** Of the whole answer; undefined where a tool is called. */
  readonly schema: unknown;
  /** Empty: no tool is called. */
  readonly tools: readonly Tool[];
  /** The value, or the call `{name, arguments}`; undefined: any that fits the schema. */
  readonly expected: unknown;
  readonly reference: string | undefined;
}

/** A change to files, to be written as a unified diff. */
export interface DiffProblem extends ProblemBase {
  readonly kind: "diff";
  readonly before: Files;
  /** What the files must be then; undefined where tests say. */
  readonly after: Files | undefined;
  /** Runs over the changed files. */
  readonly tests: { readonly language: ProgramLanguage; readonly source: string } | undefined;
  readonly reference: string | undefined;
}

/** A job in a small system, done by shell commands; judged by what they leave behind. */
export interface ShellProblem extends ProblemBase {
  readonly kind: "shell";
  readonly world: World;
  /** sh, run as root over the world's files; status 0 = done. */
  readonly checker: string;
  readonly reference: string;
}

export type Problem = CodeProblem | JsonProblem | DiffProblem | ShellProblem;

/** The problems of a benchmark. */
export interface ProblemSet {
  readonly problems: readonly Problem[];
  /** The file, or the folder of several, that they are from; null: those that ship with the program. */
  readonly file: string | null;
  /** `sha256:` of what was read. */
  readonly hash: string;
  /** How models are asked; figures of different styles are not to be compared. */
  readonly promptStyle: string;
}
