// Preference pairs against cases made by hand.

import { expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Turn } from "../../src/data/normalize.ts";
import type { Outcome, TrajectoryRecord } from "../../src/data/trajectory.ts";
import { balanceLines, balanceOf } from "../../src/factory/pairs/balance.ts";
import { makePairs } from "../../src/factory/pairs/make-pairs.ts";
import { writePairs } from "../../src/factory/pairs/write-pairs.ts";
import { temporaryFolder } from "../data/golden-text.ts";

const folder = temporaryFolder();
const head: Turn[] = [
  { role: "system", content: "sek 0.1.0 host: sek user: alice shell: /bin/dash" },
  { role: "user", content: "Welcome, alice.\n" },
];

/** Turns of a session: commands with what they print. */
function session(...steps: readonly (readonly [string, string?])[]): Turn[] {
  return [
    ...head,
    ...steps.flatMap(([command, output]): Turn[] => [
      { role: "user", content: "alice@sek:~$ " },
      { role: "assistant", content: command },
      ...(output === undefined ? [] : [{ role: "user" as const, content: output }]),
    ]),
  ];
}

function record(id: string, outcome: Outcome, turns: Turn[], scenarioId = "a-000"): TrajectoryRecord {
  const keep = outcome === "success" || outcome === "correct_panic";
  const terminal = outcome === "correct_panic" ? "panic" : "exit";
  const place = { file: "t.jsonl", line: 1 };
  return {
    id,
    place,
    turns,
    keep,
    shape: "trajectory",
    scenarioId,
    archetype: scenarioId.split("-")[0]!,
    outcome,
    verified: keep,
    terminal,
  };
}

const kept = record(
  "k",
  "success",
  session(["p --help", "usage: p next\n"], ["p next", "Make x.\n"], ["touch x"], ["exit"]),
);

test("an empty reply makes no pair, whichever side it is on", () => {
  const silent = record(
    "r",
    "incomplete",
    session(["p --help", "usage: p next\n"], ["p next", "Make x.\n"], [" \n"]),
  );
  const { pairs, leftOut } = makePairs([kept, silent], 0);
  expect([pairs, leftOut.nothing_said]).toEqual([[], 1]);
  const mute = record("m", "success", silent.turns as Turn[]);
  const left = record("l", "premature_exit", session(["p --help", "usage: p next\n"], ["exit"]));
  expect(makePairs([mute, left], 0).pairs).toHaveLength(1);
  const after = session(["p --help", "usage: p next\n"], ["p next", "Make x.\n"], ["exit"]);
  expect(makePairs([mute, record("e", "premature_exit", after)], 0).leftOut.nothing_said).toBe(1);
});

test("a pair is cut at the first turn that differs", () => {
  const early = record(
    "r",
    "premature_exit",
    session(["p --help", "usage: p next\n"], ["p next", "Make x.\n"], ["exit"]),
  );
  const { pairs } = makePairs([kept, early], 0);
  expect(pairs).toEqual([
    {
      prompt: [
        {
          role: "user",
          content: "sek 0.1.0 host: sek user: alice shell: /bin/dash\nWelcome, alice.\nalice@sek:~$ ",
        },
        { role: "assistant", content: "p --help" },
        { role: "user", content: "usage: p next\nalice@sek:~$ " },
        { role: "assistant", content: "p next" },
        { role: "user", content: "Make x.\nalice@sek:~$ " },
      ],
      chosen: [{ role: "assistant", content: "touch x" }],
      rejected: [{ role: "assistant", content: "exit" }],
      scenario_id: "a-000",
      archetype: "a",
      chosen_id: "k",
      rejected_id: "r",
      rejected_outcome: "premature_exit",
    },
  ]);
});

test("samples are never paired across scenarios, nor with failures of the machinery", () => {
  const elsewhere = record("b", "premature_exit", session(["exit"]), "b-000");
  const broken = record("c", "infrastructure_error", session(["exit"]));
  const { pairs, ignored, scenarios } = makePairs([kept, elsewhere, broken], 0);
  expect(pairs).toEqual([]);
  expect(ignored.infrastructure).toBe(1);
  expect(scenarios).toEqual({ all: 2, only_kept: 1, only_rejected: 1 });
});

test("the same preference counts once", () => {
  const bad = (id: string) =>
    record(id, "premature_exit", session(["p --help", "usage: p next\n"], ["exit"]));
  const { pairs, leftOut } = makePairs([kept, bad("r1"), bad("r2")], 0);
  expect(pairs.map(({ rejected_id }) => rejected_id)).toEqual(["r1"]);
  expect(leftOut.duplicate).toBe(1);
});

