import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Terminal } from "../../src/base/command.ts";
import { UserError } from "../../src/base/errors.ts";
import type { StageRecord } from "../../src/experiment/record.ts";
import { headerLines } from "../../src/quickstart/header.ts";
import type { QuickstartMachinery } from "../../src/quickstart/machinery.ts";
import { nextSteps, programName } from "../../src/quickstart/next-steps.ts";
import { quickstart } from "../../src/quickstart/quickstart.ts";
import { recipeFor } from "../../src/quickstart/recipe.ts";
import type { Settings } from "../../src/quickstart/settings.ts";
import { StageLines } from "../../src/quickstart/stage-lines.ts";
import { stageTerminal } from "../../src/quickstart/stage-terminal.ts";
import { stagesOf } from "../../src/quickstart/stages.ts";
import { silent } from "../base/silent-terminal.ts";

const scratch = mkdtempSync(join(tmpdir(), "sekft-quickstart-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const settings: Settings = {
  version: 1,
  asked: { base: "embedded", minutes: 10, seed: 1, n: 16, sandbox: "auto" },
  budget: {
    sessions: 1000,
    replay: 500,
    steps: 188,
    seconds: { sessions: 150, scenarios: 12, training: 400, eval: 20 },
  },
  device: {
    name: "llvmpipe-llvm-15-0-6-256-bits",
    software: true,
    tokensPerSecond: 1834.7,
    parameters: 2_410_560,
    trained: 291_840,
    bytes: 1.6e8,
  },
  sandbox: "bubblewrap",
};
const stages = stagesOf(settings, recipeFor("embedded"));

function recorder(): { terminal: Terminal; lines: string[] } {
  const lines: string[] = [];
  const note = (line: string) => void lines.push(line);
  return { terminal: { ...silent, note, warn: note, columns: 80 }, lines };
}

const stage = (id: string, kind: StageRecord["kind"], state: StageRecord["state"], more = {}) =>
  ({
    id,
    kind,
    state,
    inputs: {},
    outputs: {},
    seconds: 12.34,
    facts: {},
    ...more,
  }) as unknown as StageRecord;

describe("a quickstart tells", () => {
  test("in three lines of 80 columns what is going to happen and how long each stage takes", () => {
    const lines = headerLines(settings, stages, "runs/quickstart");
    expect(lines).toEqual([
      "A model of 2.4 million parameters learns to operate a shell, in runs/quickstart",
      "About 10m: scenarios 10 s, sessions 3m, base 20 s, training 7m, adapter 20 s",
      "1,000 sessions fit 10 minutes at 1,835 tok/s on the CPU; Ctrl-C loses nothing",
    ]);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  });

  test("of a base without a limit how much memory and how many hours it takes", () => {
    const slow: Settings = {
      ...settings,
      asked: { ...settings.asked, minutes: null },
      budget: { ...settings.budget, seconds: { ...settings.budget.seconds, training: 26_000 } },
      device: { ...settings.device, parameters: 134_515_008, bytes: 1.5 * 2 ** 30 },
    };
    const [what, times, choice] = headerLines(slow, stagesOf(slow, recipeFor("./other")), "runs/x");
    expect(what).toContain("135 million");
    expect(times).toStartWith("About 7h 17m: ");
    expect(choice).toContain("on the CPU in 1.50 GiB");
  });

  test("each stage when it begins and when it ends, with its number and what it came to", () => {
    const { terminal, lines } = recorder();
    const told = new StageLines(stages, terminal);
    told.tell(stage("scenarios/heldout", "scenarios", "done"));
    told.tell(stage("data/main/sessions", "sessions", "begun"));
    told.tell(stage("data/main/sessions", "sessions", "begun"));
    expect(told.where()).toBe("[2/5] sessions");
    told.tell(stage("data/main/sessions", "sessions", "done", { facts: { kept: 1000, finished: 1042 } }));
    told.tell(stage("data/main/rows", "rows", "begun"));
    told.tell(stage("eval/base", "eval", "begun"));
    told.tell(stage("eval/base", "eval", "done", { facts: { clean: 0, episodes: 16 } }));
    told.tell(stage("models/adapter/seed-1", "model", "begun"));
    told.tell(stage("eval/adapter/seed-1", "eval", "begun"));
    expect(lines).toEqual([
      "[1/5] scenarios     done before: in 12.3 s",
      "[2/5] sessions      1,000 of 7 kinds of work, run in bubblewrap; about 3m",
      "[2/5] sessions      1,000 kept of 1,042 (96.0 %) in 12.3 s",
      "[3/5] eval base     16 sessions of at most 14 commands; about 20 s",
      "[3/5] eval base     clean 0/16 in 12.3 s",
      "[4/5] training      188 steps of LoRA over 1,500 rows on the CPU; about 7m",
      "[5/5] eval adapter  the same with the adapter; about 20 s",
    ]);
  });

  test("of what the stages say only progress and warnings; the rest stands in a file", () => {
    const { terminal, lines } = recorder();
    const folder = join(scratch, "log");
    mkdirSync(folder);
    const inner = stageTerminal(terminal, folder);
    inner.note("Optimisation: learning-rate 0.0012");
    inner.note("train: 45 %  12/27  3.1 s each  ETA 46.5 s");
    inner.note("load: 100 % in 90 ms");
    inner.out("result of a stage");
    inner.warn("rollout: 3 samples are missing");
    expect(lines).toEqual([
      "      train: 45 %  12/27  3.1 s each  ETA 46.5 s",
      "rollout: 3 samples are missing",
    ]);
    expect(readFileSync(join(folder, "quickstart.log"), "utf8").split("\n")).toHaveLength(6);
  });

  test("what to do next in lines that can be typed, no wider than the terminal", () => {
    const finished = {
      folder: "runs/quickstart",
      base: "embedded",
      scenario: "permissions-003",
      report: ["runs/quickstart/report/report.html", "runs/quickstart/report/figures/loss.svg"],
      program: "./dist/sekft",
    };
    const wide = nextSteps(finished, 200);
    expect(wide).toContain(
      "be the model  ./dist/sekft play runs/quickstart/scenarios/heldout --id permissions-003",
    );
    expect(wide.at(-1)).toBe("look closer   ./dist/sekft view runs/quickstart");
    expect(
      wide.some((line) => line.endsWith("--base HuggingFaceTB/SmolLM2-135M-Instruct --out runs/smollm2")),
    ).toBe(true);
    for (const line of nextSteps(finished, 80)) expect(line.length).toBeLessThanOrEqual(80);
    expect(nextSteps({ ...finished, base: "./mine" }, 200).join("\n")).not.toContain("--base");
  });

  test("its own name as the shell here finds it", () => {
    expect(programName("/usr/bin/bun", () => null)).toBe("sekft");
    expect(programName("/opt/sekft", () => "/opt/sekft")).toBe("sekft");
    expect(programName("/opt/sekft", () => null)).toBe("/opt/sekft");
    expect(programName(join(process.cwd(), "dist/sekft"), () => "/opt/sekft")).toBe("./dist/sekft");
  });
});

test("a quickstart that cannot begin leaves nothing behind", async () => {
  const folder = join(scratch, "refused");
  const machinery = {
    chooseSandbox: () => Promise.reject(new UserError("sandbox: expected Docker or bubblewrap, got neither")),
  } as unknown as QuickstartMachinery;
  const begun = quickstart(settings.asked, folder, machinery, recorder().terminal);
  expect(begun).rejects.toThrow("sandbox: expected Docker or bubblewrap, got neither");
  await begun.catch(() => undefined);
  expect(existsSync(folder)).toBe(false);
});
