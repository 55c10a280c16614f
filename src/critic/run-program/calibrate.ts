// A reference runs first: it tells how its candidates can be judged and how long they may take, or that nothing can be judged by it.

import type { Calibration, ProgramRunner, TestedProgram, TestOptions } from "./contract.ts";
import { shadowsIn } from "./python-text.ts";

/** Runs the reference; a candidate then has `factor` times its time, at least `leastMs` (EvalPlus: 4 times, 4 s). */
export async function calibrate(
  runner: ProgramRunner,
  reference: TestedProgram,
  options: {
    readonly factor?: number;
    readonly leastMs?: number;
    readonly mostMs?: number;
    readonly signal?: AbortSignal;
  } = {},
): Promise<Calibration> {
  const { factor = 4, leastMs = 4000, mostMs = 60_000, signal } = options;
  const shadows = reference.language === "python" ? shadowsIn(reference.candidate) : [];
  const attempt = (mode: "apart" | "together") =>
    runner.test(reference, { mode, shadows, limits: { timeoutMs: mostMs }, ...(signal && { signal }) });
  let verdict = await attempt("apart");
  let mode: "apart" | "together" = "apart";
  if (!verdict.passed && verdict.reason !== "timed_out" && reference.language === "python") {
    const second = await attempt("together");
    if (second.passed) [verdict, mode] = [second, "together"];
  }
  if (!verdict.passed) return { usable: false, verdict };
  const timeoutMs = Math.min(mostMs, Math.max(leastMs, Math.ceil(factor * verdict.durationMs)));
  const tests: TestOptions = { mode, shadows, limits: { timeoutMs } };
  return { usable: true, options: tests, referenceMs: verdict.durationMs };
}
