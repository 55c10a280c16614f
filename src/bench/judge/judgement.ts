// What is said of one answer, and who says it.

import type { ProgramRunner } from "../../critic/run-program/contract.ts";
import type { SandboxProvider } from "../../sandbox/contract.ts";
import type { Answer } from "../answer.ts";

/** One answer, judged. */
export interface Judgement {
  readonly passed: boolean;
  /** `passed`, `timed out`, `failed: ...`, or `no answer: ...` where nothing could be taken out of the text. */
  readonly result: string;
  /** Something could be taken out of the text. */
  readonly extracted: boolean;
  /** Figures beside `passed`; null where one does not apply. */
  readonly checks: Readonly<Record<string, boolean | null>>;
  readonly durationMs: number;
}

/** Where answers are run, opened when the first one needs it. */
export interface Machinery {
  runner(): Promise<ProgramRunner>;
  worlds(): Promise<SandboxProvider>;
}

/** A problem whose reference passed: ready to judge answers; or why it cannot be used. */
export type Judge =
  | { readonly judge: (answer: Answer) => Promise<Judgement>; readonly referenceMs: number }
  | { readonly unusable: string };

/** An answer with nothing in it that could be judged. */
export function noAnswer(why: string, checks: Judgement["checks"] = {}): Judgement {
  return { passed: false, result: `no answer: ${why}`, extracted: false, checks, durationMs: 0 };
}

/** A verdict's words on one line: of a traceback, the line that failed and what was raised. */
export function oneLine(result: string): string {
  if (!result.includes("\n")) return result;
  const lines = result.split("\n").flatMap((line) => {
    const text = line.trim();
    return text === "" || /^failed: Traceback|^Traceback|^File "|^[~^]+$/.test(text) ? [] : [text];
  });
  const told = lines.slice(-2).join(": ");
  return result.startsWith("failed: ") && !told.startsWith("failed: ") ? `failed: ${told}` : told;
}
