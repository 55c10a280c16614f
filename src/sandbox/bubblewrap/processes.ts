// Processes of this machine: started, listened to, ended.

import { readFileSync } from "node:fs";
import { InfrastructureError } from "../../base/errors.ts";

/** Starts a process in a session of its own: no terminal within reach, no Ctrl-C of ours.
 *  @throws InfrastructureError when the machine will not */
export function spawn(
  argv: string[],
  stdin: Uint8Array,
  more: "pipe"[],
  env: Readonly<Record<string, string>> = {},
): Bun.Subprocess {
  try {
    return Bun.spawn(argv, { cwd: "/", env, stdio: [stdin, "pipe", "pipe", ...more], detached: true });
  } catch (error) {
    throw new InfrastructureError(
      "provider_dead",
      `sandbox bubblewrap: expected a new process, got ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
}

/** Hands on each chunk until the stream ends. */
export async function forEachChunk(
  stream: ReadableStream<Uint8Array>,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  for await (const chunk of stream) take(chunk);
}

/** Kills a process, or with a negative number its group; one that is gone already is no error. */
export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}

/** The process runs. What is dead but not yet cleared away by its parent does not count: that may take the system seconds. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}

/** Waits until the condition holds.
 *  @throws InfrastructureError `timeout` */
export async function until(condition: () => boolean, limitMs: number): Promise<void> {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > end)
      throw new InfrastructureError(
        "timeout",
        `sandbox bubblewrap: expected an end to all processes, got none in ${limitMs / 1000} s`,
      );
    await Bun.sleep(1);
  }
}
