// `sekft train` with windows, as a process: the format probe on the base that is being trained on, a gate that stops the run, and a
// process that is killed in the middle of a window.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { resolveOptions } from "../../src/base/resolve.ts";
import { openRunWindows } from "../../src/commands/train-windows.ts";
import { readFormatProbe } from "../../src/formats/format-probe.ts";
import { trainOptions } from "../../src/train/options.ts";
import { silent } from "../base/silent-terminal.ts";
import { testDevice } from "../gpu.ts";
import { hasBubblewrap } from "../sandbox/bubblewrap-machine.ts";
import { makeTalkingBase, temporaryFolder } from "../serve/tiny-base.ts";
import { need } from "../setup.ts";

const { gpuTest } = await testDevice();
const sandboxed = gpuTest === test ? need("bubblewrap", hasBubblewrap) : gpuTest;
const folder = temporaryFolder();
const base = makeTalkingBase(folder);
const cli = join(import.meta.dir, "..", "..", "cli.ts");

const data = join(folder, "rows.jsonl");
const row = (n: number) => ({
  id: `r${n}`,
  messages: [
    { role: "user", content: `job ${n}` },
    { role: "assistant", content: `echo ${n}` },
  ],
});
writeFileSync(data, Array.from({ length: 8 }, (_, n) => `${JSON.stringify(row(n))}\n`).join(""));
const prompts = join(folder, "prompts.jsonl");
writeFileSync(
  prompts,
  ["list files", "count lines", "print a word"]
    .map((prompt, n) => `${JSON.stringify({ id: `p${n}`, kind: "command", prompt })}\n`)
    .join(""),
);

/** The config file: windows every 2 steps; a random model cannot write commands. */
function config(name: string, gates: unknown): string {
  const file = join(folder, `${name}.yaml`);
  const windows = {
    every: 2,
    suites: { format: { prompts, max_tokens: 24, ctx_budget: 128, jobs: 2 } },
  };
  const run = {
    base,
    data,
    max_steps: 6,
    gradient_accumulation_steps: 1,
    lora_r: 4,
    learning_rate: 1e-3,
    save_steps: 3,
    windows,
    gates,
  };
  writeFileSync(file, JSON.stringify(run));
  return file;
}

function start(file: string, out: string, ...more: string[]) {
  return Bun.spawn([process.execPath, cli, "train", "--config", file, "--out", out, ...more], {
    stdout: "ignore",
    stderr: "pipe",
    env: { ...process.env, XDG_RUNTIME_DIR: "/tmp" },
  });
}

const gatesOf = (out: string) =>
  readFileSync(join(out, "gates.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => {
      const { seconds: _, ...rest } = JSON.parse(line) as Record<string, unknown>;
      return rest;
    });
const adapter = (out: string) => readFileSync(join(out, "adapter_model.safetensors"));

describe("train with windows", () => {
  const stopping = config("stopping", {
    stop_when: [
      { suite: "format", metric: "command_rate", no_better_for_steps: 100 },
      { after_step: 4, needs: { "format.passed": 1 } },
    ],
  });
  const whole = join(folder, "whole");
  let wholeRun: Promise<string> | undefined;
  const runWhole = () =>
    (wholeRun ??= (async () => {
      const child = start(stopping, whole);
      const said = await new Response(child.stderr).text();
      expect({ code: await child.exited, said: said.slice(-2000) }).toMatchObject({ code: 0 });
      return said;
    })());

  gpuTest("measures the adapter while it is trained, and a gate stops it with its numbers", async () => {
    const said = await runWhole();
    expect(said).toContain("train: stopped at step 4 by a gate");
    expect(said).toMatch(
      /window: step 4 {2}format: passed 0 {2}pass_rate 0 {2}command_rate [\d.]+ {2}stop_rate/,
    );
    const records = gatesOf(whole);
    expect(records.map(({ kind, step }) => `${kind} ${step}`)).toEqual([
      "suite 2",
      "decision 2",
      "suite 4",
      "decision 4",
    ]);
    expect(records[2]).toMatchObject({ suite: "format", figures: { passed: 0, json_rate: null } });
    expect(records[3]).toMatchObject({
      decision: "stop",
      reasons: ["go past step 4 only with format.passed of at least 1: format.passed 0 of 1"],
    });
    // The verdict lies beside the weights that it is about, the run's output included.
    for (const place of [join(whole, "checkpoint-2"), join(whole, "checkpoint-4"), whole])
      expect(readFormatProbe(place)).toMatchObject({ passed: false });
    expect(existsSync(join(whole, "checkpoint-3", "probe-format.json"))).toBe(false);
  });

  gpuTest("killed in a window goes on to the same decision and the same bytes", async () => {
    await runWhole();
    const out = join(folder, "killed");
    for (const step of [2, 4]) {
      const child = start(stopping, out, "--resume");
      while (!existsSync(join(out, "windows", `step-${step}`)) && child.exitCode === null) await Bun.sleep(2);
      child.kill("SIGKILL");
      await child.exited;
      expect(readdirSync(out)).not.toContain("adapter_model.safetensors");
    }
    expect(await start(stopping, out, "--resume").exited).toBe(0);
    expect(gatesOf(out)).toEqual(gatesOf(whole));
    expect(adapter(out)).toEqual(adapter(whole));
  });

  gpuTest("interrupted in a window saves, exits with 130 and goes on", async () => {
    await runWhole();
    const out = join(folder, "interrupted");
    const child = start(stopping, out);
    while (!existsSync(join(out, "windows", "step-2")) && child.exitCode === null) await Bun.sleep(2);
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
    expect(await new Response(child.stderr).text()).toContain("checkpoint-2 is saved");
    expect(await start(stopping, out, "--resume").exited).toBe(0);
    expect(gatesOf(out)).toEqual(gatesOf(whole));
    expect(adapter(out)).toEqual(adapter(whole));
  });
});

