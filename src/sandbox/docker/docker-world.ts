// One world in a container: made, used, frozen for its checker, removed.

import type { Duplex } from "node:stream";
import type { Container } from "dockerode";
import { DataError, InfrastructureError } from "../../base/errors.ts";
import type { TerminalWords } from "../../base/terminal-words.ts";
import type { CommandResult, OpenOptions, Sandbox, SandboxLimits, Verdict, World } from "../contract.ts";
import { ShellSession } from "../session/shell-session.ts";
import { checkFits, layOut } from "../session/world-layout.ts";
import { packTar } from "../session/world-tar.ts";
import { loadingContainer, worldContainer } from "./container.ts";
import { DockerExec } from "./docker-exec.ts";
import { ask, type Engine } from "./engine.ts";
import { runChecker, tooLarge } from "./run-checker.ts";

/** Stands a world up. Volumes, container and files in 5 questions, two of them at a time.
 *  @throws DataError when the world is impossible, InfrastructureError when the engine fails */
export async function openDockerWorld(
  engine: Engine,
  image: string,
  world: World,
  limits: SandboxLimits,
  { signal, terminals }: OpenOptions = {},
): Promise<DockerWorld> {
  signal?.throwIfAborted();
  const layout = layOut(world);
  checkFits(world, layout, limits.diskBytes);
  const archive = Buffer.from(packTar(layout.entries));
  const container = await ask("docker create", () =>
    engine.docker.createContainer(worldContainer(image, world.host, limits)),
  );
  try {
    const [{ Mounts }, hold] = await Promise.all([
      ask("docker inspect", () => container.inspect()),
      ask("docker attach", () => container.attach({ stream: true, hijack: true, stdin: true })),
    ]);
    // A world that ends takes its connection with it; the next command says so.
    hold.on("error", () => {});
    const names = new Map(Mounts.map(({ Destination, Name }) => [Destination, Name!] as const));
    const [loader] = await Promise.all([
      ask("docker create", () => engine.docker.createContainer(loadingContainer(image, names))),
      ask("docker start", () => container.start()),
    ]);
    try {
      await ask("docker cp", () => loader.putArchive(archive, { path: "/" })).catch((error) => {
        throw isFull(error) ? tooLarge(world, limits, error) : error;
      });
    } finally {
      await loader.remove({ force: true }).catch(() => {});
    }
    signal?.throwIfAborted();
    return new DockerWorld(engine, image, world, limits, container, hold as Duplex, names, terminals);
  } catch (error) {
    await removeContainer(container);
    throw error;
  }
}

function isFull(error: unknown): boolean {
  return !(error instanceof DataError) && /no space left on device/i.test(String((error as Error).message));
}

async function removeContainer(container: Container): Promise<void> {
  // Gone already is what was wanted; an engine that is gone has nothing to remove.
  await ask("docker rm", () => container.remove({ force: true, v: true })).catch(() => {});
}

/** A running world. */
export class DockerWorld implements Sandbox {
  readonly provider = "docker";
  readonly #exec: DockerExec;
  readonly #session: ShellSession;
  /** Called once, when the world is gone. */
  onClosed: () => void = () => {};
  #isFrozen = false;
  #closed: Promise<void> | undefined;

  constructor(
    readonly engine: Engine,
    readonly image: string,
    readonly world: World,
    readonly limits: SandboxLimits,
    readonly container: Container,
    readonly hold: Duplex,
    readonly volumes: ReadonlyMap<string, string>,
    terminals: TerminalWords | undefined,
  ) {
    this.#exec = new DockerExec(engine, container);
    this.#session = new ShellSession(world, this.#exec, { limits, terminals });
  }

  get shownDirectory(): string {
    return this.#session.shownDirectory;
  }

  get environment(): Readonly<Record<string, string>> {
    return this.#session.environment;
  }

  async run(
    command: string,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<CommandResult> {
    this.#expectOpen();
    return await this.#session.run(command, options);
  }

  async check(
    checker: string,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<Verdict> {
    this.#expectOpen();
    options.signal?.throwIfAborted();
    this.#isFrozen = true;
    await this.#freeze();
    const { timeoutMs = this.limits.commandTimeoutMs, signal } = options;
    return await runChecker(
      this.engine,
      this.image,
      this.world,
      this.limits,
      this.volumes,
      checker,
      timeoutMs,
      signal,
    );
  }

  async #freeze(): Promise<void> {
    try {
      await ask("docker pause", () => this.container.pause());
    } catch (error) {
      // Rootless engines on cgroup v1 cannot pause: then all that runs is killed, and nothing is left to change a file.
      if (/cgroup|freez|not supported|rootless/i.test((error as Error).message)) await this.#exec.reap();
      else throw await this.#exec.explain("docker pause", error);
    }
  }

  #expectOpen(): void {
    if (this.#closed)
      throw new InfrastructureError("sandbox_dead", "sandbox: expected an open world, got a closed one");
    if (this.#isFrozen) throw new Error("sandbox: no command runs after the checker");
  }

  close(): Promise<void> {
    this.#closed ??= removeContainer(this.container).then(() => {
      this.hold.destroy();
      this.onClosed();
    });
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
