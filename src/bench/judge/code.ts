// Functions: the answer becomes a program, the program meets the tests in a sandbox, in the time that the reference's own run allows.

import { calibrate } from "../../critic/run-program/calibrate.ts";
import { readSource } from "../../critic/syntax/read-source.ts";
import type { Answer } from "../answer.ts";
import { extractCode, fencedBlocks, withoutTrials } from "../extract.ts";
import type { CodeProblem } from "../problem.ts";
import { type Judge, type Machinery, noAnswer, oneLine } from "./judgement.ts";

/** The program that an answer means; null when there is none in it. */
export function programOf(problem: CodeProblem, answer: Answer): string | null {
  const program = openedProgram(problem, answer);
  return program === null ? null : program + problem.closing;
}

function openedProgram(problem: CodeProblem, { text, form }: Answer): string | null {
  const { opening, entryPoint, language } = problem;
  if (text.trim() === "") return null;
  if (form === "completion" && fencedBlocks(text).length === 0) return opening + text;
  const found = extractCode(text, language, entryPoint);
  if (found === null) return null;
  const code = language === "python" ? withoutTrials(found) : found;
  if (opening === "" || entryPoint === undefined) return code;
  const head = new RegExp(`^(?:async\\s+)?def\\s+${entryPoint}\\b`, "m");
  if (!head.test(code)) return opening + code;
  // The whole function: what stands above it in the prompt (imports, other functions) still belongs to the program.
  return `${opening.slice(0, head.exec(opening)?.index ?? opening.length)}${code}`;
}

/** Judges answers to one problem, once its reference passed. */
export async function codeJudge(
  problem: CodeProblem,
  machinery: Machinery,
  signal: AbortSignal,
): Promise<Judge> {
  const runner = await machinery.runner();
  const { language, tests, reference } = problem;
  if (!runner.can(language)) return { unusable: `there is no ${language} here to run it` };
  const calibration = await calibrate(runner, { language, candidate: reference, tests }, { signal });
  if (!calibration.usable) return { unusable: `its reference ${oneLine(calibration.verdict.result)}` };
  return {
    referenceMs: calibration.referenceMs,
    async judge(answer) {
      const candidate = programOf(problem, answer);
      if (candidate === null) return noAnswer("no code in the text", { syntax: false });
      const verdict = await runner.test({ language, candidate, tests }, { ...calibration.options, signal });
      const { passed, result, durationMs } = verdict;
      // By a parser of our own: what the sandbox says of a program that does not parse is the word of that program's process.
      const source = await readSource({ language, code: candidate }, undefined);
      const checks = { syntax: source === undefined ? null : source.fault === undefined };
      return { passed, result: oneLine(result), extracted: true, checks, durationMs };
    },
  };
}
