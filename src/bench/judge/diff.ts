// Edits: a patch that parses, applies to the line, applies with good will, and does what was wished; each a figure of its own.

import { calibrate } from "../../critic/run-program/calibrate.ts";
import type { ProgramRunner, TestedProgram, TestOptions } from "../../critic/run-program/contract.ts";
import type { Answer } from "../answer.ts";
import { type Files, judgePatch } from "../diff/apply-patch.ts";
import { extractDiff } from "../extract.ts";
import type { DiffProblem } from "../problem.ts";
import { type Judge, type Judgement, type Machinery, noAnswer, oneLine } from "./judgement.ts";

/** Judges answers to one problem, once its reference passed. */
export async function diffJudge(
  problem: DiffProblem,
  machinery: Machinery,
  signal: AbortSignal,
): Promise<Judge> {
  const { before, after, tests, reference } = problem;
  let options: TestOptions = {};
  let referenceMs = 0;
  let runner: ProgramRunner | undefined;
  const solved = after ?? (reference === undefined ? undefined : judgePatch(reference, before).after);
  if (reference !== undefined) {
    const own = judgePatch(reference, before);
    if (!own.strict) return { unusable: `its reference does not apply: ${own.reason}` };
    if (after !== undefined && !Bun.deepEquals(own.after, after))
      return { unusable: "its reference leaves other files than its after" };
  }
  if (tests !== undefined) {
    runner = await machinery.runner();
    if (!runner.can(tests.language))
      return { unusable: `there is no ${tests.language} here to run its tests` };
    if (solved) {
      const calibration = await calibrate(runner, testedProgram(tests, solved), { signal });
      if (!calibration.usable) return { unusable: `its reference ${oneLine(calibration.verdict.result)}` };
      ({ options, referenceMs } = calibration);
      const idle = await runner.test(testedProgram(tests, before), { ...options, signal });
      if (idle.passed) return { unusable: "its tests pass without any change" };
    }
  }
  return {
    referenceMs,
    async judge({ text }: Answer): Promise<Judgement> {
      const patch = extractDiff(text);
      const nothing = { parses: false, strict: false, loose: false, tests: null };
      if (patch === null) return noAnswer("no diff in the text", nothing);
      const { parses, strict, loose, git, after: files, reason } = judgePatch(patch, before);
      const applied = { parses, strict, loose: loose || git };
      if (files === null) return failed(reason ?? "it does not apply", { ...applied, tests: null });
      if (after !== undefined && !Bun.deepEquals(files, after))
        return failed("the files are others than wished", { ...applied, tests: false });
      if (tests === undefined) return passed({ ...applied, tests: true }, 0);
      const verdict = await runner!.test(testedProgram(tests, files), { ...options, signal });
      const checks = { ...applied, tests: verdict.passed };
      if (verdict.passed) return passed(checks, verdict.durationMs);
      return { ...failed("", checks), result: oneLine(verdict.result), durationMs: verdict.durationMs };
    },
  };
}

const passed = (checks: Judgement["checks"], durationMs: number): Judgement => ({
  passed: true,
  result: "passed",
  extracted: true,
  checks,
  durationMs,
});

const failed = (why: string, checks: Judgement["checks"]): Judgement => ({
  passed: false,
  result: `failed: ${why}`,
  extracted: true,
  checks,
  durationMs: 0,
});

/** Tests over files. What they import of the files is the candidate: it runs where candidates run, not beside the assertions. */
function testedProgram(tests: NonNullable<DiffProblem["tests"]>, files: Files): TestedProgram {
  const { language, source } = tests;
  if (language !== "python") return { language, candidate: "", tests: source, files };
  const modules = Object.keys(files).flatMap((path) => /^([A-Za-z_]\w*)(?:\.py|\/)/.exec(path)?.[1] ?? []);
  const own = new RegExp(`^(?:from|import)\\s+(?:${modules.join("|") || "(?!)"})\\b`);
  const lines = source.split("\n");
  const imports = lines.filter((line) => own.test(line)).map(importLine);
  const rest = lines.filter((line) => !own.test(line));
  return { language, candidate: `${imports.join("\n")}\n`, tests: rest.join("\n"), files };
}

/** A module does not cross to the process of the tests, a class with the same members does. */
function importLine(line: string): string {
  const [, module, name = module] = /^import\s+(\w+)(?:\s+as\s+(\w+))?\s*$/.exec(line) ?? [];
  if (module === undefined) return line;
  return [
    `import ${module} as _module`,
    `class ${name}: pass`,
    "for _name, _value in vars(_module).items():",
    `    if not _name.startswith("__"): setattr(${name}, _name, staticmethod(_value) if callable(_value) else _value)`,
  ].join("\n");
}
