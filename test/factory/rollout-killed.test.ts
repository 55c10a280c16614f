// A rollout that is killed at random moments and goes on: nothing is lost, repeated or half-written, and nothing stays behind.

import { expect } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Rng } from "../../src/base/rng.ts";
import { serialiseScenario } from "../../src/data/scenario-json.ts";
import { scenarios } from "../agent/recorded-world.ts";
import { temporaryFolder } from "../data/golden-text.ts";
import { need } from "../setup.ts";
import { bubblewrap } from "./bubblewrap.ts";

const test = need("bubblewrap", bubblewrap !== undefined && process.platform === "linux");
const folder = temporaryFolder();
const root = join(import.meta.dir, "../..");
const KILLS = 10;
const SCENARIOS = 16;

const chosen = [...scenarios.values()].slice(0, SCENARIOS);
const bundles = join(folder, "bundles.jsonl");
writeFileSync(
  bundles,
  chosen.map((one) => `${JSON.stringify(JSON.parse(serialiseScenario(one)))}\n`).join(""),
);

function start(out: string) {
  const flags = ["--scenarios", bundles, "--out", out, "--samples", "3", "--jobs", "3", "--faults", "0.2"];
  return Bun.spawn(["bun", "cli.ts", "rollout", ...flags, "--sandbox", "bubblewrap", "--json", "--quiet"], {
    cwd: root,
    stdout: "pipe",
    stderr: "pipe",
  });
}

/** A process as `pid:start time`: a number alone is used again. */
const nameOf = (pid: number): string | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : `${pid}:${fields[19]}`;
  } catch {
    return undefined;
  }
};

/** Every process below `pid`. */
function descendants(pid: number): string[] {
  const parents = new Map<number, number[]>();
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, "utf8");
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      parents.set(parent, [...(parents.get(parent) ?? []), Number(entry)]);
    } catch {
      // It ended meanwhile.
    }
  const found: number[] = [];
  for (const queue = [pid]; queue.length > 0; ) {
    const children = parents.get(queue.pop()!) ?? [];
    found.push(...children);
    queue.push(...children);
  }
  return found.flatMap((one) => nameOf(one) ?? []);
}

const alive = (names: readonly string[]) =>
  names.filter((name) => nameOf(Number(name.split(":")[0])) === name);

const linesOf = (out: string) =>
  readFileSync(join(out, "trajectories.jsonl"), "utf8").split("\n").filter(Boolean);

test("killed at ten random moments, a rollout ends as if nothing had happened", async () => {
  const out = join(folder, "killed");
  const journal = join(out, "trajectories.jsonl");
  const rng = new Rng("kill -9");
  const seen = new Map<string, string>();
  let worlds = 0;
  const left: string[] = [];
  // What kill -9 leaves in the middle of a file, wherever the ten may hit.
  mkdirSync(out);
  for (const name of ["manifest.json", "summary.json", "episodes.jsonl"])
    writeFileSync(join(out, `${name}.part-1`), "{");
  for (let kill = 0; kill < KILLS; kill++) {
    const before = existsSync(journal) ? linesOf(out).length : 0;
    const run = start(out);
    const goal = before + rng.int(0, 4);
    while (run.exitCode === null && (!existsSync(journal) || linesOf(out).length < goal)) await Bun.sleep(2);
    await Bun.sleep(rng.int(0, 60));
    const below = descendants(run.pid);
    worlds += below.length;
    run.kill("SIGKILL");
    await run.exited;
    for (const line of linesOf(out).slice(0, before)) {
      const { id } = JSON.parse(line);
      expect(seen.get(id) ?? line).toBe(line);
      seen.set(id, line);
    }
    for (let wait = 0; alive(below).length > 0 && wait < 40; wait++) await Bun.sleep(50);
    left.push(...alive(below));
  }
  expect(worlds).toBeGreaterThan(0);
  const last = start(out);
  expect([await last.exited, await new Response(last.stderr).text()]).toEqual([0, ""]);
  expect(JSON.parse(await new Response(last.stdout).text())).toMatchObject({
    finished: 3 * SCENARIOS,
    failures: 0,
  });
  // A world that was killed while it was being made may leave one process to the next run, which ends it.
  expect(alive(left)).toEqual([]);

  const lines = linesOf(out);
  const wanted = chosen.flatMap(({ id }) => [0, 1, 2].map((sample) => `${id}.s${sample}`));
  expect(lines.map((line) => JSON.parse(line).id).sort()).toEqual(wanted.sort());
  const steps = readFileSync(join(out, "episodes.jsonl"), "utf8").trimEnd().split("\n");
  expect(steps.map((line) => JSON.parse(line).id).sort()).toEqual(wanted);

  // The same from a run that nobody disturbed, sample by sample and byte by byte; only `ls -l` tells when it was.
  const calm = join(folder, "calm");
  const undisturbed = start(calm);
  expect([await undisturbed.exited, await new Response(undisturbed.stderr).text()]).toEqual([0, ""]);
  expect(readdirSync(out).sort()).toEqual(readdirSync(calm).sort());
  const timeless = (line: string) => line.replace(/[A-Z][a-z]{2} [ \d]\d \d\d:\d\d/g, "TIME");
  expect(lines.map(timeless).sort()).toEqual(linesOf(calm).map(timeless).sort());
}, 240_000);