test("a command that another kept sample used at the same place is not rejected", () => {
  const other = record("k2", "success", session(["ls"], ["p next", "Make x.\n"], ["touch x"], ["exit"]));
  const bad = record("r", "premature_exit", session(["ls"], ["exit"]));
  const { pairs, leftOut } = makePairs([kept, other, bad], 0);
  // Against `kept` it differs by `ls`, with which the other one succeeded; against that one by leaving.
  expect(pairs.map(({ chosen, rejected }) => [chosen[0]!.content, rejected[0]!.content])).toEqual([
    ["p next", "exit"],
  ]);
  expect(leftOut.command_also_kept).toBe(1);
});

test("a world that answered differently to the same command gives no pair", () => {
  const odd = record("r", "premature_exit", session(["p --help", "something else\n"], ["exit"]));
  expect(makePairs([kept, odd], 0).leftOut.world_differed).toBe(1);
  const silent = record("r", "premature_exit", session(["p --help"], ["exit"]));
  expect(makePairs([kept, silent], 0).leftOut.world_differed).toBe(1);
});

test("a sample that merely goes on longer gives no pair", () => {
  const longer = record("r", "incomplete", [...kept.turns, { role: "user", content: "more" }]);
  const { pairs, leftOut } = makePairs([kept, longer], 0);
  expect(pairs).toEqual([]);
  expect(leftOut.same_commands).toBe(1);
});

test("the cap takes the pairs with the longest common history", () => {
  const at = (id: string, ...steps: readonly (readonly [string, string?])[]) =>
    record(id, "premature_exit", session(...steps));
  const bad = [
    at("r0", ["exit"]),
    at("r2", ["p --help", "usage: p next\n"], ["p next", "Make x.\n"], ["exit"]),
    at("r1", ["p --help", "usage: p next\n"], ["exit"]),
  ];
  const { pairs, leftOut } = makePairs([kept, ...bad], 2);
  expect(pairs.map(({ rejected_id }) => rejected_id)).toEqual(["r2", "r1"]);
  expect(leftOut.over_the_cap).toBe(1);
});

test("the report counts by archetype, by outcome, and what is lopsided", () => {
  const bad = record("r", "wrong_terminal", session(["panic"]));
  const shorter = record("s", "premature_exit", session(["p --help", "usage: p next\n"], ["exit"]));
  const balance = balanceOf(makePairs([kept, bad, shorter], 0));
  expect(balance).toMatchObject({
    pairs: 2,
    scenarios: 1,
    by_archetype: { a: 2 },
    by_rejected_outcome: { premature_exit: 1, wrong_terminal: 1 },
    chosen_longer: 2,
    chosen_shorter: 0,
    chosen_terminal: 0,
    rejected_terminal: 2,
  });
  expect(balance.lengths.rejected).toEqual({ min: 4, median: 5, max: 5 });
  expect(balanceLines(balance)[0]).toBe("pairs: 2 of 1 scenarios");
});

test("without both sorts nothing is written, and why is said", async () => {
  const write = (name: string, ...records: readonly TrajectoryRecord[]) => {
    const file = join(folder, name);
    const lines = records.map((one) => ({
      version: 1,
      id: one.id,
      scenario_id: one.scenarioId,
      archetype: one.archetype,
      turns: one.turns,
      outcome: one.outcome,
      verified: one.verified,
      terminal: one.terminal,
      keep: one.keep,
    }));
    writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    return file;
  };
  const out = join(folder, "pairs.jsonl");
  const bad = record("r", "premature_exit", session(["exit"]));
  const cases: [string, string][] = [
    [write("only-kept.jsonl", kept), "1 kept and none rejected"],
    [write("only-rejected.jsonl", bad), "1 rejected and none kept"],
    [
      write("apart.jsonl", kept, record("b", "premature_exit", session(["exit"]), "b-000")),
      "1 scenarios with only kept and 1 with only rejected",
    ],
    [write("alike.jsonl", kept, record("l", "incomplete", [...kept.turns])), "same_commands 1"],
  ];
  for (const [file, said] of cases) {
    await expect(writePairs(file, out, 0)).rejects.toThrow(said);
    expect(existsSync(out)).toBe(false);
  }
  await writePairs(write("both.jsonl", kept, bad), out, 0);
  const lines = readFileSync(out, "utf8").trimEnd().split("\n");
  expect(lines.map((line) => Object.keys(JSON.parse(line)).slice(0, 3))).toEqual([
    ["prompt", "chosen", "rejected"],
  ]);
});