sandboxed("a benchmark in a window is scored, and stands in the history across windows", async () => {
  const problems = join(folder, "problems.jsonl");
  const problem = {
    task_id: "one",
    prompt: "def one():\n",
    entry_point: "one",
    canonical_solution: "    return 1\n",
    test: "def check(candidate):\n    assert candidate() == 1\n",
  };
  writeFileSync(problems, `${JSON.stringify(problem)}\n`);
  const file = join(folder, "bench.yaml");
  const humaneval = { problems, max_tokens: 16, ctx_budget: 400, jobs: 1 };
  const windows = { every: 1, suites: { humaneval }, worlds: { sandbox: "bubblewrap" } };
  const gates = { stop_when: { metric: "syntax_rate", falls: 2 } };
  writeFileSync(file, JSON.stringify({ base, data, max_steps: 2, lora_r: 4, windows, gates }));
  const out = join(folder, "bench");
  expect(await start(file, out).exited).toBe(0);
  expect(gatesOf(out)).toMatchObject([
    { kind: "suite", step: 1, suite: "humaneval", figures: { pass_at_1: 0, syntax_rate: 0 } },
    { kind: "decision", step: 1, decision: "go on" },
    { kind: "suite", step: 2 },
    { kind: "decision", step: 2, decision: "go on" },
  ]);
  const result = JSON.parse(readFileSync(join(out, "windows", "step-2", "humaneval.json"), "utf8"));
  expect(result).toMatchObject({
    n: 1,
    passed: 0,
    model: { label: "step 2" },
    comparisons: [{ against: "step 1" }],
  });
  expect(readFileSync(join(out, "windows", "history.md"), "utf8")).toContain("| step 2 | 0/1");
});

sandboxed("an eval in a window plays scenarios with the adapter of that step", async () => {
  const golden = join(import.meta.dir, "..", "golden", "corpus");
  const first = (name: string, n: number) => {
    const file = join(folder, name.replace(".gz", ""));
    const text = new TextDecoder().decode(Bun.gunzipSync(readFileSync(join(golden, name))));
    writeFileSync(file, `${text.split("\n").slice(0, n).join("\n")}\n`);
    return file;
  };
  const file = join(folder, "shell.yaml");
  // The base inside the binary knows how to talk to a shell; two short sessions of it are soon over.
  const shell = {
    scenarios: first("scenarios.jsonl.gz", 2),
    n: 2,
    max_tokens: 32,
    ctx_budget: 1500,
    max_steps: 2,
  };
  const windows = { every: 1, suites: { shell }, worlds: { sandbox: "bubblewrap" } };
  const gates = { stop_when: { after_step: 1, needs: { clean_rate: 1 } } };
  const run = { base: "embedded", data: first("trajectories.jsonl.gz", 4), max_steps: 2, lora_r: 2 };
  writeFileSync(file, JSON.stringify({ ...run, gradient_accumulation_steps: 1, windows, gates }));
  const out = join(folder, "shell");
  const child = start(file, out);
  const said = await new Response(child.stderr).text();
  expect({ code: await child.exited, said: said.slice(-2000) }).toMatchObject({ code: 0 });
  expect(said).toContain("train: stopped at step 1 by a gate");
  expect(gatesOf(out)[0]).toMatchObject({
    suite: "shell",
    step: 1,
    figures: { clean_rate: 0, terminate_rate: 0 },
  });
  const result = JSON.parse(readFileSync(join(out, "windows", "step-1", "shell", "result.json"), "utf8"));
  expect(result.arms["step-1"]).toMatchObject({ n: 2 });
  expect(result.manifest.arms["step-1"]).toMatchObject({ kind: "adapter", model: join(out, "checkpoint-1") });
});

