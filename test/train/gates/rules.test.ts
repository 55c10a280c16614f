// Rules over figures that are written out by hand: the step at which each must stop is known beforehand.

import { describe, expect, test } from "bun:test";
import { readRules } from "../../../src/train/gates/read-rules.ts";
import { judge, type Window } from "../../../src/train/gates/rules.ts";

const suites = [
  { name: "smoke", metrics: ["pass_at_1", "syntax_rate"] },
  { name: "format", metrics: ["pass_rate", "json_rate"] },
  { name: "shell", metrics: ["clean_rate", "pass_rate"] },
];

const rules = (gates: unknown) => readRules(JSON.stringify(gates), suites);

/** Windows with one figure of smoke: [step, value]. */
const windows = (metric: string, values: readonly (readonly [number, number | null])[]): Window[] =>
  values.map(([step, value]) => ({ step, figures: { smoke: { [metric]: value } } }));

/** The first step at which the rule stops; undefined: never. */
function stopOf(gate: unknown, all: readonly Window[]): number | undefined {
  const [rule] = rules({ stop_when: gate });
  return all.find((_, i) => judge(rule!, all.slice(0, i + 1)).stop)?.step;
}

describe("a figure that falls", () => {
  const rule = { suite: "smoke", metric: "syntax_rate", falls: 2 };
  const stop = (...values: (number | null)[]) =>
    stopOf(
      rule,
      windows(
        "syntax_rate",
        values.map((value, i) => [250 * (i + 1), value]),
      ),
    );

  test("stops in the second window in a row, not in the first", () => {
    expect(stop(0.9, 0.8, 0.7, 0.6)).toBe(750);
    expect(stop(0.9, 0.95, 0.94, 0.93)).toBe(1000);
  });
  test("counts anew after a window that did not fall", () => {
    expect(stop(0.9, 0.8, 0.8, 0.7)).toBeUndefined();
    expect(stop(0.9, 0.8, 0.85, 0.8, 0.7)).toBe(1250);
  });
  test("passes over a window that has no figure, and never stops in one", () => {
    expect(stop(0.9, null, 0.8, null, 0.7)).toBe(1250);
    expect(stop(0.9, 0.8, null)).toBeUndefined();
  });
  test("says which numbers it saw", () => {
    const verdict = judge(
      rules({ stop_when: rule })[0]!,
      windows("syntax_rate", [
        [250, 0.9],
        [500, 0.8],
        [750, 0.7],
      ]),
    );
    expect(verdict).toEqual({
      rule: "stop when smoke.syntax_rate falls in 2 windows in a row",
      stop: true,
      why: "smoke.syntax_rate fell in 2 windows in a row (0.9 at 250, 0.8 at 500, 0.7 at 750)",
      numbers: [
        { step: 250, figure: "smoke.syntax_rate", value: 0.9 },
        { step: 500, figure: "smoke.syntax_rate", value: 0.8 },
        { step: 750, figure: "smoke.syntax_rate", value: 0.7 },
      ],
    });
  });
});

describe("a figure that is no better", () => {
  const rule = { metric: "pass_at_1", no_better_for_steps: 750 };
  const every250 = (...values: (number | null)[]) =>
    windows(
      "pass_at_1",
      values.map((value, i) => [250 * (i + 1), value]),
    );

  test("stops 750 steps after its best, not before", () => {
    expect(stopOf(rule, every250(0.1, 0.3, 0.2, 0.3, 0.3))).toBe(1250);
    expect(stopOf(rule, every250(0.1, 0.3, 0.2, 0.3, 0.31, 0.2, 0.2, 0.3))).toBe(2000);
    expect(stopOf(rule, every250(0.1, 0.2, 0.3, 0.4, 0.5, 0.6))).toBeUndefined();
  });
  test("counts equal as no better, and gains up to `by` as none", () => {
    expect(stopOf(rule, every250(0.2, 0.2, 0.2, 0.2))).toBe(1000);
    expect(stopOf({ ...rule, by: 0.05 }, every250(0.2, 0.24, 0.25, 0.25))).toBe(1000);
    expect(stopOf({ ...rule, by: 0.05 }, every250(0.2, 0.24, 0.26, 0.25))).toBeUndefined();
  });
  test("waits for a first figure", () => {
    expect(stopOf(rule, every250(null, null, null, null, null))).toBeUndefined();
    expect(stopOf(rule, every250(null, null, 0.1, null, null, 0.1))).toBe(1500);
  });
});

