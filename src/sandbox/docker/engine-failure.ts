// What an engine's error means: the engine is gone, this world is gone, or the request itself was wrong. Pure, and tested on
// messages of real engines.

import { InfrastructureError, SekftError } from "../../base/errors.ts";

/** An error of dockerode: an answer of the engine has `statusCode`, a connection that failed has `code`. */
interface EngineError {
  readonly message?: string;
  readonly code?: string;
  readonly statusCode?: number;
  readonly json?: { readonly message?: string } | null;
}

/** Words that only this side of a broken connection says. */
const connection =
  /ECONNREFUSED|ECONNRESET|EPIPE|ENOENT|EACCES|ENOTFOUND|EHOSTUNREACH|ETIMEDOUT|ConnectionRefused|ConnectionClosed|FailedToOpenSocket|socket hang up|unable to connect|connection (was )?(closed|refused|reset)/i;
/** Words of an engine that a world ended; `OCI runtime` is what it says when a program cannot be started in one. */
const worldGone =
  /no such (container|exec instance)|container .* is (not running|paused|restarting|dead|marked for removal)|cannot exec in a stopped|removal of container|process not found|task .* not found|ttrpc: closed|container not running/i;

/** The failure that `error` is. `who` is what was tried, e.g. `docker: start a command`. */
export function engineFailure(who: string, error: unknown): InfrastructureError {
  if (error instanceof InfrastructureError) return error;
  if (error instanceof SekftError) throw error;
  const given = (typeof error === "object" && error !== null ? error : {}) as EngineError;
  const said = (given.json?.message ?? given.message ?? String(error)).trim();
  const detail = { cause: error };
  if (given.statusCode === undefined)
    return connection.test(`${given.code ?? ""} ${said}`)
      ? new InfrastructureError("provider_dead", `${who}: expected a Docker engine, got ${said}`, detail)
      : new InfrastructureError("provider_dead", `${who}: expected an answer, got ${said}`, detail);
  if (/no space left on device|disk quota exceeded/i.test(said))
    return new InfrastructureError(
      "provider_dead",
      `${who}: expected space on the engine's disk, got ${said}`,
      {
        ...detail,
        retryable: false,
        hint: "free space where the engine keeps its data: sekft sandbox clean, docker system prune",
      },
    );
  if (worldGone.test(said))
    return new InfrastructureError("sandbox_dead", `${who}: expected a running world, got ${said}`, detail);
  // 4xx: asked wrongly, which asking again does not change.
  return new InfrastructureError(
    "provider_dead",
    `${who}: expected success, got ${given.statusCode} ${said}`,
    {
      ...detail,
      retryable: given.statusCode >= 500,
    },
  );
}

/** Whether the engine said that it does not have an image (or cannot get it). */
export function isImageMissing(error: unknown): boolean {
  const { statusCode, json, message } = error as EngineError;
  return statusCode === 404 && /no such image|not found/i.test(json?.message ?? message ?? "");
}

/** What is known of a container that a failure was seen in. */
export interface ContainerState {
  /** False also for a container that the engine no longer knows. */
  readonly running: boolean;
  /** The kernel killed something in it for memory: the engine's `oom` event or `State.OOMKilled`. */
  readonly killedForMemory: boolean;
  /** Use as a share of its limit, when it could be asked. */
  readonly memoryShare: number | undefined;
}

/** The failure of a world in which a program could not be started or which ended. */
export function worldFailure(who: string, state: ContainerState, said: string): InfrastructureError {
  if (!state.running)
    return state.killedForMemory
      ? new InfrastructureError(
          "oom",
          `${who}: expected a running world, got one that was ended for its memory (${said})`,
        )
      : new InfrastructureError(
          "sandbox_dead",
          `${who}: expected a running world, got one that ended (${said})`,
        );
  if ((state.memoryShare ?? 0) >= FULL)
    return new InfrastructureError(
      "oom",
      `${who}: expected a program to start, got a world whose memory is full (${said})`,
    );
  return new InfrastructureError("sandbox_dead", `${who}: expected a program to start, got ${said}`);
}

/** Starting a program takes a few MiB: with less than this left, memory is why it could not. */
const FULL = 0.95;
