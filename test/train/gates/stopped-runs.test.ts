// Real training runs whose windows measure what a test says: each rule stops its run at the right step, and a run that was stopped,
// killed or neither ends with the same bytes.

import { describe, expect } from "bun:test";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { resolveOptions } from "../../../src/base/resolve.ts";
import { readRules } from "../../../src/train/gates/read-rules.ts";
import type { Figures } from "../../../src/train/gates/rules.ts";
import { gatesName, type WindowSettings } from "../../../src/train/gates/windows.ts";
import { trainOptions } from "../../../src/train/options.ts";
import { train } from "../../../src/train/session.ts";
import { silent } from "../../base/silent-terminal.ts";
import { testDevice } from "../../gpu.ts";
import {
  adapterBytes,
  type Flags,
  numeric,
  readLog,
  runTrain,
  scratchFolder,
  withoutTimes,
} from "../tiny-run.ts";

const { gpuTest } = await testDevice();
const { scratch, trainFile } = scratchFolder();

// 14 rows, windows of 2: 7 updates an epoch, 14 in all; windows at 2, 4, ...
const flags: Flags = {
  base: join(numeric, "models", "tiny-llama"),
  tokenized: trainFile,
  gradientAccumulationSteps: "2",
  numTrainEpochs: "2",
  learningRate: "5e-3",
  loraR: "4",
  loraDropout: "0.2",
  saveSteps: "5",
};

/** pass@1 and the syntax rate at each window. */
const measured: Readonly<Record<number, Figures>> = Object.fromEntries(
  [
    [0.1, 0.8],
    [0.3, 0.9],
    [0.3, 0.85],
    [0.2, 0.8],
    [0.3, 0.95],
    [0.3, 0.95],
    [0.35, 0.95],
  ].map(([pass_at_1, syntax_rate], i) => [2 * (i + 1), { pass_at_1: pass_at_1!, syntax_rate: syntax_rate! }]),
);

const suites = [{ name: "smoke", metrics: ["pass_at_1", "syntax_rate"] }];

function windowsOf(stopWhen: unknown, onRun: (step: number) => void = () => undefined): WindowSettings {
  const rules = readRules(JSON.stringify({ stop_when: stopWhen }), suites);
  return {
    every: 2,
    atEnd: true,
    suites,
    rules,
    open: async ({ step, checkpoint, base }) => {
      // What a suite would look at: the weights of this step, on the base that is loaded.
      expect(existsSync(join(checkpoint, "adapter_model.safetensors"))).toBe(true);
      expect(base.config.layers).toBeGreaterThan(0);
      return {
        run: async () => {
          onRun(step);
          return measured[step]!;
        },
        [Symbol.asyncDispose]: async () => undefined,
      };
    },
  };
}

/** Trains with windows. */
async function run(
  out: string,
  stopWhen: unknown,
  more: Flags = {},
  onRun?: (step: number) => void,
): Promise<void> {
  const options = resolveOptions(trainOptions, { ...flags, windows: "{}", gates: "{}", out, ...more });
  await train(options, silent, undefined, windowsOf(stopWhen, onRun));
}

const decisions = (out: string) =>
  readFileSync(join(out, gatesName), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { kind: string; step: number; decision?: string; reasons?: string[] })
    .filter(({ kind }) => kind === "decision");

const plain = join(scratch, "plain");
let plainRun: Promise<unknown> | undefined;
/** The same run without windows, with a checkpoint at each step. */
const runPlain = () => (plainRun ??= runTrain({ ...flags, out: plain, saveSteps: "1" }));