describe("figures that are needed to go past a step", () => {
  const rule = { suite: "smoke", after_step: 1000, needs: { pass_at_1: 0.4, syntax_rate: 0.95 } };
  const at = (step: number, pass_at_1: number | null, syntax_rate: number | null): Window => ({
    step,
    figures: { smoke: { pass_at_1, syntax_rate } },
  });

  test("stop at that step when one of them is short or unknown", () => {
    expect(stopOf(rule, [at(500, 0, 0), at(1000, 0.39, 1), at(1500, 1, 1)])).toBe(1000);
    expect(stopOf(rule, [at(1000, 0.4, 0.94)])).toBe(1000);
    expect(stopOf(rule, [at(1000, null, 1)])).toBe(1000);
  });
  test("let it pass when each is exactly as large as asked, and are asked once", () => {
    expect(stopOf(rule, [at(500, 0, 0), at(1000, 0.4, 0.95), at(1500, 0, 0)])).toBeUndefined();
  });
  test("are asked in the first window behind it when none is at it", () => {
    expect(stopOf(rule, [at(750, 0, 0), at(1250, 0.1, 1)])).toBe(1250);
    expect(stopOf(rule, [at(750, 0, 0), at(1250, 0.5, 1), at(1500, 0, 0)])).toBeUndefined();
  });
  test("say each number beside what it should be", () => {
    expect(judge(rules({ stop_when: rule })[0]!, [at(1000, 0.39, 1)])).toMatchObject({
      rule: "go past step 1000 only with smoke.pass_at_1 of at least 0.4 and smoke.syntax_rate of at least 0.95",
      why: "smoke.pass_at_1 0.39 of 0.4, smoke.syntax_rate 1 of 0.95",
    });
  });
});

describe("rules in the config", () => {
  const complaint = (stop_when: unknown): string => {
    try {
      rules({ stop_when });
    } catch (error) {
      const { message, hint } = error as Error & { hint?: string };
      return `${message} (${hint ?? ""})`;
    }
    return "none";
  };

  test("find a metric by its name alone where one suite has it, or with its suite", () => {
    expect(rules({ stop_when: [{ metric: "shell.pass_rate", falls: 1 }] })[0]).toEqual({
      kind: "falls",
      of: { suite: "shell", metric: "pass_rate" },
      times: 1,
    });
    expect(
      rules({ stop_when: { after_step: 10, needs: { "format.pass_rate": 1, clean_rate: 0.5 } } })[0],
    ).toEqual({
      kind: "needs",
      afterStep: 10,
      needs: [
        { suite: "format", metric: "pass_rate", least: 1 },
        { suite: "shell", metric: "clean_rate", least: 0.5 },
      ],
    });
  });

  for (const [what, rule, said] of [
    [
      "a metric nobody measures",
      { metric: "pass_at_l", falls: 2 },
      /stop_when\[0\].metric: expected one of .*did you mean pass_at_1\?/,
    ],
    [
      "a metric of two suites",
      { metric: "pass_rate", falls: 2 },
      /one suite that measures pass_rate, got format and shell/,
    ],
    [
      "a suite that is not run",
      { suite: "smok", metric: "pass_at_1", falls: 2 },
      /suite: expected a suite .* got smok .*did you mean smoke\?/,
    ],
    ["an unknown key", { metric: "pass_at_1", fals: 2 }, /got "fals" .*did you mean falls\?/],
    [
      "two kinds at once",
      { metric: "pass_at_1", falls: 2, after_step: 5 },
      /expected a rule, .*, got another shape/,
    ],
    [
      "a kind's key in another",
      { metric: "pass_at_1", falls: 2, by: 0.1 },
      /stop_when\[0\].by: expected no such key/,
    ],
    ["no metric", { falls: 2 }, /expected a metric, got none/],
    ["no needs", { after_step: 100 }, /expected needs: /],
    ["a share in words", { metric: "pass_at_1", falls: "two" }, /whole number of at least 1, got "two"/],
  ] as const)
    test(`refuse ${what}`, () => expect(complaint([rule])).toMatch(said));
});
