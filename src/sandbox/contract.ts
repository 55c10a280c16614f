// What a sandbox is: a world stood up from files, commands run in it one at a time, and a verdict from outside its reach.
// Docker and bubblewrap keep the same contract; `sekft sandbox check` runs one suite over both.

import type { TerminalWords } from "../base/terminal-words.ts";

/** A file of a world. */
export interface WorldFile {
  readonly path: string;
  readonly content: string;
  /** Octal, e.g. `0644`, which is also the default. */
  readonly mode?: string;
}

/** What a world is made of; a scenario bundle is one. Paths lie below `WORLD_ROOTS`. */
export interface World {
  readonly id: string;
  readonly user: string;
  readonly host: string;
  readonly dirs: readonly { readonly path: string; readonly mode?: string }[];
  readonly fixtures: readonly WorldFile[];
  /** Added to the session's environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly provider: { readonly path: string; readonly script: string };
  readonly announcement: { readonly kind: string; readonly login: string };
}

/** The directories that a world may write, each of limited size and owned by the operator. */
export const WORLD_ROOTS = ["/home", "/srv", "/opt", "/etc", "/tmp", "/var", "/usr/local"] as const;

/** The operator's and its group's number inside every world. */
export const OPERATOR_UID = 1000;

/** Modification time of every fixture, seconds since 1970: `ls -l` must not tell when a world was made. */
export const FIXTURE_MTIME = 1_763_000_000;

/** What one world may use. */
export interface SandboxLimits {
  /** Milliseconds until a command is killed inside the world. */
  readonly commandTimeoutMs: number;
  /** Bytes of output kept of each command, half from its head, half from its tail. */
  readonly outputBytes: number;
  readonly memoryBytes: number;
  /** Bytes of each of `WORLD_ROOTS`. */
  readonly diskBytes: number;
  readonly processes: number;
  /** Cores. */
  readonly cpus: number;
}

export const defaultLimits: SandboxLimits = {
  commandTimeoutMs: 20_000,
  outputBytes: 16_384,
  memoryBytes: 256 * 2 ** 20,
  diskBytes: 16 * 2 ** 20,
  processes: 128,
  cpus: 1,
};

/** What a command did. */
export interface CommandResult {
  /** stdout and stderr as they came, UTF-8 with U+FFFD for what is not, NULs dropped; cut in the middle with a visible marker. */
  readonly output: string;
  /** Bytes before cutting. */
  readonly outputBytes: number;
  /** SHA-256 of all bytes, hex. */
  readonly outputSha256: string;
  readonly truncated: boolean;
  /** The shell's status; 124 when `timedOut`, 128 + n after signal n. */
  readonly status: number;
  readonly timedOut: boolean;
  /** The shell went away without telling its state (`exec`, `kill -9 $$`, ...): the state before it still holds. */
  readonly stateLost: boolean;
  /** What ended the session, as the shell itself executed it, whatever it is called here; and its status. */
  readonly terminal: { readonly word: "exit" | "panic"; readonly status: number } | null;
  readonly durationMs: number;
}

/** What the checker said. */
export interface Verdict {
  readonly passed: boolean;
  /** The checker's own status; 124 when it ran out of time. */
  readonly status: number;
  readonly output: string;
  readonly timedOut: boolean;
}

/** One world. */
export interface Sandbox extends AsyncDisposable {
  readonly provider: ProviderName;
  /** Directory of the session, as the prompt shows it, e.g. `~/x` or `/srv`. */
  readonly shownDirectory: string;
  /** Exported variables of the session. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs one command as the operator; never more than one at a time.
   *  @throws InfrastructureError when the world is gone, never for what a command does. */
  run(
    command: string,
    options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ): Promise<CommandResult>;
  /** Stops every process of the world, then runs `checker` (sh) as root, with / as directory and a clean environment, over the
   *  world's files where no process of the operator can reach it; the files cannot be changed by it. No command runs afterwards.
   *  @throws InfrastructureError when it could not be run. */
  check(
    checker: string,
    options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ): Promise<Verdict>;
  /** Removes the world. Safe to call twice; never throws for a world that is already gone. */
  close(): Promise<void>;
}

export type ProviderName = "docker" | "bubblewrap";

/** Facts for a run's manifest. */
export interface ProviderFacts {
  readonly provider: ProviderName;
  /** Engine or program version. */
  readonly version: string;
  /** Docker: image id (`sha256:...`); bubblewrap: hash of the userland that worlds see. */
  readonly image: string;
  /** Named properties of isolation that hold or do not hold here, e.g. `network: none`. */
  readonly properties: Readonly<Record<string, string>>;
}

/** How a world is stood up. */
export interface OpenOptions {
  readonly signal?: AbortSignal;
  /** The words that end its session; `exit` and `panic` when not given. */
  readonly terminals?: TerminalWords;
}

/** Stands up worlds. */
export interface SandboxProvider extends AsyncDisposable {
  readonly name: ProviderName;
  readonly limits: SandboxLimits;
  facts(): Promise<ProviderFacts>;
  /** @throws InfrastructureError when the engine fails; DataError when the world itself is impossible. */
  open(world: World, options?: OpenOptions): Promise<Sandbox>;
  /** Removes what dead runs left behind, found by label; nothing of a run that lives, nothing of other people.
   *  `all` also removes what belongs to runs that live. Returns what was removed. */
  clean(options?: { readonly all?: boolean; readonly dryRun?: boolean }): Promise<readonly string[]>;
}
