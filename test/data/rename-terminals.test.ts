// What renaming the endings changes in a session, and what it leaves alone.

import { describe, expect, test } from "bun:test";
import type { Turn } from "../../src/data/normalize.ts";
import { renameCommand, renameMentions, renameTurns } from "../../src/data/rename-terminals.ts";
import { trajectories } from "../agent/recorded-world.ts";

const words = { exit: "leave", panic: "stuck" };

describe("a session", () => {
  test("of the corpus has another last turn and is otherwise the same, byte for byte", () => {
    for (const { id, turns, terminal } of trajectories) {
      const renamed = renameTurns(turns, words);
      expect({ id, turns: renamed.slice(0, -1) }).toEqual({ id, turns: turns.slice(0, -1) });
      expect(renamed.at(-1)).toEqual({ ...turns.at(-1)!, content: terminal === "exit" ? "leave" : "stuck" });
      expect(renameTurns(renamed, words)).toEqual(renamed);
      expect(renameTurns(turns, { exit: "exit", panic: "panic" })).toBe(turns);
    }
  });

  test("keeps weights, earlier commands that end nothing, and is renamed where a shell says it", () => {
    const turns: Turn[] = [
      { role: "system", content: "Type `exit` when the work is done, or run panic if it cannot be." },
      { role: "user", content: "a@b:~$ " },
      { role: "assistant", content: "(exit 3)" },
      { role: "user", content: "a@b:~$ " },
      { role: "assistant", content: "[ -s x ] || panic; rm x && exit", weight: 2 },
    ];
    expect(renameTurns(turns, words)).toEqual([
      { role: "system", content: "Type `leave` when the work is done, or run stuck if it cannot be." },
      turns[1]!,
      turns[2]!,
      turns[3]!,
      { role: "assistant", content: "[ -s x ] || stuck; rm x && leave", weight: 2 },
    ]);
  });
});

describe("a text", () => {
  for (const [before, after] of [
    ["Leave by exit or panic.", "Leave by leave or stuck."],
    ["Reply with: exit", "Reply with: leave"],
    ["say 'panic' when blocked, \"exit\" when done", "say 'stuck' when blocked, \"leave\" when done"],
    ["then run exit.", "then run leave."],
    ["desk:~$ exit", "desk:~$ leave"],
    ["exit/panic end it", "leave/stuck end it"],
  ] as const)
    test(`names the commands: ${before}`, () => expect(renameMentions(before, words)).toBe(after));

  for (const text of [
    "it ends with exit code 2",
    "use exit status 1 for trouble",
    "#!/bin/sh\nif [ -z $1 ]; then exit 1; fi\nexit 0",
    "awk '{ print; exit }' log",
    "kernel panic at 12:00; the panic was over",
    "the exit is at the end of the hall; exits, panics",
    "use exit 3 in scripts",
    "run exit_hook and panic-button",
  ])
    test(`keeps: ${text}`, () => expect(renameMentions(text, words)).toBe(text));
});

describe("a last command", () => {
  for (const [before, after] of [
    ["exit", "leave"],
    ["  exit 0 ", "  leave 0 "],
    ["panic no such file", "stuck no such file"],
    ["echo exit; exit", "echo exit; leave"],
    ["if [ -e x ]; then exit; else panic; fi", "if [ -e x ]; then leave; else stuck; fi"],
    ["{ exit 5; }", "{ leave 5; }"],
    ["! exit 1", "! leave 1"],
    ["a && exit # exit", "a && leave # exit"],
    ["ls\nexit", "ls\nleave"],
    ["(exit 3); exit", "(exit 3); leave"],
  ] as const)
    test(`is renamed where the shell would run it: ${JSON.stringify(before)}`, () =>
      expect(renameCommand(before, words)).toBe(after));

  for (const command of [
    "(exit 3)",
    "x=$(exit 5)",
    "sh -c 'exit 6'",
    'sh -c "exit 6"',
    "echo `exit 8`",
    "cat >s.sh <<E\nexit\nE",
    "exits",
    "exit_now",
    "echo exit",
    "awk '{print; exit}' f",
    "# exit",
  ])
    test(`stays where it ends nothing: ${JSON.stringify(command)}`, () =>
      expect(renameCommand(command, words)).toBe(command));
});
