// Harbor tasks and ATIF trajectories: what stands in them, and that nothing is lost on the way back.

import { expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TOML } from "bun";
import { toAtif } from "../../src/eval/atif.ts";
import { readScenariosOrTasks, writeTaskFolders } from "../../src/eval/harbor/task-folders.ts";
import { writeAtif } from "../../src/eval/write-atif.ts";
import { bubblewrap } from "../factory/bubblewrap.ts";
import { need } from "../setup.ts";
import { armsAt, runScripted, scratch } from "./run-scripted.ts";
import { heldOut, oneOfEach, startOperators } from "./scripted-operators.ts";

const inWorlds = need("bubblewrap", bubblewrap !== undefined);

test("a scenario becomes a Harbor task, and the task the same scenario", () => {
  using folder = scratch();
  const folders = writeTaskFolders(folder.path, oneOfEach);
  expect(readScenariosOrTasks(folder.path)).toEqual([...oneOfEach].sort((a, b) => (a.id < b.id ? -1 : 1)));
  const [scenario] = heldOut;
  const at = folders.find((path) => path.endsWith(scenario!.id))!;
  const read = (name: string) => readFileSync(join(at, name), "utf8");
  const toml = TOML.parse(read("task.toml")) as Record<string, Record<string, unknown>>;
  expect(toml).toMatchObject({
    schema_version: "1.1",
    task: { name: `sekft/${scenario!.id}` },
    metadata: { archetype: scenario!.archetype, content_hash: scenario!.contentHash },
    verifier: { timeout_sec: 60 },
    agent: { user: scenario!.user },
    environment: { allow_internet: false },
  });
  expect(read("instruction.md")).toBe(`${scenario!.system}\n\n${scenario!.announcement.login.trimEnd()}\n`);
  // What the agent's image is built from gives nothing away.
  for (const { path } of scenario!.fixtures)
    expect(existsSync(join(at, "environment/world", path))).toBe(true);
  expect(existsSync(join(at, "environment/scenario.json"))).toBe(false);
  expect(read("environment/Dockerfile") + read("instruction.md")).not.toContain(scenario!.checker);
  expect(read("tests/test.sh")).toContain("/logs/verifier/reward.txt");
  expect(statSync(join(at, "tests/test.sh")).mode & 0o777).toBe(0o755);
  expect(read("solution/solve.sh")).not.toMatch(/^(exit|panic)\b/m);
  for (const script of ["tests/test.sh", "environment/layout.sh", "solution/solve.sh"])
    expect(Bun.spawnSync(["sh", "-n", join(at, script)]).exitCode).toBe(0);
});

test("a task that was changed, or comes from elsewhere, is refused by name", () => {
  using folder = scratch();
  const [at] = writeTaskFolders(folder.path, heldOut.slice(0, 1)) as [string];
  writeFileSync(join(at, "tests/checker.sh"), "true\n");
  expect(() => readScenariosOrTasks(folder.path)).toThrow(`${join(at, "tests/checker.sh")}: expected what`);
  rmSync(join(at, "tests/scenario.json"));
  expect(() => readScenariosOrTasks(at)).toThrow("expected a Harbor task that was exported from a scenario");
});

test("a session becomes steps in order, each call with its output", () => {
  const trajectory = toAtif(
    {
      id: "x",
      model: "m",
      turns: [
        { role: "system", content: "orientation" },
        { role: "user", content: "login" },
        { role: "user", content: "a@sek:~$ " },
        { role: "assistant", content: "ls" },
        { role: "user", content: "file\n" },
        { role: "user", content: "a@sek:~$ " },
        { role: "assistant", content: "cd /srv" },
        { role: "user", content: "a@sek:/srv$ " },
        { role: "assistant", content: "exit" },
      ],
      steps: [{ prompt_tokens: 5, completion_tokens: 1, reply: "```\nls\n```", status: 0 }, {}, {}],
      about: { outcome: "success" },
    },
    "0.1.0",
  );
  const agent = (step_id: number, command: string, content: string) => ({
    step_id,
    source: "agent",
    tool_calls: [{ tool_call_id: `call_${step_id - 2}`, function_name: "sh", arguments: { command } }],
    observation: { results: [{ source_call_id: `call_${step_id - 2}`, content }] },
  });
  expect(trajectory).toMatchObject({
    schema_version: "ATIF-v1.7",
    session_id: "x",
    agent: { name: "sekft", version: "0.1.0", model_name: "m" },
    steps: [
      { step_id: 1, source: "system", message: "orientation" },
      { step_id: 2, source: "user", message: "login" },
      {
        ...agent(3, "ls", "file\n"),
        message: "```\nls\n```",
        metrics: { prompt_tokens: 5, completion_tokens: 1 },
      },
      { ...agent(4, "cd /srv", ""), extra: { prompt: "a@sek:~$ " } },
      { ...agent(5, "exit", ""), extra: { prompt: "a@sek:/srv$ " } },
    ],
    final_metrics: { total_prompt_tokens: 5, total_completion_tokens: 1, total_steps: 5 },
    extra: { outcome: "success" },
  });
});

inWorlds(
  "an eval's episodes become one file each",
  async () => {
    using folder = scratch();
    using server = startOperators();
    const out = join(folder.path, "run");
    await runScripted(out, await armsAt(server.url, ["replays", "exits"]), oneOfEach.slice(0, 2));
    expect(await writeAtif(join(out, "episodes.jsonl"), join(folder.path, "atif"))).toBe(4);
    const name = `${oneOfEach[0]!.id}.replays.s0.json`;
    const written = JSON.parse(readFileSync(join(folder.path, "atif", name), "utf8"));
    expect(written.extra).toMatchObject({
      arm: "replays",
      archetype: oneOfEach[0]!.archetype,
      verified: true,
    });
    expect(written.steps.length).toBe(2 + oneOfEach[0]!.referenceSolution.length);
  },
  30_000,
);
