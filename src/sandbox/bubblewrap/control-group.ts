// A limit on the memory and processes of a world as a whole, where this user may make control groups: as root, or where a system
// manager has delegated a part of the tree (cgroup v2). Elsewhere there is none, and the provider says so.

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { SandboxLimits } from "../contract.ts";

const MOUNT = "/sys/fs/cgroup";

/** The groups of one world: one folder with cgroup v2, one for each controller with v1. */
export interface ControlGroup {
  readonly version: 1 | 2;
  readonly paths: readonly string[];
}

/** Makes a group with these limits; `undefined` where that is not allowed or memory cannot be limited. */
export function makeGroup(limits: SandboxLimits): ControlGroup | undefined {
  const name = `sekft-${randomBytes(6).toString("hex")}`;
  return existsSync(`${MOUNT}/cgroup.controllers`) ? makeUnified(name, limits) : makeSeparate(name, limits);
}

/** Version 2: beside or below the group of this process, whichever has the controllers for its children. */
function makeUnified(name: string, limits: SandboxLimits): ControlGroup | undefined {
  const own = ownPath((line) => line.startsWith("0::"));
  if (own === undefined) return undefined;
  for (const parent of new Set([dirname(own), own])) {
    const path = `${MOUNT}${parent === "/" ? "" : parent}/${name}`;
    try {
      if (!/\bmemory\b/.test(readFileSync(`${dirname(path)}/cgroup.subtree_control`, "latin1")))
        writeFileSync(`${dirname(path)}/cgroup.subtree_control`, "+memory +pids");
      mkdirSync(path);
      writeFileSync(`${path}/memory.max`, String(limits.memoryBytes));
      if (existsSync(`${path}/memory.swap.max`)) writeFileSync(`${path}/memory.swap.max`, "0");
      if (existsSync(`${path}/pids.max`)) writeFileSync(`${path}/pids.max`, String(withOwn(limits)));
      return { version: 2, paths: [path] };
    } catch {
      removeFolder(path);
    }
  }
  return undefined;
}

function makeSeparate(name: string, limits: SandboxLimits): ControlGroup | undefined {
  const memory = makeController("memory", name, [["memory.limit_in_bytes", limits.memoryBytes]]);
  if (memory === undefined) return undefined;
  try {
    // Exists only where swap is counted; it must not be below the limit that is set already.
    writeFileSync(`${memory}/memory.memsw.limit_in_bytes`, String(limits.memoryBytes));
  } catch {}
  const pids = makeController("pids", name, [["pids.max", withOwn(limits)]]);
  return { version: 1, paths: pids === undefined ? [memory] : [memory, pids] };
}

function makeController(controller: string, name: string, settings: [string, number][]): string | undefined {
  const own = ownPath((line) => line.split(":")[1]!.split(",").includes(controller));
  for (const parent of new Set([own ?? "/", "/"])) {
    const path = `${MOUNT}/${controller}${parent === "/" ? "" : parent}/${name}`;
    try {
      mkdirSync(path);
      for (const [file, value] of settings) writeFileSync(`${path}/${file}`, String(value));
      return path;
    } catch {
      removeFolder(path);
    }
  }
  return undefined;
}

/** The processes around the operator's, which share the group: holder, namespaces, relays. */
function withOwn(limits: SandboxLimits): number {
  return limits.processes + 16;
}

function ownPath(isIt: (line: string) => boolean): string | undefined {
  try {
    const line = readFileSync("/proc/self/cgroup", "latin1").split("\n").filter(Boolean).find(isIt);
    return line?.split(":").slice(2).join(":");
  } catch {
    return undefined;
  }
}

/** How many processes of the group were killed for want of memory. */
export function memoryKills(group: ControlGroup): number {
  const file = group.version === 2 ? "memory.events" : "memory.oom_control";
  try {
    const text = readFileSync(`${group.paths[0]}/${file}`, "latin1");
    return Number(/^oom_kill (\d+)$/m.exec(text)?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** Removes groups whose processes are dead; the kernel may need some time to let go of them. */
export async function removeGroup(paths: readonly string[]): Promise<void> {
  for (const path of paths) for (let i = 0; i < 100 && !removeFolder(path); i++) await Bun.sleep(5);
}

function removeFolder(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch {
    return !existsSync(path);
  }
}
