// The tests of a candidate, run in the sandbox after its reference has shown that they can be passed.

import { judgePatch } from "../bench/diff/apply-patch.ts";
import type { Candidate, Finding, JudgeSettings } from "./candidate.ts";
import type { Extracted } from "./extract.ts";
import { calibrate } from "./run-program/calibrate.ts";
import type {
  Calibration,
  ProgramLanguage,
  ProgramRunner,
  TestedProgram,
  TestVerdict,
} from "./run-program/contract.ts";
import type { SourceFacts } from "./syntax/python.ts";

const RUNS: readonly string[] = ["python", "javascript", "typescript", "sh"];

/** What a reference told, by its content: the candidates of one problem share it. */
const calibrations = new WeakMap<ProgramRunner, Map<string, Promise<Calibration>>>();

/** Judges what the tests say.
 *  @throws InfrastructureError when there was no sandbox */
export async function judgeTests(
  candidate: Candidate,
  extracted: Extracted,
  facts: SourceFacts | undefined,
  runner: ProgramRunner | undefined,
  settings: JudgeSettings,
): Promise<Finding> {
  const { task } = candidate;
  if (task.tests === undefined && task.cases.length === 0) return { value: null, evidence: "no tests" };
  const program = testedProgram(candidate, extracted, extracted.code);
  if (typeof program === "string") return { value: false, evidence: program };
  if (program === undefined) return { value: null, evidence: `tests do not run over ${extracted.language}` };
  if (facts?.fault !== undefined)
    return { value: false, evidence: `not run, for it does not parse: ${facts.fault}` };
  if (runner === undefined) return { value: null, evidence: "no sandbox here" };
  if (!runner.can(program.language))
    return { value: null, evidence: `no ${program.language} in the sandbox` };
  if (task.tests === undefined) return await judgeCases(candidate, program, runner, settings);
  if (task.reference === undefined) {
    const limits = { timeoutMs: settings.testTimeoutMs };
    return verdictFinding(await runner.test(program, { limits }));
  }
  const calibration = await calibrated(candidate, extracted, runner);
  if (!calibration.usable)
    return {
      value: null,
      evidence: `the reference fails its own tests (${calibration.verdict.result}): excluded`,
    };
  return verdictFinding(await runner.test(program, calibration.options));
}

function verdictFinding(verdict: TestVerdict): Finding {
  const apart = verdict.mode === "together" ? ", in one process with its tests" : "";
  const seconds = (verdict.durationMs / 1000).toFixed(2);
  return verdict.passed
    ? { value: true, evidence: `passed in ${seconds} s${apart}` }
    : { value: false, evidence: `${verdict.result}${tail(verdict)}` };
}

function tail({ output }: TestVerdict): string {
  const text = output.trim();
  return text === "" ? "" : `; its output ends: ${text.slice(-400)}`;
}

/** What is run; a string says why nothing can be. */
function testedProgram(
  candidate: Candidate,
  extracted: Extracted,
  code: string,
): TestedProgram | string | undefined {
  const { task } = candidate;
  const tests = withCall(task.tests ?? "", task.entryPoint);
  if (extracted.language === "diff") {
    const verdict = judgePatch(code, task.files);
    if (!verdict.strict || verdict.after === null)
      return `not run, for the patch does not apply: ${verdict.reason}`;
    return { language: languageOfFiles(verdict.after), candidate: "", tests, files: verdict.after };
  }
  if (!RUNS.includes(extracted.language)) return undefined;
  return { language: extracted.language as ProgramLanguage, candidate: code, tests, files: task.files };
}

/** HumanEval's tests define `check` and leave the call to whoever runs them. */
function withCall(tests: string, entryPoint: string | undefined): string {
  const isCalled = /^check\(/m.test(tests);
  return entryPoint !== undefined && /^def check\(/m.test(tests) && !isCalled
    ? `${tests}\n\ncheck(${entryPoint})`
    : tests;
}

function languageOfFiles(files: Readonly<Record<string, string>>): ProgramLanguage {
  const ends = (pattern: RegExp) => Object.keys(files).some((path) => pattern.test(path));
  return ends(/\.py$/) ? "python" : ends(/\.ts$/) ? "typescript" : ends(/\.[cm]?js$/) ? "javascript" : "sh";
}

async function calibrated(
  candidate: Candidate,
  extracted: Extracted,
  runner: ProgramRunner,
): Promise<Calibration> {
  const { task, messages } = candidate;
  // HumanEval's reference is a completion of the prompt, as the response is.
  const prompt = messages.findLast(({ role }) => role === "user")?.content ?? "";
  const goesOn =
    task.entryPoint !== undefined &&
    extracted.language === "python" &&
    /^[ \t]/.test(task.reference!) &&
    prompt.includes(`def ${task.entryPoint}`);
  const program = testedProgram(candidate, extracted, goesOn ? prompt + task.reference : task.reference!);
  if (program === undefined || typeof program === "string")
    return { usable: false, verdict: nothing(program ?? "it does not run") };
  const known = calibrations.get(runner) ?? new Map<string, Promise<Calibration>>();
  calibrations.set(runner, known);
  const key = JSON.stringify(program);
  let calibration = known.get(key);
  if (calibration === undefined) {
    calibration = calibrate(runner, program);
    known.set(key, calibration);
    calibration.catch(() => known.delete(key));
  }
  return await calibration;
}

function nothing(why: string): TestVerdict {
  return {
    passed: false,
    result: `failed: ${why}`,
    reason: "error",
    mode: "apart",
    output: "",
    durationMs: 0,
  };
}

/** A program that reads and prints: the judge compares outside of it. */
async function judgeCases(
  candidate: Candidate,
  program: TestedProgram,
  runner: ProgramRunner,
  settings: JudgeSettings,
): Promise<Finding> {
  const { cases } = candidate.task;
  for (const [i, { stdin, stdout }] of cases.entries()) {
    const { language, candidate: source, files } = program;
    const result = await runner.run(
      { language, source, stdin, ...(files && { files }) },
      { limits: { timeoutMs: settings.testTimeoutMs, outputBytes: 4 * 2 ** 20 } },
    );
    const where = `case ${i + 1} of ${cases.length}`;
    if (result.timedOut) return { value: false, evidence: `${where}: timed out` };
    if (trimmed(result.stdout) !== trimmed(stdout))
      return {
        value: false,
        evidence: `${where}: expected ${brief(stdout)}, printed ${brief(result.stdout || result.stderr)}`,
      };
    if (result.status !== 0)
      return { value: false, evidence: `${where}: ended with status ${result.status}` };
  }
  return { value: true, evidence: `${cases.length} cases` };
}

/** Blanks at the ends of lines and the end of the text are nobody's answer. */
function trimmed(text: string): string {
  return text.replace(/[ \t\r]+$/gm, "").trimEnd();
}

function brief(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}...` : text);
}
