// `sekft play` as a process, with commands from a pipe.

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { findDefects } from "../../src/data/defects.ts";
import { checkTrajectory } from "../../src/data/trajectory.ts";
import { openBubblewrap } from "../../src/sandbox/bubblewrap/provider.ts";
import { trajectories } from "../agent/recorded-world.ts";
import { need } from "../setup.ts";

setDefaultTimeout(60_000);

const root = join(import.meta.dir, "../..");
const folder = mkdtempSync(join(tmpdir(), "sekft-play-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const bundles = join(folder, "scenarios.jsonl");
writeFileSync(bundles, gunzipSync(readFileSync(join(root, "test/golden/corpus/scenarios.jsonl.gz"))));

const available = await openBubblewrap()
  .facts()
  .then(
    () => true,
    () => false,
  );
const worldTest = need("bubblewrap", available);

function play(input: string, ...options: string[]) {
  const argv = [process.execPath, join(root, "cli.ts"), "play", ...options];
  const { stdout, stderr, exitCode } = Bun.spawnSync(argv, { stdin: Buffer.from(input), cwd: folder });
  return { out: stdout.toString(), err: stderr.toString(), code: exitCode };
}

const row = trajectories[2]!;
const commands = row.turns.flatMap(({ role, content }) => (role === "assistant" ? [content] : []));
const here = ["--id", row.scenario_id, "--sandbox", "bubblewrap"];

describe("sekft play", () => {
  worldTest("shows the session of the record, judges it, and writes the same record", () => {
    const record = join(folder, "mine.jsonl");
    const input = commands.map((command) => `${command}\n`).join("");
    const { out, err, code } = play(input, bundles, ...here, "--record", record);
    const screen = row.turns
      .map(({ role, content }) => (role === "assistant" || role === "system" ? `${content}\n` : content))
      .join("");
    expect(out).toStartWith(`${screen}\noutcome     success\nverified    yes\nleft by     exit\n`);
    expect({ code, told: err.includes(`play: ${row.scenario_id}.s0 is in ${record}`) }).toEqual({
      code: 0,
      told: true,
    });
    play("ls\nexit\n", bundles, ...here, "--record", record);
    const rows = readFileSync(record, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(rows).toHaveLength(2);
    expect(rows[0]).toEqual({ ...row, id: `${row.scenario_id}.s0`, sample: 0, model: "person" });
    expect(findDefects(checkTrajectory(rows[0], { file: record }))).toEqual([]);
    expect(rows[1]).toMatchObject({ id: `${row.scenario_id}.s1`, outcome: "premature_exit", keep: false });
  });

  worldTest("keeps to limits unless told not to", () => {
    const input = "echo 1\n".repeat(40);
    const limited = JSON.parse(play(input, bundles, ...here, "--json", "--max-steps", "3").out);
    expect(limited).toMatchObject({
      outcome: "budget_overrun",
      limits_hit: ["steps"],
      steps: 3,
      terminal: null,
    });
    const free = JSON.parse(play(input, bundles, ...here, "--json", "--no-limits").out);
    expect(free).toMatchObject({ outcome: "premature_exit", limits_hit: [], steps: 41, terminal: "exit" });
  });

  test("says what it needs before anything is opened", () => {
    const cases: [options: string[], message: string][] = [
      [[bundles], "--id: expected one of 85 scenarios"],
      [[bundles, "--id", "nope"], "got nope"],
      [["nowhere"], "nowhere: expected scenarios"],
      [[bundles, ...here, "--record", "x.txt"], "--record: expected a .jsonl file, got x.txt"],
    ];
    for (const [options, message] of cases) {
      const { err, code } = play("", ...options);
      expect({ code, message: err.includes(message) ? message : err }).toEqual({ code: 2, message });
    }
    const broken = join(folder, "broken.jsonl");
    writeFileSync(broken, '{"a": 1}\n');
    expect(play("", bundles, ...here, "--record", broken).err).toContain(`${broken}:1:`);
    expect(readFileSync(broken, "utf8")).toBe('{"a": 1}\n');
  });
});
