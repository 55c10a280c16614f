// One small file a world, so that what a dead run left behind can be told from what a living one uses.

import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { removeGroup } from "./control-group.ts";
import { kill } from "./processes.ts";

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessMark {
  readonly pid: number;
  /** Boot id and start time. */
  readonly born: string;
}

/** What is known of a world from outside. */
interface WorldRecord {
  /** The sekft process that made it. */
  readonly owner: ProcessMark;
  /** Its outermost process. */
  readonly holder: ProcessMark;
  /** Folders of its control groups. */
  readonly groups: readonly string[];
}

/** Marks a process that runs now; `undefined` when there is none with this number. */
function markOf(pid: number): ProcessMark | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    // proc(5): start time is field 22, and the state, first here, is field 3.
    return { pid, born: `${boot}:${fields[19]}` };
  } catch {
    return undefined;
  }
}

function isSame(mark: ProcessMark): boolean {
  return markOf(mark.pid)?.born === mark.born;
}

function folder(): string {
  const base = process.env.XDG_RUNTIME_DIR || tmpdir();
  return `${base}/sekft-worlds-${process.getuid?.() ?? 0}`;
}

/** Writes the record of a world that is being made and returns its path; `undefined` when the world is gone already or the record cannot be written, which
 *  is no reason to do without the world: it ends with its owner by itself. */
export function recordWorld(holderPid: number, groups: readonly string[]): string | undefined {
  const [owner, holder] = [markOf(process.pid), markOf(holderPid)];
  if (!owner || !holder) return undefined;
  const path = `${folder()}/${holderPid}.json`;
  const record: WorldRecord = { owner, holder, groups };
  try {
    mkdirSync(folder(), { recursive: true, mode: 0o700 });
    writeFileSync(path, JSON.stringify(record), { mode: 0o600 });
    return path;
  } catch {
    return undefined;
  }
}

/** Ends what dead runs left; with `all`, what living ones use, too. Returns a name for each world. */
export async function cleanRecords(options: {
  readonly all?: boolean;
  readonly dryRun?: boolean;
}): Promise<string[]> {
  const cleaned: string[] = [];
  for (const name of listed(folder())) {
    const path = `${folder()}/${name}`;
    const record = readRecord(path);
    if (record && isSame(record.owner) && !options.all) continue;
    if (record) cleaned.push(`bubblewrap world ${record.holder.pid} of process ${record.owner.pid}`);
    if (options.dryRun) continue;
    if (record) endWorld(record.holder);
    await removeGroup(
      (record?.groups ?? []).filter((group) => /^\/sys\/fs\/cgroup\/.*\/sekft-[0-9a-f]+$/.test(group)),
    );
    rmSync(path, { force: true });
  }
  return cleaned;
}

/** Ends a world whose first process is `holder`. bwrap's own child waits for its parent before it asks to die with it; when the parent
 *  is killed in between, the child stays, in the session of a leader that is gone. Its number is not given away meanwhile. */
function endWorld(holder: ProcessMark): void {
  if (isSame(holder)) kill(-holder.pid);
  if (markOf(holder.pid) !== undefined) return;
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry)))
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      const session = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3];
      if (session === String(holder.pid) && stat.includes(" (bwrap) ")) kill(Number(name));
    } catch {
      // It ended meanwhile.
    }
}

/** Records of this user only: another's folder of the same name must not tell us what to end. */
function listed(path: string): string[] {
  try {
    if (lstatSync(path).uid !== process.getuid?.()) return [];
    return readdirSync(path).filter((name) => name.endsWith(".json"));
  } catch {
    return [];
  }
}

function readRecord(path: string): WorldRecord | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as WorldRecord;
  } catch {
    return undefined;
  }
}
