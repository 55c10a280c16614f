// What a check expects, and how it says that something does not hold.

import { show } from "../../base/errors.ts";
import type { CommandResult } from "../contract.ts";

/** A property that does not hold. */
export class Mismatch extends Error {
  constructor(
    readonly what: string,
    readonly expected: string,
    readonly got: string,
  ) {
    super(`${what}: expected ${expected}, got ${got}`);
    this.name = "Mismatch";
  }
}

/** A property that the provider itself says it does not have here. */
export class Skipped extends Error {
  override readonly name = "Skipped";
}

/** Long values keep their head and tail: both ends tell something. */
function brief(value: unknown): string {
  if (typeof value === "string" && value.length > 400)
    return JSON.stringify(`${value.slice(0, 200)} [...] ${value.slice(-180)}`);
  if (typeof value === "string") return JSON.stringify(value);
  return value instanceof RegExp ? `something like ${value}` : show(value);
}

/** @throws Mismatch unless `got` is `expected`, compared as JSON. */
export function same(what: string, got: unknown, expected: unknown): void {
  if (JSON.stringify(got) !== JSON.stringify(expected)) throw new Mismatch(what, brief(expected), brief(got));
}

/** @throws Mismatch unless `pattern` is found. */
export function like(what: string, got: string, pattern: RegExp): void {
  if (!pattern.test(got)) throw new Mismatch(what, brief(pattern), brief(got));
}

/** @throws Mismatch if `pattern` is found. */
export function unlike(what: string, got: string, pattern: RegExp): void {
  const found = pattern.exec(got);
  if (found) throw new Mismatch(what, `nothing like ${pattern}`, brief(found[0]));
}

/** @throws Mismatch unless `holds`. */
export function holds(what: string, got: unknown, expected: string, isTrue: boolean): void {
  if (!isTrue) throw new Mismatch(what, expected, brief(got));
}

/** What a command is expected to do. Text means exactly this output and status 0; a pattern means output like this. */
export type Expected =
  | string
  | RegExp
  | {
      readonly output?: string | RegExp;
      readonly status?: number;
      readonly terminal?: CommandResult["terminal"];
      readonly stateLost?: boolean;
      readonly timedOut?: boolean;
      readonly truncated?: boolean;
    };

/** @throws Mismatch unless `result` is as expected; what is not named must be as after any command that just ends. */
export function expectResult(command: string, result: CommandResult, expected: Expected): void {
  const what = `\`${command.length > 120 ? `${command.slice(0, 117)}...` : command}\``;
  const wanted =
    typeof expected === "string"
      ? { output: expected, status: 0 }
      : expected instanceof RegExp
        ? { output: expected }
        : expected;
  if (wanted.output instanceof RegExp) like(`${what}, output`, result.output, wanted.output);
  else if (wanted.output !== undefined) same(`${what}, output`, result.output, wanted.output);
  if (wanted.status !== undefined) same(`${what}, status`, result.status, wanted.status);
  same(`${what}, timed out`, result.timedOut, wanted.timedOut ?? false);
  same(`${what}, terminal`, result.terminal, wanted.terminal ?? null);
  if (wanted.stateLost !== undefined || !wanted.timedOut)
    same(`${what}, state lost`, result.stateLost, wanted.stateLost ?? false);
  if (wanted.truncated !== undefined) same(`${what}, truncated`, result.truncated, wanted.truncated);
}
