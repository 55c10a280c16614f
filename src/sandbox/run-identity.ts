// Which process a world belongs to, in words that another process can check later: what a dead run left behind is told from
// what a living one uses.

import { createHash, randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** What every container, volume and state folder carries. */
export interface RunIdentity {
  /** Random name of this process's worlds. */
  readonly run: string;
  readonly pid: number;
  /** Boot of the machine and start of the process: a number of a process is used again, this is not. */
  readonly boot: string;
  /** Machine and space of process numbers: what another machine or container made is never judged from here. */
  readonly host: string;
}

/** The identity of this process. */
export const ownRun: RunIdentity = {
  run: randomBytes(6).toString("hex"),
  pid: process.pid,
  boot: `${bootId()}:${startOf(process.pid) ?? "unknown"}`,
  host: hostIdentity(),
};

/** Whether the process that `identity` names runs still; undefined when that cannot be told from here. */
export function runLives(identity: Omit<RunIdentity, "run">): boolean | undefined {
  if (identity.host !== ownRun.host) return undefined;
  const start = startOf(identity.pid);
  return start !== undefined && identity.boot === `${bootId()}:${start}`;
}

function bootId(): string {
  return textOf("/proc/sys/kernel/random/boot_id") ?? "unknown";
}

/** Start time of a process: in clock ticks since boot (proc_pid_stat(5), field 22), elsewhere than on Linux as `ps` says it. */
function startOf(pid: number): string | undefined {
  if (process.platform !== "linux")
    return (
      Bun.spawnSync(["ps", "-o", "lstart=", "-p", String(pid)])
        .stdout.toString()
        .trim() || undefined
    );
  const stat = textOf(`/proc/${pid}/stat`);
  // The second field is the program's name in brackets, which may hold blanks and brackets.
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}

function hostIdentity(): string {
  const machine = textOf("/etc/machine-id") ?? "";
  let space = "";
  try {
    space = readlinkSync("/proc/self/ns/pid");
  } catch {
    // Not Linux: there is one space only.
  }
  return createHash("sha256").update(`${machine}\n${hostname()}\n${space}`).digest("hex").slice(0, 12);
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim() || undefined;
  } catch {
    return undefined;
  }
}
