// The provider for machines without an engine: worlds made by bubblewrap, for any user, without rights.

import { randomInt } from "node:crypto";
import type { TerminalWords } from "../../base/terminal-words.ts";
import type {
  CommandResult,
  OpenOptions,
  ProviderFacts,
  Sandbox,
  SandboxLimits,
  SandboxProvider,
  Verdict,
  World,
} from "../contract.ts";
import { defaultLimits } from "../contract.ts";
import { ShellSession } from "../session/shell-session.ts";
import { checkFits, layOut } from "../session/world-layout.ts";
import { packTar } from "../session/world-tar.ts";
import { Bubble } from "./bubble.ts";
import type { BubblePlan } from "./command-lines.ts";
import { type ControlGroup, makeGroup, removeGroup } from "./control-group.ts";
import { findPrograms, type Programs } from "./programs.ts";
import { cleanRecords } from "./run-records.ts";
import { packUserland, type Userland } from "./userland.ts";

/** Opens the provider: finds the machine's programs and packs the userland.
 *  @throws UserError saying what to install when something is missing */
export function openBubblewrap(options: { readonly limits?: Partial<SandboxLimits> } = {}): SandboxProvider {
  const programs = findPrograms();
  return new BubblewrapProvider(programs, packUserland(programs), { ...defaultLimits, ...options.limits });
}

class BubblewrapProvider implements SandboxProvider {
  readonly name = "bubblewrap";
  readonly #open = new Set<BubblewrapSandbox>();

  constructor(
    readonly programs: Programs,
    readonly userland: Userland,
    readonly limits: SandboxLimits,
  ) {}

  async facts(): Promise<ProviderFacts> {
    const group = makeGroup(this.limits);
    if (group) await removeGroup(group.paths);
    return {
      provider: "bubblewrap",
      version: this.programs.version,
      image: this.userland.hash,
      properties: properties(this.limits, group),
    };
  }

  async open(world: World, options: OpenOptions = {}): Promise<Sandbox> {
    options.signal?.throwIfAborted();
    const layout = layOut(world);
    checkFits(world, layout, this.limits.diskBytes);
    const plan: BubblePlan = {
      programs: this.programs,
      limits: this.limits,
      host: world.host,
      tops: this.userland.tops,
      protectedPaths: layout.protectedPaths,
      hostUid: process.getuid?.() === 0 ? randomHostUid() : undefined,
      group: makeGroup(this.limits),
    };
    const archive = Buffer.concat([withoutEnd(this.userland.archive), packTar(layout.entries)]);
    const bubble = await Bubble.start(plan, archive);
    const sandbox = new BubblewrapSandbox(
      world,
      bubble,
      this.limits,
      () => this.#open.delete(sandbox),
      options.terminals,
    );
    this.#open.add(sandbox);
    return sandbox;
  }

  async clean(options: { all?: boolean; dryRun?: boolean } = {}): Promise<readonly string[]> {
    return cleanRecords(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#open].map((sandbox) => sandbox.close()));
  }
}

/** What holds; a value that starts with `no` is something that bubblewrap cannot do here. */
function properties(limits: SandboxLimits, group: ControlGroup | undefined): Record<string, string> {
  return {
    network: "isolated: own namespace, loopback only",
    capabilities: "all dropped",
    no_new_privileges: "yes",
    seccomp: "no filter: bubblewrap has none for processes that join a world",
    root: "read-only",
    user_namespaces: "refused: the world's parent allows no more",
    host_user: process.getuid?.() === 0 ? "a number of its own for each world" : "the user who runs sekft",
    owners:
      "no owner but the operator: an ordinary user has one number only; protected files are read-only mounts",
    memory: group
      ? `${limits.memoryBytes} bytes, by cgroup v${group.version}`
      : `no limit of the whole, for this user may make no control group; ${limits.memoryBytes} bytes for each process`,
    processes: `${limits.processes}`,
    cpus: "no limit",
    disk: `${limits.diskBytes} bytes for each root`,
  };
}

/** Root on the machine must not be anybody inside: a number that no account, service or container is given. */
function randomHostUid(): number {
  return 2_000_000_000 + randomInt(100_000_000);
}

/** An archive without its two closing blocks, so that another can follow. */
function withoutEnd(archive: Uint8Array): Uint8Array {
  return archive.subarray(0, archive.byteLength - 1024);
}

class BubblewrapSandbox implements Sandbox {
  readonly provider = "bubblewrap";
  readonly #session: ShellSession;

  constructor(
    readonly world: World,
    readonly bubble: Bubble,
    readonly limits: SandboxLimits,
    readonly onClose: () => void,
    terminals: TerminalWords | undefined,
  ) {
    const memoryKiB = Math.floor(limits.memoryBytes / 1024);
    const prologue = `ulimit -c 0; ulimit -n 1024; ulimit -p ${limits.processes}; ulimit -v ${memoryKiB}`;
    this.#session = new ShellSession(world, bubble, { limits, prologue, terminals });
  }

  get shownDirectory(): string {
    return this.#session.shownDirectory;
  }

  get environment(): Readonly<Record<string, string>> {
    return this.#session.environment;
  }

  run(command: string, options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<CommandResult> {
    return this.#session.run(command, options);
  }

  check(checker: string, options: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<Verdict> {
    const timeoutMs = options.timeoutMs ?? this.limits.commandTimeoutMs;
    return this.bubble.check(this.world, checker, timeoutMs, options.signal);
  }

  async close(): Promise<void> {
    this.onClose();
    await this.bubble.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