describe("a run is stopped", () => {
  for (const [what, rule, step, reason] of [
    [
      "in the second window in a row in which a rate falls",
      { metric: "syntax_rate", falls: 2 },
      8,
      /fell in 2 windows in a row \(0.9 at 4, 0.85 at 6, 0.8 at 8\)/,
    ],
    [
      "so many steps after the best pass@1",
      { metric: "pass_at_1", no_better_for_steps: 6 },
      10,
      /best at step 4 with 0.3, 6 steps ago/,
    ],
    [
      "at a step that it may pass only with more",
      { after_step: 7, needs: { pass_at_1: 0.4, syntax_rate: 0.8 } },
      7,
      /smoke.pass_at_1 0.25 of 0.4, smoke.syntax_rate 0.9 of 0.8/,
    ],
  ] as const)
    gpuTest(what, async () => {
      await runPlain();
      const out = join(scratch, `stopped-${step}`);
      const at7 = measured as Record<number, Figures>;
      at7[7] = { pass_at_1: 0.25, syntax_rate: 0.9 };
      await run(out, rule);
      const all = decisions(out);
      expect(all.at(-1)).toMatchObject({ step, decision: "stop" });
      expect(all.slice(0, -1).every(({ decision }) => decision === "go on")).toBe(true);
      expect(all.at(-1)!.reasons!.join()).toMatch(reason);
      expect(readLog(out).filter(({ loss }) => loss !== undefined).length).toBe(step);
      // Measuring and stopping change nothing of what was learnt.
      expect(adapterBytes(out)).toEqual(adapterBytes(join(plain, `checkpoint-${step}`)));
      // A stopped run is finished; going on with it decides again as before, without another window.
      const before = readFileSync(join(out, gatesName), "utf8");
      const again: number[] = [];
      await run(out, rule, { resume: true }, (at) => again.push(at));
      expect(again).toEqual([]);
      expect(readFileSync(join(out, gatesName), "utf8")).toBe(before);
      expect(adapterBytes(out)).toEqual(adapterBytes(join(plain, `checkpoint-${step}`)));
    });

  gpuTest("by no rule goes to its end, with a checkpoint at each window", async () => {
    await runPlain();
    const out = join(scratch, "through");
    await run(out, [
      { metric: "syntax_rate", falls: 3 },
      { after_step: 10, needs: { pass_at_1: 0.3 } },
    ]);
    expect(decisions(out).map(({ step }) => step)).toEqual([2, 4, 6, 8, 10, 12, 14]);
    const steps = readdirSync(out).flatMap((name) => /^checkpoint-(\d+)$/.exec(name)?.[1] ?? []);
    expect(steps.map(Number).sort((a, b) => a - b)).toEqual([2, 4, 5, 6, 8, 10, 12, 14]);
    expect(adapterBytes(out)).toEqual(adapterBytes(plain));
  });
});

gpuTest("a run that fails in any of its windows goes on to the same decisions and bytes", async () => {
  const rule = { metric: "pass_at_1", no_better_for_steps: 6 };
  const whole = join(scratch, "whole");
  await run(whole, rule);
  for (const dies of [2, 6, 10]) {
    const out = join(scratch, `dies-${dies}`);
    const failing = run(out, rule, {}, (step) => {
      if (step === dies) throw new Error("killed in a window");
    });
    await expect(failing).rejects.toThrow("killed in a window");
    const ran: number[] = [];
    await run(out, rule, { resume: true }, (step) => ran.push(step));
    expect(ran).toEqual([2, 4, 6, 8, 10].filter((step) => step >= dies));
    expect(decisions(out)).toEqual(decisions(whole));
    expect(adapterBytes(out)).toEqual(adapterBytes(whole));
    expect(withoutTimes(readLog(out))).toEqual(withoutTimes(readLog(whole)));
  }
});

gpuTest("other gates let a stopped run go on, other windows are refused", async () => {
  const rule = { metric: "pass_at_1", no_better_for_steps: 6 };
  const out = join(scratch, "other-gates");
  await run(out, rule);
  const copy = join(scratch, "other-windows");
  cpSync(out, copy, { recursive: true });
  await expect(run(copy, rule, { resume: true, windows: '{"every": 3}' })).rejects.toThrow("--windows");
  await run(out, { metric: "pass_at_1", no_better_for_steps: 9 }, { resume: true, gates: '{"other": 1}' });
  expect(decisions(out).at(-1)).toMatchObject({ step: 14, decision: "go on" });
  // --overwrite takes the windows away with the rest.
  await runTrain({ ...flags, out, overwrite: true, maxSteps: "1" });
  expect(existsSync(join(out, gatesName))).toBe(false);
  expect(existsSync(join(out, "windows"))).toBe(false);
  rmSync(out, { recursive: true });
});

gpuTest(
  "gates without windows, and windows that nobody runs, are refused before anything is written",
  async () => {
    const out = join(scratch, "refused");
    const options = (more: Flags) => resolveOptions(trainOptions, { ...flags, out, ...more });
    await expect(train(options({ gates: "{}" }), silent)).rejects.toThrow(
      "--gates: expected --windows beside it",
    );
    await expect(train(options({ windows: "{}" }), silent)).rejects.toThrow("--windows: expected a run");
    expect(existsSync(out)).toBe(false);
  },
);