gpuTest("weights of the base that are trained are measured as the model that is kept of them", async () => {
  const file = join(folder, "full.yaml");
  const format = { prompts, max_tokens: 24, ctx_budget: 128, threshold: 0 };
  const run = {
    base,
    data,
    max_steps: 4,
    full: ["all"],
    learning_rate: 1e-2,
    gradient_accumulation_steps: 1,
  };
  writeFileSync(file, JSON.stringify({ ...run, windows: { every: 2, suites: { format } } }));
  const out = join(folder, "full");
  const child = start(file, out);
  const said = await new Response(child.stderr).text();
  expect({ code: await child.exited, said: said.slice(-2000) }).toMatchObject({ code: 0 });
  const answersOf = (place: string) =>
    (
      JSON.parse(readFileSync(join(place, "probe-format.json"), "utf8")) as { entries: { answer: string }[] }
    ).entries.map(({ answer }) => answer);
  for (const place of ["model-2", "model-4", "model"])
    expect(readFormatProbe(join(out, place))?.passed).toBe(true);
  expect(existsSync(join(out, "checkpoint-2", "probe-format.json"))).toBe(false);
  // The same prompts, asked of the models on the disk.
  for (const place of ["model-2", "model-4"]) {
    const asked = join(folder, `asked-${place}`);
    const args = [
      "--base",
      join(out, place),
      "--prompts",
      prompts,
      "--max-tokens",
      "24",
      "--ctx-budget",
      "128",
    ];
    const probe = Bun.spawn(
      [process.execPath, cli, "probe", "format", ...args, "--threshold", "0", "--out", asked],
      {
        stdout: "ignore",
        stderr: "ignore",
      },
    );
    expect(await probe.exited).toBe(0);
    expect(answersOf(asked)).toEqual(answersOf(join(out, place)));
  }
  expect(answersOf(join(out, "model-2"))).not.toEqual(answersOf(join(out, "model-4")));
});

test("windows do not go with a resident's base", async () => {
  const { train } = await import("../../src/commands/train.ts");
  const flags = { base, data, windows: "{}", resident: "http://x", out: "x" };
  const running = train.run(resolveOptions(train.options, flags), silent);
  await expect(running).rejects.toThrow("--resident: expected a run without windows");
});

describe("windows are refused before the first step with", () => {
  const open = (windows: unknown, gates?: unknown) =>
    openRunWindows(
      resolveOptions(
        trainOptions,
        {},
        {
          base,
          out: "x",
          windows: JSON.stringify(windows),
          ...(gates !== undefined && { gates: JSON.stringify(gates) }),
        },
      ),
      silent,
    );
  const small = { ctx_budget: 128, max_tokens: 24 };

  for (const [what, windows, gates, complaint] of [
    [
      "an unknown suite",
      { every: 2, suites: { smok: {} } },
      undefined,
      /suites.smok: expected one of smoke, .*got smok/,
    ],
    [
      "an unknown option of a suite",
      { every: 2, suites: { smoke: { max_token: 3 } } },
      undefined,
      /max_token/,
    ],
    [
      "a value that does not fit",
      { every: 2, suites: { format: { threshold: 2 } } },
      undefined,
      /from 0 to 1, got 2/,
    ],
    ["no suites", { every: 2 }, undefined, /expected suites, got none/],
    ["no steps between windows", { suites: { format: small } }, undefined, /expected every: a whole number/],
    ["an eval without scenarios", { every: 2, suites: { shell: {} } }, undefined, /--scenarios/],
    [
      "longer prompts than the base can take",
      { every: 2, suites: { format: {} } },
      undefined,
      /--ctx-budget: expected at most/,
    ],
    [
      "a rule about what nobody measures",
      { every: 2, suites: { format: small } },
      { stop_when: { metric: "pass_at_1", falls: 2 } },
      /expected one of passed, pass_rate, .*got pass_at_1/,
    ],
  ] as const)
    test(what, async () => {
      await expect(open(windows, gates)).rejects.toThrow(complaint);
    });

  test("nothing, when everything is right", async () => {
    await using windows = await open(
      { every: 2, at_end: false, suites: { format: small, smoke: { ...small, ctx_budget: 400 } } },
      { stop_when: { suite: "smoke", metric: "syntax_rate", falls: 2 } },
    );
    expect(windows).toMatchObject({ every: 2, atEnd: false });
    expect(windows.suites.map(({ name }) => name)).toEqual(["format", "smoke"]);
  });
});
