// One program in one sandbox, from start to the last of its processes.

import { randomInt } from "node:crypto";
import { InfrastructureError } from "../../base/errors.ts";
import {
  type ControlGroup,
  makeGroup,
  memoryKills,
  removeGroup,
} from "../../sandbox/bubblewrap/control-group.ts";
import { forEachChunk, kill, spawn } from "../../sandbox/bubblewrap/processes.ts";
import { defaultLimits } from "../../sandbox/contract.ts";
import { CappedOutput } from "../../sandbox/session/capped-output.ts";
import { packTar, type TarEntry } from "../../sandbox/session/world-tar.ts";
import { JUDGE, type Place, sandboxCommand, WORK } from "./command-line.ts";
import type { ProgramLimits, ProgramResult } from "./contract.ts";

/** Bytes of one stream after which a program is stopped: nobody reads that much. */
const MOST_OUTPUT = 64 * 2 ** 20;

/** Milliseconds that a stream may stay open after the sandbox is gone. */
const DRAIN_MS = 1000;

/** What one sandbox runs. */
export interface Job {
  readonly argv: readonly string[];
  /** Relative paths below the program's directory -> content. */
  readonly files: Readonly<Record<string, string>>;
  /** Files of the judge's, by name; executable, but nobody may read those named in `unreadable`. */
  readonly judge?: Readonly<Record<string, Uint8Array>>;
  readonly stdin: string;
  /** JavaScript reserves more addresses than it uses: only a control group can limit it. */
  readonly limitAddressSpace: boolean;
}

/** Runs `job` to its end.
 *  @throws InfrastructureError when no sandbox could be made */
export async function runSandboxed(
  place: Place,
  job: Job,
  limits: ProgramLimits,
  signal?: AbortSignal,
): Promise<ProgramResult> {
  signal?.throwIfAborted();
  const group = makeGroup({ ...defaultLimits, memoryBytes: limits.memoryBytes, processes: limits.processes });
  try {
    return await runIn(group, place, job, limits, signal);
  } finally {
    if (group) await removeGroup(group.paths);
  }
}

async function runIn(
  group: ControlGroup | undefined,
  place: Place,
  job: Job,
  limits: ProgramLimits,
  signal: AbortSignal | undefined,
): Promise<ProgramResult> {
  const command = sandboxCommand(place, limits, group, job.argv, {
    // Root on the machine must not be anybody inside; the kernel's limit on a user's processes then holds for this sandbox alone.
    hostUid: process.getuid?.() === 0 ? 2_000_000_000 + randomInt(100_000_000) : undefined,
    limitAddressSpace: job.limitAddressSpace && group === undefined,
  });
  const began = performance.now();
  const child = spawn(command, packed(job), []);
  let timedOut = false;
  let tooMuch = false;
  const end = () => {
    kill(-child.pid);
    kill(child.pid);
  };
  const timer = setTimeout(() => {
    timedOut = true;
    end();
  }, limits.timeoutMs);
  signal?.addEventListener("abort", end, { once: true });
  const streams = [new CappedOutput(limits.outputBytes), new CappedOutput(limits.outputBytes)] as const;
  const reading = [child.stdout, child.stderr].map((stream, i) =>
    forEachChunk(stream as ReadableStream<Uint8Array>, (chunk) => {
      streams[i]!.write(chunk);
      if (streams[i]!.bytes <= MOST_OUTPUT || tooMuch) return;
      tooMuch = true;
      end();
    }),
  );
  const status = await child.exited;
  clearTimeout(timer);
  signal?.removeEventListener("abort", end);
  await Promise.race([Promise.all(reading), Bun.sleep(DRAIN_MS)]);
  signal?.throwIfAborted();
  const durationMs = performance.now() - began;
  const [stdout, stderr] = streams.map((stream) => stream.finish()) as [Kept, Kept];
  if (!timedOut && !tooMuch) refuseBroken(status, stderr.text);
  const outOfMemory = group !== undefined && memoryKills(group) > 0;
  return {
    status: timedOut ? 124 : tooMuch ? 153 : child.signalCode ? 137 : status,
    timedOut,
    outOfMemory: outOfMemory || /^MemoryError\b/m.test(stderr.text.slice(-500)),
    stdout: stdout.text,
    stderr: stderr.text,
    truncated: stdout.truncated || stderr.truncated,
    durationMs,
  };
}

type Kept = ReturnType<CappedOutput["finish"]>;

/** A sandbox that never stood is nobody's wrong answer. */
function refuseBroken(status: number, said: string): void {
  const broken = status === 97 || /^(bwrap|setpriv): /m.test(said.split("\n", 1)[0] ?? "");
  if (broken && status !== 0)
    throw new InfrastructureError(
      "sandbox_dead",
      `run of a program: expected a sandbox, got: ${said.trim().split("\n")[0] || `status ${status}`}`,
    );
}

function packed(job: Job): Uint8Array {
  const entries: TarEntry[] = [];
  const add = (path: string, content: Uint8Array, mode: number) =>
    entries.push({ path, kind: "file", mode, owner: "operator", content });
  for (const [path, content] of Object.entries(job.files))
    add(`${WORK}/${safe(path)}`, Buffer.from(content), 0o644);
  for (const [name, content] of Object.entries(job.judge ?? {})) add(`${JUDGE}/${name}`, content, 0o111);
  add(`${JUDGE}/stdin`, Buffer.from(job.stdin), 0o600);
  return packTar(entries);
}

/** A path that stays below the program's directory.
 *  @throws InfrastructureError for one that does not: whoever made the files has to check them first */
function safe(path: string): string {
  if (isInside(path)) return path;
  throw new InfrastructureError("sandbox_dead", `files of a program: expected a relative path, got ${path}`, {
    retryable: false,
  });
}

/** True for a relative path that leads nowhere else. */
function isInside(path: string): boolean {
  return path !== "" && !path.startsWith("/") && !path.includes("\0") && !path.split("/").includes("..");
}
