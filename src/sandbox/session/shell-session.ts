// A session of commands over `Exec`: each command its own shell, state carried from one to the next, every way of ending told apart.

import { randomBytes } from "node:crypto";
import { InfrastructureError } from "../../base/errors.ts";
import { plainTerminals, type TerminalWords } from "../../base/terminal-words.ts";
import type { CommandResult, SandboxLimits, World } from "../contract.ts";
import { CappedOutput } from "./capped-output.ts";
import type { Exec, RunningExec } from "./exec.ts";
import { OutputFilter } from "./output-filter.ts";
import { shellStart } from "./prelude.ts";
import { fromBytes, type ShellState, toBytes } from "./shell-state.ts";
import { readDump } from "./state-dump.ts";

/** Bytes of output after which a command is killed. */
const FLOOD_BYTES = 64 * 2 ** 20;
/** Bytes of state that a shell may tell. */
const LONGEST_DUMP = 8 * 2 ** 20;
/** Milliseconds that a shell has to go once it has told its state, and that killing may take. */
const GRACE_MS = 2_000;
const REAP_MS = 15_000;

/** What a session needs to know beside its world. */
export interface SessionSettings {
  readonly limits: SandboxLimits;
  /** Builtins that each shell runs first, e.g. `ulimit -p 128`. */
  readonly prologue?: string;
  /** The words that end it. */
  readonly terminals?: TerminalWords | undefined;
}

type Ending = "exited" | "timeout" | "flood" | "aborted" | "lingering";

/** The operator's shell in one world. */
export class ShellSession {
  #state: ShellState;
  #busy = false;

  constructor(
    readonly world: World,
    readonly exec: Exec,
    readonly settings: SessionSettings,
  ) {
    this.#state = firstState(world);
  }

  /** The directory as a prompt shows it: `~` for home and below. */
  get shownDirectory(): string {
    const home = `/home/${this.world.user}`;
    const directory = fromBytes(this.#state.directory);
    if (directory === home || directory.startsWith(`${home}/`)) return `~${directory.slice(home.length)}`;
    return directory;
  }

  /** Exported variables with a value. */
  get environment(): Readonly<Record<string, string>> {
    const variables: Record<string, string> = { PWD: fromBytes(this.#state.directory) };
    for (const [name, value] of this.#state.environment)
      if (value !== null) variables[name] = fromBytes(value);
    return variables;
  }

  /** Runs one command.
   *  @throws InfrastructureError when the world is gone, and the signal's reason when it aborts. */
  async run(
    command: string,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<CommandResult> {
    if (this.#busy) throw new Error("a session runs one command at a time");
    options.signal?.throwIfAborted();
    this.#busy = true;
    try {
      return await this.#run(
        command,
        options.timeoutMs ?? this.settings.limits.commandTimeoutMs,
        options.signal,
      );
    } finally {
      this.#busy = false;
    }
  }

  async #run(command: string, timeoutMs: number, signal?: AbortSignal): Promise<CommandResult> {
    const started = performance.now();
    const nonce = randomBytes(16).toString("hex");
    const output = new CappedOutput(this.settings.limits.outputBytes);
    const { prologue, terminals = plainTerminals } = this.settings;
    const filter = new OutputFilter(nonce, (bytes) => output.write(bytes), terminals);
    const dump = new DumpBuffer();
    const watch = new Watch(timeoutMs, signal);
    let running: RunningExec | undefined;
    let ending: Ending;
    let status = 0;
    try {
      running = await this.exec.start(shellStart(command, this.#state, nonce, prologue, terminals), {
        stdout(chunk) {
          filter.write(chunk);
          if (output.bytes > FLOOD_BYTES) watch.end("flood");
          if (filter.ended) watch.soon("lingering", GRACE_MS);
        },
        stderr: (chunk) => dump.write(chunk),
      });
      running.exited.then(
        (code) => {
          status = code;
          watch.end("exited");
        },
        (error) => watch.fail(error),
      );
      ending = await watch.ended;
    } finally {
      watch.stop();
    }
    const told = readDump(dump.text(), nonce);
    if (ending !== "exited" || told === null || !filter.ended) await this.#reap();
    if (ending !== "exited") running.abandon();
    signal?.throwIfAborted();
    filter.flush();
    const whole = filter.ended && (ending === "exited" || ending === "lingering") ? told : null;
    if (whole) status = whole.state.status;
    else if (ending === "timeout") status = 124;
    else if (ending === "flood") status = 137;
    this.#state = whole ? whole.state : { ...this.#state, status };
    const kept = output.finish();
    return {
      output: kept.text,
      outputBytes: kept.bytes,
      outputSha256: kept.sha256,
      truncated: kept.truncated,
      status,
      timedOut: ending === "timeout",
      stateLost: whole === null,
      terminal: whole?.terminal ? { word: whole.terminal, status } : null,
      durationMs: performance.now() - started,
    };
  }

  async #reap(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () =>
          reject(
            new InfrastructureError(
              "timeout",
              `sandbox: expected an end to all processes, got none in ${REAP_MS / 1000} s`,
            ),
          ),
        REAP_MS,
      );
    });
    try {
      await Promise.race([this.exec.reap(), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function firstState(world: World): ShellState {
  const home = `/home/${world.user}`;
  const variables = {
    HOME: home,
    USER: world.user,
    LOGNAME: world.user,
    SHELL: "/bin/dash",
    PATH: "/usr/local/bin:/bin",
    TERM: "dumb",
    LC_ALL: "C.UTF-8",
    TZ: "UTC",
    ...world.env,
  };
  return {
    directory: toBytes(home),
    environment: new Map(Object.entries(variables).map(([name, value]) => [name, toBytes(value)])),
    umask: "0022",
    options: [],
    aliases: new Map(),
    status: 0,
  };
}

/** Whichever end of a command comes first. */
class Watch {
  readonly ended: Promise<Ending>;
  #resolve!: (ending: Ending) => void;
  #reject!: (error: unknown) => void;
  readonly #timers: ReturnType<typeof setTimeout>[] = [];
  readonly #aborted = () => this.end("aborted");
  #lingering = false;

  constructor(
    timeoutMs: number,
    readonly signal: AbortSignal | undefined,
  ) {
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.ended.catch(() => {});
    this.#timers.push(setTimeout(() => this.end("timeout"), timeoutMs));
    signal?.addEventListener("abort", this.#aborted);
  }

  end(ending: Ending): void {
    this.#resolve(ending);
  }

  soon(ending: Ending, delayMs: number): void {
    if (this.#lingering) return;
    this.#lingering = true;
    this.#timers.push(setTimeout(() => this.end(ending), delayMs));
  }

  fail(error: unknown): void {
    this.#reject(error);
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.signal?.removeEventListener("abort", this.#aborted);
  }
}

class DumpBuffer {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  write(chunk: Uint8Array): void {
    this.#bytes += chunk.byteLength;
    if (this.#bytes <= LONGEST_DUMP) this.#chunks.push(Buffer.from(chunk));
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString("latin1");
  }
}
