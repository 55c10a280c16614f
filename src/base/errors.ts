// The classes of failure, one per reaction. Owns how an error is worded and which exit code it means; prints nothing.

/** Options every error takes: what to do about it, and what caused it. */
export interface ErrorDetail {
  /** What the user can do about it, one sentence, shown on a `hint:` line. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** An error that is shown to the user without a stack: `<who>: <expected>, got <value>`. */
export abstract class SekftError extends Error {
  abstract readonly exitCode: number;
  readonly hint: string | undefined;
  constructor(message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = new.target.name;
    this.hint = detail.hint;
  }
}

/** The user asked for something that cannot be done: exit 2, nothing was changed. */
export class UserError extends SekftError {
  readonly exitCode = 2;
}

/** Where in a file something was wrong. */
export interface Place {
  readonly file: string;
  /** Counted from 1. */
  readonly line?: number;
  /** Dotted path of the field, e.g. `turns[3].role`. */
  readonly field?: string;
}

/** A file is not what it should be: `file:line: field: what`. Exit 2. */
export class DataError extends SekftError {
  readonly exitCode = 2;
  constructor(
    readonly place: Place,
    readonly complaint: string,
    detail: ErrorDetail = {},
  ) {
    const line = place.line === undefined ? "" : `:${place.line}`;
    const field = place.field === undefined ? "" : `${place.field}: `;
    super(`${place.file}${line}: ${field}${complaint}`, detail);
  }
}

/** The GPU, its driver or its memory failed. Exit 1. */
export class GpuError extends SekftError {
  readonly exitCode = 1;
}

/** What went wrong outside the model: `sandbox_dead` (this world), `provider_dead` (its engine), `api_error` (the endpoint),
 *  `timeout` (either did not answer in time), `oom` (the world as a whole ran out of memory). */
export type FailureKind = "sandbox_dead" | "provider_dead" | "api_error" | "timeout" | "oom";

/** The machinery around a model failed: the sample is tried again, never scored and never kept. Exit 1. */
export class InfrastructureError extends SekftError {
  readonly exitCode = 1;
  constructor(
    readonly kind: FailureKind,
    message: string,
    detail: ErrorDetail & {
      /** False when trying again cannot help, e.g. a key that is refused. */
      readonly retryable?: boolean;
    } = {},
  ) {
    super(message, detail);
    this.retryable = detail.retryable ?? true;
  }
  readonly retryable: boolean;
}

/** What was measured is worse than what was asked for; the measurement itself is done and written. Exit 1. */
export class BelowThreshold extends SekftError {
  readonly exitCode = 1;
}

/** The user pressed Ctrl-C or sent SIGTERM; everything worth keeping was kept. */
export class Interrupted extends SekftError {
  readonly exitCode = 130;
}

/** The reader of our output went away (`sekft ... | head`): nothing to say, nothing failed. Exit 0. */
export class OutputClosed extends SekftError {
  readonly exitCode = 0;
}

const fileProblems: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EACCES: "no permission",
  EPERM: "no permission",
  EISDIR: "a folder",
  ENOTDIR: "a path through something that is no folder",
  ENOSPC: "a full disk",
};

/** What stands behind `got` when the operating system would not open or read a file. */
export function fileProblem(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return (code && fileProblems[code]) || code || String(error);
}

/** A short, safe rendering of any value for an error message. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "string")
    return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
  if (typeof value === "bigint" || typeof value === "number") return String(value);
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** The entry of `known` closest to `word`, if it is close enough to be a typo (Levenshtein distance at most a third). */
export function closest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.ceil(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
