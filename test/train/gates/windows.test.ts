// The training loop with windows, without a device: a suite whose figures are known beforehand, and processes that are killed.

import { afterAll, describe, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Interrupted } from "../../../src/base/errors.ts";
import { readRules } from "../../../src/train/gates/read-rules.ts";
import type { Figures } from "../../../src/train/gates/rules.ts";
import { openWindows } from "../../../src/train/gates/run-windows.ts";
import { gatesName, isWindow, type WindowSettings } from "../../../src/train/gates/windows.ts";

const scratch = mkdtempSync(join(tmpdir(), "sekft-gates-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let folders = 0;
const freshFolder = () => join(scratch, `run-${folders++}`);

const suites = [
  { name: "smoke", metrics: ["pass_at_1"] },
  { name: "format", metrics: ["pass_rate"] },
];

/** What the suites measure at each step. */
const measured: Readonly<Record<number, { smoke: Figures; format: Figures }>> = {
  10: { smoke: { pass_at_1: 0.5 }, format: { pass_rate: 0.9 } },
  20: { smoke: { pass_at_1: 0.6 }, format: { pass_rate: 0.8 } },
  30: { smoke: { pass_at_1: 0.7 }, format: { pass_rate: 0.7 } },
  40: { smoke: { pass_at_1: 0.8 }, format: { pass_rate: 0.6 } },
};

interface Killing {
  /** Runs so often, then the process is dead. */
  left: number;
}

/** Settings whose suites note what they ran, and die when told so. */
function settingsFor(stopWhen: unknown, ran: string[], killing?: Killing): WindowSettings {
  return {
    every: 10,
    atEnd: true,
    suites,
    rules: readRules(JSON.stringify({ stop_when: stopWhen }), suites),
    open: async ({ step }) => ({
      async run(suite) {
        if (killing && killing.left-- <= 0) throw new Error("killed");
        ran.push(`${suite} ${step}`);
        return measured[step]![suite as "smoke"];
      },
      [Symbol.asyncDispose]: async () => undefined,
    }),
  };
}

/** Goes through the windows after `from`, as the loop does. */
async function go(out: string, settings: WindowSettings, from: number): Promise<number> {
  const run = {
    out,
    windows: settings,
    progress: { step: from },
    plan: { totalSteps: 40 },
    model: { base: {} },
  };
  using hook = openWindows(run as never, () => false, { note: () => undefined })!;
  for (let step = from; step <= 40; step++)
    if (hook.isDue(step) && (await hook.decide(step)) === "stop") return step;
  return 40;
}

const record = (out: string) =>
  readFileSync(join(out, gatesName), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const withoutTimes = (out: string) => record(out).map(({ seconds, ...rest }) => rest);

const falling = { metric: "pass_rate", falls: 2 };

describe("windows", () => {
  test("are at every so many steps, at the end, and where a rule asks", () => {
    const rules = readRules('{"stop_when": {"after_step": 13, "needs": {"pass_at_1": 0.1}}}', suites);
    const due = (atEnd: boolean) =>
      Array.from({ length: 26 }, (_, step) => step).filter((step) =>
        isWindow({ every: 10, atEnd, rules }, step, 25),
      );
    expect(due(true)).toEqual([10, 13, 20, 25]);
    expect(due(false)).toEqual([10, 13, 20]);
  });

  test("stop the run where a rule says so, and write the numbers", async () => {
    const [out, ran] = [freshFolder(), [] as string[]];
    expect(await go(out, settingsFor(falling, ran), 0)).toBe(30);
    expect(ran).toEqual(["smoke 10", "format 10", "smoke 20", "format 20", "smoke 30", "format 30"]);
    expect(record(out).at(-1)).toMatchObject({
      kind: "decision",
      step: 30,
      decision: "stop",
      reasons: [
        "stop when format.pass_rate falls in 2 windows in a row: format.pass_rate fell in 2 windows in a row (0.9 at 10, 0.8 at 20, 0.7 at 30)",
      ],
    });
  });

  test("that were done are not run again, and decide as they did", async () => {
    const out = freshFolder();
    await go(out, settingsFor(falling, []), 0);
    const before = record(out);
    const again: string[] = [];
    expect(await go(out, settingsFor(falling, again), 30)).toBe(30);
    expect(again).toEqual([]);
    expect(record(out)).toEqual(before);
  });

  test("killed after any number of suites come to the same decisions, each suite once", async () => {
    const whole = freshFolder();
    await go(whole, settingsFor(falling, []), 0);
    for (let suitesRun = 0; suitesRun < 6; suitesRun++) {
      const [out, ran] = [freshFolder(), [] as string[]];
      await go(out, settingsFor(falling, ran, { left: suitesRun }), 0).catch(() => undefined);
      // A kill in the middle of a line.
      appendFileSync(join(out, gatesName), '{"kind":"suite","st');
      const checkpoint = 10 * (1 + Math.floor(suitesRun / 2));
      expect(await go(out, settingsFor(falling, ran), checkpoint)).toBe(30);
      expect(new Set(ran).size).toBe(ran.length);
      expect(withoutTimes(out)).toEqual(withoutTimes(whole));
    }
  });

  test("of later steps than the checkpoint are dropped and done again", async () => {
    const [out, ran] = [freshFolder(), [] as string[]];
    await go(out, settingsFor(falling, []), 0);
    const before = withoutTimes(out);
    expect(await go(out, settingsFor(falling, ran), 11)).toBe(30);
    expect(ran).toEqual(["smoke 20", "format 20", "smoke 30", "format 30"]);
    expect(withoutTimes(out)).toEqual(before);
  });

  test("under other rules let a stopped run go on", async () => {
    const [out, ran] = [freshFolder(), [] as string[]];
    await go(out, settingsFor(falling, []), 0);
    expect(await go(out, settingsFor({ metric: "pass_rate", falls: 3 }, ran), 30)).toBe(40);
    expect(ran).toEqual(["smoke 40", "format 40"]);
    expect(
      record(out)
        .filter(({ step }) => step === 30)
        .at(-1),
    ).toMatchObject({ decision: "go on" });
  });

  test("that are interrupted keep the suites before", async () => {
    const out = freshFolder();
    const settings = settingsFor(falling, []);
    const stopping: WindowSettings = {
      ...settings,
      open: async (subject) => {
        const inner = await settings.open(subject);
        return {
          ...inner,
          run: async (suite, signal) => {
            if (suite === "format") throw new Interrupted("stopped");
            return inner.run(suite, signal);
          },
        };
      },
    };
    const run = {
      out,
      windows: stopping,
      progress: { step: 0 },
      plan: { totalSteps: 40 },
      model: { base: {} },
    };
    using hook = openWindows(run as never, () => false, { note: () => undefined })!;
    expect(await hook.decide(10)).toBe("interrupted");
    expect(record(out).map(({ suite }) => suite)).toEqual(["smoke"]);
  });
});
