// What the critic judges, and what it says: one shape for both, whatever the row looked like that came in.

import type { Place } from "../base/errors.ts";

/** Every label, in the order of the report. */
export const LABELS = [
  "syntax_pass",
  "tests_pass",
  "entrypoint_match",
  "format_pass",
  "no_secret",
  "no_repetition",
  "accepted",
] as const;
export type Label = (typeof LABELS)[number];

/** null: it does not apply, or could not be told; the evidence says which. */
export type Labels = Readonly<Record<Label, boolean | null>>;

/** Why a label is what it is, in words. */
export type Evidence = Readonly<Record<Label, string>>;

/** What a response may be written in; `text` is everything else. */
export const LANGUAGES = ["python", "javascript", "typescript", "sh", "json", "diff", "text"] as const;
export type Language = (typeof LANGUAGES)[number];

/** One message of a conversation. */
export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
  /** False: read, but not learnt from. */
  readonly train?: boolean;
}

/** What the response was asked to be. */
export interface Task {
  /** `undefined`: nobody said; it is told by the response. */
  readonly language: Language | undefined;
  /** The function, class or command that has to be defined. */
  readonly entryPoint: string | undefined;
  /** Code that raises, or fails, when the response is wrong. */
  readonly tests: string | undefined;
  /** Pairs of what a program reads and what it has to print. */
  readonly cases: readonly { readonly stdin: string; readonly stdout: string }[];
  /** A solution that has to pass the tests before they count. */
  readonly reference: string | undefined;
  /** JSON Schema, draft 2020-12. */
  readonly schema: unknown;
  /** Path -> text that a diff is over, or that a program finds beside it. */
  readonly files: Readonly<Record<string, string>>;
  /** Whether Markdown fences were asked for; `undefined`: told by the prompt. */
  readonly fences: "none" | "allowed" | "required" | undefined;
  /** Texts that end a response, and must not be in it. */
  readonly stop: readonly string[];
}

/** One row. */
export interface Candidate {
  readonly id: string;
  readonly place: Place;
  /** The last one is the assistant's: the response. */
  readonly messages: readonly Message[];
  readonly task: Task;
}

/** The response that is judged. */
export function responseOf(candidate: Candidate): string {
  return candidate.messages.at(-1)!.content;
}

/** The last message before the response that a person wrote; empty when there is none. */
export function promptOf(candidate: Candidate): string {
  return candidate.messages.findLast(({ role }) => role === "user")?.content ?? "";
}

/** What was found about one aspect: its label's value and the evidence. */
export interface Finding {
  readonly value: boolean | null;
  readonly evidence: string;
}

/** What a judgement depends on besides the candidate. */
export interface JudgeSettings {
  /** SHA-256 of fakes that are no secrets. */
  readonly allowedSecrets: ReadonlySet<string>;
  /** Labels that have to be true, where null would do otherwise. */
  readonly required: readonly Label[];
  /** Milliseconds that tests have without a reference. */
  readonly testTimeoutMs: number;
}
