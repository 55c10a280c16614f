// The connection to a Docker engine: where it is, whether it answers, and a limit of time on every question.

import { existsSync } from "node:fs";
import Docker from "dockerode";
import { InfrastructureError, UserError } from "../../base/errors.ts";
import { engineFailure } from "./engine-failure.ts";

/** A Docker engine that answered. */
export interface Engine {
  readonly docker: Docker;
  /** As a user would write it in DOCKER_HOST. */
  readonly where: string;
  readonly version: string;
  readonly info: EngineInfo;
}

/** What `GET /info` says, as far as it is used here. */
export interface EngineInfo {
  readonly ID: string;
  readonly CgroupVersion?: string;
  readonly Driver?: string;
  readonly DefaultRuntime?: string;
  readonly SecurityOptions?: readonly string[];
  readonly MemoryLimit?: boolean;
  readonly SwapLimit?: boolean;
  readonly PidsLimit?: boolean;
  readonly CpuCfsQuota?: boolean;
  readonly Architecture?: string;
}

/** Milliseconds until an engine that accepts a connection and says nothing counts as silent. */
const SILENT_MS = 60_000;
const FIRST_ANSWER_MS = 5_000;

/** Where the engine is looked for: DOCKER_HOST (unix://, tcp://, ssh://), the system's socket, a rootless engine's socket. */
export function engineAddress(env: NodeJS.ProcessEnv = process.env): string {
  if (env.DOCKER_HOST) return env.DOCKER_HOST;
  const system = "/var/run/docker.sock";
  const rootless = `${env.XDG_RUNTIME_DIR}/docker.sock`;
  return `unix://${!existsSync(system) && env.XDG_RUNTIME_DIR && existsSync(rootless) ? rootless : system}`;
}

/** Connects and asks the engine who it is.
 *  @throws UserError when no engine answers, or DOCKER_HOST cannot be understood */
export async function connectEngine(address = engineAddress()): Promise<Engine> {
  try {
    const docker = client(address);
    const { Version: version } = await ask("docker", () => docker.version(), FIRST_ANSWER_MS);
    const info = (await ask("docker", () => docker.info(), FIRST_ANSWER_MS)) as EngineInfo;
    return { docker, where: address, version, info };
  } catch (error) {
    if (error instanceof UserError) throw error;
    const said =
      error instanceof InfrastructureError && error.cause instanceof Error
        ? error.cause.message
        : String(error);
    throw new UserError(`docker: expected an engine at ${address}, got none: ${said}`, {
      hint:
        "install and start Docker (Debian: apt-get install docker.io), be in its group, or set DOCKER_HOST; " +
        "without an engine use --sandbox bubblewrap",
      cause: error,
    });
  }
}

function client(address: string): Docker {
  const path = /^unix:\/\/(.+)$/.exec(address)?.[1];
  if (path !== undefined) return new Docker({ socketPath: path });
  if (!/^(tcp|http|https|ssh):\/\/./.test(address))
    throw new UserError(`DOCKER_HOST: expected unix://, tcp:// or ssh://, got ${JSON.stringify(address)}`);
  // Its library still takes addresses apart with url.parse, which warns.
  process.noDeprecation = true;
  // dockerode reads these from the environment itself, with DOCKER_CERT_PATH and DOCKER_TLS_VERIFY.
  process.env.DOCKER_HOST = address;
  return new Docker();
}

/** Asks the engine; what fails becomes an InfrastructureError of its kind. */
export async function ask<T>(who: string, question: () => Promise<T>, limitMs = SILENT_MS): Promise<T> {
  let timer: Timer | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new InfrastructureError("timeout", `${who}: expected an answer in ${limitMs / 1000} s, got none`),
        ),
      limitMs,
    );
  });
  try {
    return await Promise.race([question(), silence]);
  } catch (error) {
    throw engineFailure(who, error);
  } finally {
    clearTimeout(timer);
  }
}
