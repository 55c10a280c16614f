// Jobs in a system: the commands run in a world of their own, then a checker that they cannot reach looks at what they left.

import type { SandboxProvider } from "../../sandbox/contract.ts";
import type { Answer } from "../answer.ts";
import { extractShell } from "../extract.ts";
import type { ShellProblem } from "../problem.ts";
import { type Judge, type Judgement, type Machinery, noAnswer } from "./judgement.ts";

/** Judges answers to one problem, once its reference passed and doing nothing did not. */
export async function shellJudge(
  problem: ShellProblem,
  machinery: Machinery,
  signal: AbortSignal,
): Promise<Judge> {
  const worlds = await machinery.worlds();
  const longestMs = worlds.limits.commandTimeoutMs;
  const reference = await run(problem, problem.reference, worlds, longestMs, signal);
  if (!reference.passed) return { unusable: `its reference ${reference.result}` };
  const idle = await run(problem, ":", worlds, longestMs, signal);
  if (idle.passed) return { unusable: "its checker passes when nothing was done" };
  const timeoutMs = Math.min(longestMs, Math.max(4000, 4 * reference.durationMs));
  return {
    referenceMs: reference.durationMs,
    async judge({ text }: Answer) {
      const commands = extractShell(text);
      if (commands === null) return noAnswer("no commands in the text");
      return await run(problem, commands, worlds, timeoutMs, signal);
    },
  };
}

async function run(
  { world, checker }: ShellProblem,
  commands: string,
  worlds: SandboxProvider,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Judgement> {
  await using sandbox = await worlds.open(world, { signal });
  const did = await sandbox.run(commands, { timeoutMs, signal });
  const said = (passed: boolean, result: string): Judgement => ({
    passed,
    result,
    extracted: true,
    checks: { clean: did.status === 0 },
    durationMs: did.durationMs,
  });
  if (did.timedOut) return said(false, "timed out");
  const verdict = await sandbox.check(checker, { signal });
  if (verdict.passed) return said(true, "passed");
  const last = did.status === 0 ? "" : `, and the commands ended with status ${did.status}`;
  return said(false, `failed: the checker ended with status ${verdict.status}${last}`);
}
