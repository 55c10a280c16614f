// How tests are put to a candidate in each language, and how the answer is read.

import { randomBytes } from "node:crypto";
import type { ProgramLanguage, ProgramResult, TestedProgram, TestOptions, TestVerdict } from "./contract.ts";
import { javascriptJudge, pythonJudge, pythonServer } from "./judges/index.ts";
import { namesClass, namesOfBuiltins, reachesOut } from "./python-text.ts";
import type { Job } from "./run-sandboxed.ts";
import { toScript } from "./to-script.ts";

/** A job that judges, and the nonce that only its end gives out. */
export interface JudgedJob {
  readonly job: Job;
  readonly nonce: string;
}

/** Makes the job for `program`.
 *  @throws SyntaxError for TypeScript or JavaScript that cannot be read */
export function judgedJob(program: TestedProgram, options: TestOptions, dash: Uint8Array): JudgedJob {
  const nonce = randomBytes(16).toString("hex");
  return { nonce, job: makers[program.language](program, nonce, options, dash) };
}

type Maker = (program: TestedProgram, nonce: string, options: TestOptions, dash: Uint8Array) => Job;

const python: Maker = (program, nonce, options) => ({
  argv: ["python3", "-I", "-X", "utf8", "-c", pythonJudge],
  files: program.files ?? {},
  stdin: JSON.stringify({
    nonce,
    candidate: program.candidate,
    tests: program.tests,
    server: pythonServer,
    files: Object.keys(program.files ?? {}),
    together: options.mode === "together",
    objects: namesClass([program.candidate, ...Object.values(program.files ?? {})].join("\n"), program.tests),
    shadows: [...(options.shadows ?? []), ...namesOfBuiltins(program.tests, program.candidate)],
  }),
  limitAddressSpace: true,
});

const javascript: Maker = (program, nonce) => ({
  argv: ["/opt/bun", "-e", javascriptJudge],
  files: program.files ?? {},
  stdin: JSON.stringify({
    nonce,
    candidate: toScript(program.candidate),
    tests: toScript(program.tests),
  }),
  limitAddressSpace: false,
});

/** The shell that holds the nonce may be run but not read, so that the kernel keeps its memory from the candidate; its text is
 *  evaluated, so no variable holds it either. */
const sh: Maker = (program, nonce, _, dash) => ({
  argv: ["/judge/sh", "-c", 'order=$(cat); eval "$order"'],
  files: { ...program.files, "candidate.sh": program.candidate },
  judge: { sh: dash },
  stdin: `unset order; exec </dev/null; set -e\n${program.tests}\nset +e; printf '\\n%s ["passed",""]\\n' ${nonce}\n`,
  limitAddressSpace: true,
});

const makers: Readonly<Record<ProgramLanguage, Maker>> = { python, javascript, typescript: javascript, sh };

/** What a run of a judged job means. */
export function readVerdict(
  program: TestedProgram,
  result: ProgramResult,
  nonce: string,
  mode: TestVerdict["mode"],
): TestVerdict {
  const said = new RegExp(`^${nonce} (.*)$`, "m").exec(result.stdout);
  const output = withoutVerdict(result, nonce);
  const verdict = (reason: TestVerdict["reason"], text: string): TestVerdict => ({
    passed: reason === "passed",
    result: reason === "passed" ? "passed" : reason === "timed_out" ? "timed out" : `failed: ${text}`,
    reason,
    mode,
    output,
    durationMs: result.durationMs,
  });
  if (result.timedOut) return verdict("timed_out", "");
  if (said === null) {
    if (result.outOfMemory) return verdict("out_of_memory", "out of memory");
    if (program.language === "sh" && result.status !== 0)
      return verdict("failed", `a command of the tests ended with status ${result.status}`);
    return verdict("no_verdict", `it ended with status ${result.status} before the last assertion`);
  }
  const [reason, text] = JSON.parse(said[1]!) as [string, string];
  const shadowed = program.language === "sh" ? shadowedCommand(program.candidate) : undefined;
  if (reason === "passed" && shadowed !== undefined)
    return verdict("failed", `the candidate defines ${shadowed}, which tests stand on`);
  const forbidden =
    mode === "together" && program.language === "python" ? reachesOut(program.candidate) : undefined;
  if (reason === "passed" && forbidden !== undefined)
    return verdict("failed", `the candidate uses ${forbidden} in the process of its own tests`);
  const engine =
    program.language === "sh" ? null : /\bbun:(?:ffi|jsc)\b|\binspector\b/.exec(program.candidate);
  if (reason === "passed" && engine !== null && program.language !== "python")
    return verdict("failed", `the candidate uses ${engine[0]} in the realm of its own tests`);
  if (reason === "no_verdict" && result.outOfMemory) return verdict("out_of_memory", "out of memory");
  if (reason === "unportable") return verdict("unportable", text);
  return verdict(reason as TestVerdict["reason"], text.trim() || reason);
}

function withoutVerdict(result: ProgramResult, nonce: string): string {
  const own = result.stdout.replace(new RegExp(`\\n?^${nonce} .*\\n?`, "m"), "");
  return [own, result.stderr].filter((text) => text !== "").join("\n");
}

/** A function of a shell candidate that takes the place of what tests are written with. */
function shadowedCommand(source: string): string | undefined {
  const names =
    "test|printf|echo|command|grep|cmp|diff|cat|true|false|expr|awk|sed|wc|sort|uniq|head|tail|cut|tr|find|ls|stat|eval|exit|set|unset";
  const found = new RegExp(`(?:^|[\\s;&|({])(${names})\\s*\\(\\s*\\)|\\balias\\s+(${names})=`).exec(source);
  return found?.[1] ?? found?.[2];
}
