// The whole table of outcomes, written out by hand from the definitions.

import { describe, expect, test } from "bun:test";
import { decideOutcome, type Ending, isClean } from "../../src/agent/outcome.ts";
import type { Outcome } from "../../src/data/trajectory.ts";

const base: Ending = {
  broken: false,
  terminal: null,
  expected: "exit",
  passed: false,
  overrun: false,
  prose: [false, false, false],
  talked: false,
};

/** Ending word, expected word, verdict, limit -> outcome with few sentences, outcome with many. */
const table: [Ending["terminal"], Ending["expected"], boolean, boolean, Outcome, Outcome][] = [
  ["exit", "exit", true, false, "success", "success"],
  ["exit", "exit", false, false, "premature_exit", "prose_drift"],
  ["exit", "panic", true, false, "wrong_terminal", "prose_drift"],
  ["exit", "panic", false, false, "wrong_terminal", "prose_drift"],
  ["panic", "panic", true, false, "correct_panic", "correct_panic"],
  ["panic", "panic", false, false, "premature_exit", "prose_drift"],
  ["panic", "exit", true, false, "wrong_terminal", "prose_drift"],
  ["panic", "exit", false, false, "wrong_terminal", "prose_drift"],
  [null, "exit", true, true, "budget_overrun", "prose_drift"],
  [null, "exit", false, true, "budget_overrun", "prose_drift"],
  [null, "panic", true, true, "budget_overrun", "prose_drift"],
  [null, "panic", false, true, "budget_overrun", "prose_drift"],
  [null, "exit", true, false, "incomplete", "prose_drift"],
  [null, "exit", false, false, "incomplete", "prose_drift"],
  [null, "panic", true, false, "incomplete", "prose_drift"],
  [null, "panic", false, false, "incomplete", "prose_drift"],
];

describe("an episode", () => {
  for (const [terminal, expected, passed, overrun, outcome, wordy] of table) {
    const ending = { ...base, terminal, expected, passed, overrun };
    const how = `${terminal ?? (overrun ? "a limit" : "nothing")}, ${expected} expected, checker ${passed ? "passes" : "fails"}`;
    test(`that ends by ${how} is ${outcome}, or ${wordy} when half of it was talk`, () => {
      expect(decideOutcome(ending)).toBe(outcome);
      expect(decideOutcome({ ...ending, prose: [] })).toBe(outcome);
      expect(decideOutcome({ ...ending, prose: [true, false, false] })).toBe(outcome);
      expect(decideOutcome({ ...ending, prose: [true, false] })).toBe(wordy);
      expect(decideOutcome({ ...ending, talked: true })).toBe(wordy);
      expect(decideOutcome({ ...ending, broken: true })).toBe("infrastructure_error");
    });
  }
  test("is clean only as success or correct panic", () => {
    const all = [...new Set(table.flatMap((row) => [row[4], row[5]])), "infrastructure_error" as const];
    expect(all.filter(isClean)).toEqual(["success", "correct_panic"]);
  });
});
