// What a run that was killed leaves to the next one: processes of worlds that were being made.

import { expect } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { cleanRecords } from "../../src/sandbox/bubblewrap/run-records.ts";
import { temporaryFolder } from "../data/golden-text.ts";
import { need } from "../setup.ts";

const test = need("/proc and setsid", process.platform === "linux" && Bun.which("setsid") !== null);
const runtime = temporaryFolder();

/** Makes a process that outlives the leader of its session; its number, and the leader's. */
async function orphan(name: string): Promise<{ pid: number; leader: number }> {
  const program = join(runtime, name);
  copyFileSync(Bun.which("sleep")!, program);
  chmodSync(program, 0o755);
  const script = `echo $$; '${program}' 60 >/dev/null 2>&1 & echo $!`;
  const leader = Bun.spawn(["setsid", "sh", "-c", script], { stdout: "pipe" });
  const [session, pid] = (await new Response(leader.stdout).text()).trim().split("\n").map(Number);
  await leader.exited;
  return { pid: pid!, leader: session! };
}

const lives = (pid: number) =>
  existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));

test("a process whose parent was killed before it could ask to die with it is ended by the next run; others are not", async () => {
  const [half, other] = [await orphan("bwrap"), await orphan("sleeper")];
  const folder = join(runtime, `sekft-worlds-${process.getuid?.()}`);
  mkdirSync(folder);
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  const dead = { pid: 2 ** 22 + 1, born: `${boot}:1` };
  for (const { leader } of [half, other]) {
    const record = { owner: dead, holder: { pid: leader, born: `${boot}:2` }, groups: [] };
    writeFileSync(join(folder, `${leader}.json`), JSON.stringify(record));
  }
  const before = process.env.XDG_RUNTIME_DIR;
  process.env.XDG_RUNTIME_DIR = runtime;
  try {
    expect([lives(half.pid), lives(other.pid)]).toEqual([true, true]);
    expect(await cleanRecords({ dryRun: true })).toHaveLength(2);
    expect(lives(half.pid)).toBe(true);
    expect(await cleanRecords({})).toHaveLength(2);
    for (let wait = 0; lives(half.pid) && wait < 100; wait++) await Bun.sleep(20);
    expect([lives(half.pid), lives(other.pid)]).toEqual([false, true]);
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    process.env.XDG_RUNTIME_DIR = before;
    process.kill(other.pid, "SIGKILL");
  }
});
