// The runner of programs of this machine: what can run here, and how.

import { readFileSync } from "node:fs";
import { UserError } from "../../base/errors.ts";
import { findPrograms } from "../../sandbox/bubblewrap/programs.ts";
import type { Place } from "./command-line.ts";
import {
  defaultProgramLimits,
  type Program,
  type ProgramLanguage,
  type ProgramLimits,
  type ProgramResult,
  type ProgramRunner,
  type TestedProgram,
  type TestOptions,
  type TestVerdict,
} from "./contract.ts";
import { findBun, findPythons } from "./interpreters.ts";
import { judgedJob, readVerdict } from "./judged.ts";
import { runSandboxed } from "./run-sandboxed.ts";
import { toScript } from "./to-script.ts";

/** Opens the runner and tries each interpreter once.
 *  @throws UserError when bubblewrap is missing or may make no namespaces here */
export async function openProgramRunner(
  options: { readonly limits?: Partial<ProgramLimits> } = {},
): Promise<ProgramRunner> {
  const programs = findPrograms();
  const limits = { ...defaultProgramLimits, ...options.limits };
  const bun = findBun();
  const bare: Place = { programs, pythonPrefix: undefined, python: undefined, bun: undefined };
  const facts: Record<string, string> = {
    provider: "bubblewrap",
    version: programs.version,
    network: "none",
    memory: `${limits.memoryBytes} bytes`,
    processes: `${limits.processes}`,
    disk: `${limits.diskBytes} bytes`,
    time: `${limits.timeoutMs} ms`,
  };
  const attempt = async (place: Place, argv: readonly string[]): Promise<string> => {
    const job = { argv, files: {}, stdin: "", limitAddressSpace: false };
    const { status, stdout, stderr } = await runSandboxed(place, job, limits);
    return status === 0 ? (stdout + stderr).trim().split("\n")[0]! : "";
  };
  try {
    await attempt(bare, ["/bin/sh", "-c", "exit 0"]);
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error), {
      hint: "programs are judged in bubblewrap: user namespaces must be allowed here",
      cause: error,
    });
  }
  const place: { -readonly [K in keyof Place]: Place[K] } = { ...bare };
  for (const { path, prefix } of findPythons()) {
    const said = await attempt({ ...bare, pythonPrefix: prefix }, [path, "-I", "--version"]).catch(() => "");
    if (!said.startsWith("Python 3")) continue;
    Object.assign(place, { python: path, pythonPrefix: prefix });
    facts.python = said.slice("Python ".length);
    break;
  }
  const said = await attempt({ ...bare, bun: bun.path }, ["/opt/bun", "--version"]).catch(() => "");
  if (/^\d/.test(said)) {
    place.bun = bun.path;
    facts.bun = said;
  }
  return new BubblewrapRunner(place, limits, facts, () => bun.remove());
}

class BubblewrapRunner implements ProgramRunner {
  readonly #dash: Uint8Array;

  constructor(
    readonly place: Place,
    readonly limits: ProgramLimits,
    readonly facts: Readonly<Record<string, string>>,
    readonly onClose: () => void,
  ) {
    this.#dash = readFileSync(place.programs.dash);
  }

  can(language: ProgramLanguage): boolean {
    if (language === "sh") return true;
    return language === "python" ? this.place.python !== undefined : this.place.bun !== undefined;
  }

  async run(
    program: Program,
    options: { readonly limits?: Partial<ProgramLimits>; readonly signal?: AbortSignal } = {},
  ): Promise<ProgramResult> {
    this.#need(program.language);
    const isScript = program.language === "javascript" || program.language === "typescript";
    const [name, argv] = {
      python: ["main.py", [this.place.python!, "-I", "-X", "utf8", "main.py"]] as const,
      javascript: ["main.cjs", ["/opt/bun", "main.cjs"]] as const,
      typescript: ["main.cjs", ["/opt/bun", "main.cjs"]] as const,
      sh: ["main.sh", ["/bin/sh", "main.sh"]] as const,
    }[program.language];
    const job = {
      argv,
      files: { ...program.files, [name]: isScript ? toScript(program.source) : program.source },
      stdin: program.stdin ?? "",
      limitAddressSpace: !isScript,
    };
    return await runSandboxed(this.place, job, { ...this.limits, ...options.limits }, options.signal);
  }

  async test(program: TestedProgram, options: TestOptions = {}): Promise<TestVerdict> {
    this.#need(program.language);
    const { job, nonce } = judgedJob(program, options, this.#dash);
    const argv = job.argv[0] === "python3" ? [this.place.python!, ...job.argv.slice(1)] : job.argv;
    const limits = { ...this.limits, ...options.limits };
    const result = await runSandboxed(this.place, { ...job, argv }, limits, options.signal);
    const mode = program.language === "python" ? (options.mode ?? "apart") : "together";
    return readVerdict(program, result, nonce, program.language === "sh" ? "apart" : mode);
  }

  #need(language: ProgramLanguage): void {
    if (this.can(language)) return;
    const [what, hint] =
      language === "python"
        ? ["Python 3 that anybody may run", "apt-get install python3-minimal"]
        : ["the runtime of this program in the sandbox", "see the facts of the sandbox"];
    throw new UserError(`run of a ${language} program: expected ${what}, got none`, { hint });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.onClose();
  }
}
