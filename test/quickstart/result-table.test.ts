import { describe, expect, test } from "bun:test";
import { compareArms } from "../../src/eval/compare.ts";
import { tableOf } from "../../src/quickstart/result-table.ts";
import { clean, episode } from "./episodes.ts";

// The published run: 14 of 16 clean against none. Wilson's intervals of 14/16 and 0/16 are [0.64, 0.97] and [0.00, 0.19]; the lift has
// Newcombe's interval, 0.875 - sqrt(0.235^2 + 0.194^2) to 0.875 + 0.090; p is 2 * 2^-14.
const ids = Array.from({ length: 16 }, (_, i) => `permissions-${String(i).padStart(3, "0")}`);
const comparison = compareArms(
  { name: "base", records: ids.map((id) => episode("base", id)) },
  {
    name: "adapter",
    records: ids.map((id, i) => episode("adapter", id, i < 14 ? clean : { operated: true })),
  },
  0,
);

describe("the table of a quickstart", () => {
  test("has the five metrics with both arms, lift, intervals and McNemar's p", () => {
    const lines = tableOf(comparison, 120);
    expect(lines[0]!.trim().split(/\s+/)).toEqual(["base", "adapter", "lift", "p"]);
    expect(lines.slice(1).map((line) => line.split(" ")[0]!)).toEqual([
      "operate",
      "discover",
      "terminate",
      "verified",
      "clean",
    ]);
    expect(lines[5]).toMatch(
      /^clean +0\/16 {2}0\.00 \[0\.00, 0\.19\] {2}14\/16 {2}0\.88 \[0\.64, 0\.97\] {2}\+0\.88 \[0\.57, 0\.97\] {2}<0\.001$/,
    );
    expect(lines[1]).toContain("16/16  1.00 [0.81, 1.00]");
  });

  test("fits 80 columns with all its intervals, and 64 with those of the arms", () => {
    const eighty = tableOf(comparison, 80);
    expect(Math.max(...eighty.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(eighty[5]).toMatch(
      /^clean +0\/16 \[0\.00, 0\.19\] +14\/16 \[0\.64, 0\.97\] +\+0\.88 \[0\.57, 0\.97\]/,
    );
    const narrow = tableOf(comparison, 64);
    expect(Math.max(...narrow.map((line) => line.length))).toBeLessThanOrEqual(64);
    expect(narrow[5]).toMatch(/^clean +0\/16 \[0\.00, 0\.19\] +14\/16 \[0\.64, 0\.97\] +\+0\.88 +<0\.001$/);
  });
});
