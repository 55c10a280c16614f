// What counts as using the provider, and as seeing what it says.

import { describe, expect, test } from "bun:test";
import { hasDiscovered, hasOperated, providerCalls } from "../../src/agent/provider-use.ts";
import { scenarios, trajectories } from "./recorded-world.ts";

const facts = {
  provider: { name: "hupta", path: "/opt/x/hupta" },
  env: { SEK_TASKS: "/opt/x/hupta", HOW: "run hupta --help" },
  directive: "Create the file /srv/a with the single line 'b'.",
};
const ran = (command: string, output = "", status = 0) => ({ command, output, status });

describe("the provider is called by", () => {
  const calls: [command: string, args: string[]][] = [
    ["hupta --help", ["--help"]],
    ["/opt/x/hupta 1", ["1"]],
    ["cd /opt/x && ./hupta list", ["list"]],
    ["ls; hupta list | head -n 1", ["list"]],
    ["FOO=1 hupta list", ["list"]],
    ["x=$(hupta list)", ["list"]],
    ["hupta show $(echo 5)", ["show", "\ue001"]],
    ["echo `hupta list`", ["list"]],
    ["if hupta list; then ls; fi", ["list"]],
    ["! hupta list", ["list"]],
    ["exec hupta list", ["list"]],
    ["command hupta list", ["list"]],
    ["env A=1 hupta list", ["list"]],
    ["timeout 5 hupta list", ["list"]],
    ["sh /opt/x/hupta list", ["list"]],
    ["sh -c 'hupta list'", ["list"]],
    ['eval "hupta list"', ["list"]],
    ["$SEK_TASKS list", ["list"]],
    ['"$SEK_TASKS" list', ["list"]],
    ["eval $SEK_TASKS list", ["list"]],
    ["'hupta' list 2>&1 >/dev/null", ["list"]],
    ["(hupta list)", ["list"]],
    ["{ hupta list; }", ["list"]],
    ["echo 1 | xargs hupta", []],
    ["true &&\n  hupta list", ["list"]],
    ["for i in 1 2; do hupta $i; done", ["$i"]],
    ["hupta \\\n  list", ["list"]],
  ];
  for (const [command, args] of calls)
    test(command, () => expect(providerCalls(command, facts).map((call) => call.args)).toEqual([args]));
});

describe("the provider is not called by", () => {
  for (const command of [
    "cat /opt/x/hupta",
    "ls -l /opt/x/hupta",
    "echo hupta",
    "which hupta",
    "command -v hupta",
    "man hupta",
    "# hupta list",
    "cat <<E\nhupta list\nE",
    "echo '$(hupta list)'",
    "grep x hupta; ls",
    "hupta2 list",
    "echo x > hupta",
    "'$SEK_TASKS' list",
    "hupta=1",
  ])
    test(command, () => expect(providerCalls(command, facts)).toEqual([]));
});

describe("the operator", () => {
  test("operated when the shell ran it", () => {
    expect(hasOperated(facts, [ran("hupta list", "5\n")])).toBe(true);
    expect(hasOperated(facts, [ran("hupta list", "", 2)])).toBe(true);
    expect(hasOperated(facts, [ran("ls"), ran("cat /opt/x/hupta", "#!/bin/sh\n")])).toBe(false);
    expect(hasOperated(facts, [])).toBe(false);
  });
  test("did not operate when the shell found no such program", () => {
    expect(hasOperated(facts, [ran("hupta list", "/bin/sh: 1: hupta: not found\n", 127)])).toBe(false);
    expect(hasOperated(facts, [ran("./hupta", "/bin/sh: 1: ./hupta: Permission denied\n", 126)])).toBe(false);
    expect(hasOperated(facts, [ran("hupta list | cat", "/bin/sh: 1: hupta: not found\n", 0)])).toBe(false);
  });
  test("discovered when the directive stood on the screen, however it was wrapped", () => {
    expect(hasDiscovered(facts, [ran("hupta 1", `${facts.directive}\n`)])).toBe(true);
    expect(hasDiscovered(facts, [ran("hupta 1 | fold", facts.directive.replace(" with", "\nwith"))])).toBe(
      true,
    );
    expect(hasDiscovered(facts, [ran("hupta 1 | head -c 20", facts.directive.slice(0, 20))])).toBe(false);
    expect(hasDiscovered(facts, [ran("hupta 1 > x")])).toBe(false);
  });
  const empty = { ...facts, directive: null };
  test("discovered an empty or locked queue when the provider said so", () => {
    expect(hasDiscovered(empty, [ran("hupta list", "nothing pending\n")])).toBe(true);
    expect(
      hasDiscovered(empty, [ran("hupta --for alice", "hupta: spool is locked by another operator\n", 75)]),
    ).toBe(true);
    expect(hasDiscovered(empty, [ran("hupta 1", "hupta: your seat is suspended\n", 1)])).toBe(true);
  });
  test("did not discover it by help, usage, a complaint or somebody else's words", () => {
    for (const one of [
      ran("hupta --help", "usage: hupta N\n"),
      ran("hupta help", "Prints task number N.\n"),
      ran("hupta", "usage: hupta N\ntry: hupta --help\n", 2),
      ran("hupta x | cat", "usage: hupta N\ntry: hupta --help\n", 0),
      ran("hupta 0", "hupta: there is no number 0\n", 1),
      ran("hupta show 5", "hupta: no such id\n", 1),
      ran("hupta --for bob", "hupta: no tasks for 'bob'\n", 1),
      ran("echo nothing pending", "nothing pending\n"),
      ran("hupta 1 > x", ""),
    ])
      expect(hasDiscovered(empty, [one])).toBe(false);
  });
  test("of the corpus saw the directive at the call that the provider answers, and not before", () => {
    for (const { scenario_id, turns } of trajectories) {
      const scenario = scenarios.get(scenario_id)!;
      if (scenario.directive === null) continue;
      const steps = turns.flatMap(({ role, content }, i) =>
        role === "assistant" ? [ran(content, turns[i + 1]?.content ?? "")] : [],
      );
      const first = steps.findIndex((step) => hasDiscovered(scenario, [step]));
      expect(providerCalls(steps[first]!.command, scenario)).toHaveLength(1);
      expect(hasOperated(scenario, steps.slice(0, first + 1))).toBe(true);
    }
  });
});
