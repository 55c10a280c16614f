// Programs in a running world, as the operator, by `docker exec`.

import type { Duplex } from "node:stream";
import type { Container, Exec as EngineExec } from "dockerode";
import { InfrastructureError } from "../../base/errors.ts";
import { OPERATOR_UID } from "../contract.ts";
import type { Exec, ExecRequest, ExecStreams, RunningExec } from "../session/exec.ts";
import { ask, type Engine } from "./engine.ts";
import { type ContainerState, engineFailure, worldFailure } from "./engine-failure.ts";
import { FrameReader } from "./frames.ts";

/** Kills all that runs under this uid until nothing is left, with builtins only: a full process table forks nothing. Root's
 *  keepalive survives it, so the loop looks at /proc to know when it is done. */
const REAP = `i=0
while [ $i -lt 20000 ]; do
  kill -9 -1
  left=
  for p in /proc/[0-9]*; do [ -O "$p" ] && [ "$p" != "/proc/$$" ] && left=1; done
  [ "$left" ] || exit 0
  i=$((i + 1))
done
exit 9`;
/** Status of what SIGKILL ended. */
const KILLED = 137;
/** Reapers in all. */
const REAPERS = 4;

const ENGINE_SETS = ["PATH", "HOSTNAME"];

/** The runtime sets HOME after the engine's last word about the environment, so it is taken away in the world: `env` becomes the
 *  program itself and leaves no trace. */
export function withoutHome(request: Pick<ExecRequest, "argv" | "env">): string[] {
  return "HOME" in request.env ? [...request.argv] : ["/bin/env", "-u", "HOME", ...request.argv];
}

/** Starts programs in `container`. */
export class DockerExec implements Exec {
  constructor(
    readonly engine: Engine,
    readonly container: Container,
  ) {}

  async start(request: ExecRequest, streams: ExecStreams): Promise<RunningExec> {
    const env = [
      // A name alone takes the variable away that the engine would set.
      ...ENGINE_SETS.filter((name) => !(name in request.env)),
      ...Object.entries(request.env).map(([name, value]) => `${name}=${value}`),
    ];
    try {
      const exec = await ask("docker exec", () =>
        this.container.exec({
          AttachStdin: true,
          AttachStdout: true,
          AttachStderr: true,
          User: `${OPERATOR_UID}:${OPERATOR_UID}`,
          WorkingDir: "/",
          Cmd: withoutHome(request),
          Env: env,
        }),
      );
      const stream = await ask("docker exec", () => exec.start({ hijack: true, stdin: true }));
      return this.#follow(exec, stream, request.stdin, streams);
    } catch (error) {
      throw await this.explain("docker exec", error);
    }
  }

  #follow(exec: EngineExec, stream: Duplex, stdin: Uint8Array, streams: ExecStreams): RunningExec {
    let abandoned = false;
    const ended = new Promise<void>((resolve) => {
      const reader = new FrameReader(streams.stdout, streams.stderr);
      stream.on("data", (chunk: Buffer) => {
        if (!abandoned) reader.write(chunk);
      });
      stream.on("end", resolve);
      stream.on("close", resolve);
      // A broken connection is told by the question that follows.
      stream.on("error", () => resolve());
    });
    stream.end(stdin);
    const exited = ended.then(async () => {
      // A program may close its streams and run on.
      for (let pauseMs = 5; !abandoned; pauseMs = Math.min(200, pauseMs * 2)) {
        const state = await ask("docker exec", () => exec.inspect()).catch(async (error) => {
          throw await this.explain("docker exec", error);
        });
        if (!state.Running) return await this.#status(state.ExitCode, state.Pid);
        await Bun.sleep(pauseMs);
      }
      return 0;
    });
    return {
      exited,
      abandon() {
        abandoned = true;
        stream.destroy();
      },
    };
  }

  /** The engine tells a program that never started by a status, and by a process number of none. */
  async #status(code: number | null, pid: number): Promise<number> {
    if (pid > 0 || code === 0) return code ?? 0;
    throw worldFailure("docker exec", await this.#state(), `status ${code} and no process`);
  }

  async reap(): Promise<void> {
    const ignore = () => {};
    for (let attempt = 1; ; attempt++) {
      const running = await this.start(
        { argv: ["/bin/sh", "-c", REAP], env: {}, stdin: new Uint8Array() },
        { stdout: ignore, stderr: ignore },
      );
      const status = await running.exited;
      if (status === 0) return;
      // Where memory is full the kernel may end the reaper in place of the hog; the next one finds the hog ended too, or ends it.
      if (status !== KILLED || attempt === REAPERS || !(await this.#isRunning()))
        throw worldFailure(
          "docker exec",
          await this.#state(),
          `processes that do not end (status ${status})`,
        );
      await Bun.sleep(attempt * 100);
    }
  }

  /** What a failure of a question about this world means: the world's own end is told from the engine's. */
  async explain(who: string, error: unknown): Promise<InfrastructureError> {
    const failure = engineFailure(who, error);
    if (failure.kind !== "sandbox_dead" && !/OCI runtime|cannot allocate memory/i.test(failure.message))
      return failure;
    try {
      return worldFailure(who, await this.#state(), failure.message);
    } catch (second) {
      return second instanceof InfrastructureError ? second : failure;
    }
  }

  async #state(): Promise<ContainerState> {
    const running = await this.#isRunning();
    const killedForMemory = running ? false : await this.#sawMemoryKill();
    return { running, killedForMemory, memoryShare: running ? await this.#memoryShare() : undefined };
  }

  async #isRunning(): Promise<boolean> {
    try {
      const { State } = await ask("docker inspect", () => this.container.inspect());
      return State.Running && !State.Dead;
    } catch (error) {
      if (error instanceof InfrastructureError && error.kind === "sandbox_dead") return false;
      throw error;
    }
  }

  /** The engine forgets a container that it removes, but keeps its last events. */
  async #sawMemoryKill(): Promise<boolean> {
    const filters = { container: [this.container.id], event: ["oom"] };
    const until = Math.ceil(Date.now() / 1000) + 1;
    const stream = await ask("docker events", () =>
      this.engine.docker.getEvents({ since: 1, until, filters }),
    );
    let text = "";
    for await (const chunk of stream) text += chunk;
    return text.includes('"oom"');
  }

  async #memoryShare(): Promise<number | undefined> {
    const stats = await ask("docker stats", () => this.container.stats({ stream: false, "one-shot": true }));
    const { usage, limit } = stats.memory_stats ?? {};
    return usage && limit ? usage / limit : undefined;
  }
}
