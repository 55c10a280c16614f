// The judge of a problem, whatever its kind.

import type { Problem } from "../problem.ts";
import { codeJudge } from "./code.ts";
import { diffJudge } from "./diff.ts";
import { jsonJudge } from "./json.ts";
import type { Judge, Machinery } from "./judgement.ts";
import { shellJudge } from "./shell.ts";

/** Figures that each kind of problem can have beside `passed`. */
export const kindFigures: Readonly<Record<Problem["kind"], readonly string[]>> = {
  code: ["syntax"],
  json: ["valid", "bare", "schema", "value", "tool", "arguments"],
  diff: ["parses", "strict", "loose", "tests"],
  shell: ["clean"],
};

/** Tries the reference and returns the judge of its answers.
 *  @throws InfrastructureError when a sandbox fails, UserError where there can be none */
export async function openJudge(problem: Problem, machinery: Machinery, signal: AbortSignal): Promise<Judge> {
  switch (problem.kind) {
    case "code":
      return await codeJudge(problem, machinery, signal);
    case "json":
      return jsonJudge(problem);
    case "diff":
      return await diffJudge(problem, machinery, signal);
    case "shell":
      return await shellJudge(problem, machinery, signal);
  }
}
