// What it means to run a program that nobody trusts: a fresh sandbox each time, limits, and a verdict that it cannot forge.

/** Languages that a program may be in. TypeScript runs with its types taken away. */
export type ProgramLanguage = "python" | "javascript" | "typescript" | "sh";

/** What one run may use. */
export interface ProgramLimits {
  /** Milliseconds of wall time until every process of the program is killed. */
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  /** Bytes kept of each stream, half from its head and half from its tail. */
  readonly outputBytes: number;
  readonly processes: number;
  /** Bytes of the directory that it may write. */
  readonly diskBytes: number;
}

export const defaultProgramLimits: ProgramLimits = {
  timeoutMs: 10_000,
  memoryBytes: 512 * 2 ** 20,
  outputBytes: 16_384,
  processes: 64,
  diskBytes: 32 * 2 ** 20,
};

/** A program as it is run: alone, in a directory of its own, without network. */
export interface Program {
  readonly language: ProgramLanguage;
  readonly source: string;
  /** Further files of its directory: relative path -> content. */
  readonly files?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** What a program did. */
export interface ProgramResult {
  /** Its status; 128 + n after signal n, 124 when `timedOut`. */
  readonly status: number;
  readonly timedOut: boolean;
  /** A process was killed for want of memory. */
  readonly outOfMemory: boolean;
  /** UTF-8 with U+FFFD for what is not; cut in the middle with a visible marker. */
  readonly stdout: string;
  readonly stderr: string;
  readonly truncated: boolean;
  readonly durationMs: number;
}

/** A program and the tests that judge it. The tests see every name that the program defines. */
export interface TestedProgram {
  readonly language: ProgramLanguage;
  /** What is judged. For HumanEval: prompt + completion. */
  readonly candidate: string;
  /** What judges: assertions that raise (Python, JavaScript, TypeScript) or commands of which none may fail (sh, run with
   *  `set -e` beside `candidate.sh`). For HumanEval: test + `check(entry_point)`. */
  readonly tests: string;
  readonly files?: Readonly<Record<string, string>>;
}

/** What came of the tests. `result` has the words of HumanEval's scorer: `passed`, `timed out`, `failed: ...`. */
export interface TestVerdict {
  readonly passed: boolean;
  readonly result: string;
  /** `failed`: an assertion did; `error`: anything else was raised; `no_verdict`: it ended before the last assertion;
   *  `unportable`: it answered with something that cannot be judged from another process. */
  readonly reason:
    | "passed"
    | "failed"
    | "error"
    | "timed_out"
    | "out_of_memory"
    | "no_verdict"
    | "unportable";
  /** `apart`: the tests ran in a process that the candidate cannot reach; `together`: in the candidate's own. */
  readonly mode: "apart" | "together";
  readonly output: string;
  readonly durationMs: number;
}

/** How tests are run. */
export interface TestOptions {
  readonly limits?: Partial<ProgramLimits>;
  /** Needs `together` only where the reference itself cannot be tested `apart`; without it `apart` is tried and nothing else. */
  readonly mode?: "apart" | "together";
  /** Python builtins that the solution is called by, e.g. `sum`; `calibrate` takes them from the reference. */
  readonly shadows?: readonly string[];
  readonly signal?: AbortSignal;
}

/** Runs programs, each in a sandbox of its own. As many at once as its caller asks for. */
export interface ProgramRunner extends AsyncDisposable {
  /** Facts for a manifest: provider, versions of the interpreters, what is limited and what cannot be limited here. */
  readonly facts: Readonly<Record<string, string>>;
  /** Whether programs of this language can run here. */
  can(language: ProgramLanguage): boolean;
  /** @throws InfrastructureError when there was no sandbox, never for what the program does; UserError when `can` says no */
  run(
    program: Program,
    options?: { readonly limits?: Partial<ProgramLimits>; readonly signal?: AbortSignal },
  ): Promise<ProgramResult>;
  /** Runs `tests` over `candidate`. It passes only when a nonce came back that is given out after the last assertion.
   *  @throws as `run` does */
  test(program: TestedProgram, options?: TestOptions): Promise<TestVerdict>;
}

/** What a reference solution told: how its candidates are to be tested, or why they cannot be. */
export type Calibration =
  | { readonly usable: true; readonly options: TestOptions; readonly referenceMs: number }
  | { readonly usable: false; readonly verdict: TestVerdict };
