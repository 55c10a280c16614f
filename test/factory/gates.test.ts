// Each gate both ways, in real worlds: what must be admitted is, and each defect is refused by the gate that is there for it.

import { test as always, expect } from "bun:test";
import type { Scenario } from "../../src/data/scenario.ts";
import { hashScenario } from "../../src/data/scenario-json.ts";
import { cheatsFor, hiddenCheckerFiles } from "../../src/factory/gates/cheats.ts";
import { announcementChain, leakIn, staticDiscovery } from "../../src/factory/gates/discovery.ts";
import { judge } from "../../src/factory/gates/judge.ts";
import { mutantsOf } from "../../src/factory/gates/mutants.ts";
import { namedFiles, namedPaths } from "../../src/factory/gates/named-paths.ts";
import { NearDuplicates } from "../../src/factory/gates/near-duplicates.ts";
import { simpleCommands, topLevelParts, withoutPart } from "../../src/factory/gates/shell-text.ts";
import { checkerChanges, structureGate } from "../../src/factory/gates/structure.ts";
import { openBubblewrap } from "../../src/sandbox/bubblewrap/provider.ts";
import { scenarioOf, scenarios } from "../agent/recorded-world.ts";
import { need } from "../setup.ts";
import { bubblewrap } from "./bubblewrap.ts";

const test = need("bubblewrap", bubblewrap !== undefined);

/** A bundle of the corpus with something changed, under a hash that fits. */
function changed(
  archetype: string,
  change: Partial<Scenario> | ((of: Scenario) => Partial<Scenario>),
): Scenario {
  const base = scenarioOf(archetype);
  const next = { ...base, ...(typeof change === "function" ? change(base) : change) };
  return { ...next, contentHash: hashScenario(next) };
}

/** Worlds that wait less long for what never ends. */
const hasty = bubblewrap && openBubblewrap({ limits: { commandTimeoutMs: 6000 } });

/** The first gate that refuses, with its reason; `admitted` when none does. */
async function verdict(scenario: Scenario, attempts: string[][] = []): Promise<string> {
  const { admitted, results } = await judge(scenario, { provider: hasty, attempts });
  const refused = results.find(({ passed }) => !passed);
  return admitted ? "admitted" : `${refused!.gate}: ${refused!.reason}`;
}

const create = scenarioOf("file_create");
const [target] = namedPaths(create.directive!, `/home/${create.user}`);

test("a bundle of every archetype is admitted, and every gate was asked", async () => {
  const archetypes = [...new Set([...scenarios.values()].map(({ archetype }) => archetype))];
  for (const archetype of archetypes) {
    const { admitted, results, notAsked } = await judge(scenarioOf(archetype), {
      provider: bubblewrap,
      all: true,
    });
    expect({ archetype, refused: results.filter(({ passed }) => !passed), notAsked }).toEqual({
      archetype,
      refused: [],
      notAsked: [],
    });
    expect(admitted).toBe(true);
    expect(results.map(({ gate }) => gate)).toEqual([
      "structure",
      "initial_state",
      "no_op",
      "discovery",
      "reference",
      "mutants",
      "cheats",
      "panic",
    ]);
  }
}, 120_000);

const structural: Record<string, [Partial<Scenario> | ((of: Scenario) => Partial<Scenario>), string]> = {
  "a path outside of the world's roots": [
    { dirs: [{ path: "/usr/share/x" }] },
    "dirs[0].path: expected a path below",
  ],
  "two files of one name": [
    {
      fixtures: [
        { path: "/srv/a", content: "" },
        { path: "/srv/a", content: "" },
      ],
    },
    "fixtures[1].path: /srv/a is there twice",
  ],
  "a file where a directory must be": [
    { fixtures: [{ path: "/srv/a", content: "" }], dirs: [{ path: "/srv/a/b" }] },
    "/srv/a is a file, and /srv/a/b needs a directory there",
  ],
  "a poisoned variable": [{ env: { LD_PRELOAD: "/tmp/x" } }, "env.LD_PRELOAD"],
  "a login name that is root": [{ user: "root" }, "user: expected a login name"],
  "a script without a shell": [
    ({ provider }) => ({ provider: { ...provider, script: "echo hi\n" } }),
    "provider.script: expected it to begin with #!/bin/sh",
  ],
  "a program of another name": [
    ({ provider }) => ({ provider: { ...provider, path: "/usr/local/bin/other" } }),
    "provider.path: expected it to end in",
  ],
  "a reference that does not leave": [
    ({ referenceSolution }) => ({ referenceSolution: referenceSolution.slice(0, -1) }),
    "reference_solution: expected it to end with exit",
  ],
  "a reference that leaves early": [
    ({ referenceSolution }) => ({ referenceSolution: ["exit 0", ...referenceSolution] }),
    "reference_solution[0]: it leaves before the end",
  ],
  "a reference that never asks the provider": [
    { referenceSolution: ["ls", "exit"] },
    "reference_solution: expected it to call",
  ],
  "a checker that writes a file": [
    { checker: "sort /srv/a > /tmp/sorted; cmp /tmp/sorted /srv/b" },
    "checker: it writes (> /tmp/sorted)",
  ],
  "a checker that deletes": [
    { checker: "[ -f /srv/a ] && rm -f /srv/a" },
    "checker: it writes (rm -f /srv/a)",
  ],
};
for (const [what, [change, reason]] of Object.entries(structural))
  always(`structure refuses ${what}`, () => {
    const result = structureGate(changed("file_create", change));
    expect(result).toMatchObject({ gate: "structure", passed: false });
    expect((result.evidence.complaints as string[]).join("\n")).toContain(reason);
  });

always("a checker that only looks is no writer: quotes, null devices, comparisons and arithmetic", () => {
  for (const checker of [
    "grep -q x /srv/a >/dev/null 2>&1",
    `[ "$(awk '$1 > 3' /srv/a | wc -l)" -eq 2 ]`,
    "printf '%s' 'a > b; rm -rf /' | cmp -s - /srv/a 2> /dev/null",
    "case $(stat -c %a /srv/a) in 7*) exit 0;; *) exit 1;; esac",
    "[ $((2 > 1)) = 1 ] && sed -n 's/i/j/p' /srv/a",
  ])
    expect([checker, checkerChanges(checker)]).toEqual([checker, []]);
  expect(checkerChanges('x=$(cat /srv/a | tee "/tmp/b")')).toEqual(["tee /tmp/b"]);
  expect(checkerChanges("sed -i s/a/b/ /srv/a")).toHaveLength(1);
});

const announcing: Record<string, [(of: Scenario) => Partial<Scenario>, string]> = {
  "an announcement that leads nowhere": [
    () => ({ announcement: { kind: "banner", login: "Welcome.\n" }, env: {}, fixtures: [] }),
    "announcement: the login text and what it names never lead to",
  ],
  "a directive in the login text": [
    ({ provider, directive }) => ({
      announcement: { kind: "banner", login: `Tasks: ${provider.path}\n${directive}\n` },
    }),
    "announcement.login: it gives the directive away",
  ],
  "half a directive in a file": [
    ({ fixtures, directive }) => ({
      fixtures: [
        ...fixtures,
        { path: "/srv/note", content: `psst: ${directive!.split(" ").slice(0, 6).join(" ")}` },
      ],
    }),
    "it gives the directive away",
  ],
  "a directive in a variable": [
    ({ env, directive }) => ({ env: { ...env, HINT: directive! } }),
    "env.HINT: it gives the directive away",
  ],
  "the wanted file in the login text": [
    ({ provider }) => ({
      announcement: { kind: "banner", login: `Tasks: ${provider.path}. Results: ${target}\n` },
    }),
    `announcement.login: it gives ${target} away`,
  ],
};
for (const [what, [change, reason]] of Object.entries(announcing))
  always(`discovery refuses ${what}, without running anything`, () => {
    const result = staticDiscovery(changed("file_create", change));
    expect(result).toMatchObject({ gate: "discovery", passed: false });
    expect(result.reason).toContain(reason);
  });

always(
  "a chain of files and variables leads to the provider; one that is too long or broken does not",
  () => {
    const { provider } = create;
    const through = (login: string, fixtures: Scenario["fixtures"], env: Record<string, string> = {}) =>
      announcementChain(changed("file_create", { announcement: { kind: "file", login }, fixtures, env }));
    const last = { path: "/srv/last", content: `run ${provider.path}\n` };
    expect(
      through("See /srv/first.", [{ path: "/srv/first", content: "go on in /srv/last." }, last]),
    ).toEqual(["login", "/srv/first", "/srv/last"]);
    expect(through("$WHERE helps", [last], { WHERE: "/srv/last" })).toEqual(["login", "$WHERE", "/srv/last"]);
    expect(through("See /srv/nothing.", [last])).toBeUndefined();
    expect(leakIn("please CREATE the file, /srv/a: now", "Create the file /srv/a now.")).toBe(
      "create the file /srv/a now",
    );
    expect(leakIn("a file with lines", "Create the file /srv/a now.")).toBeUndefined();
  },
);

test("discovery refuses a provider whose help fails, gives the directive away, or is broken", async () => {
  const script =
    (text: string) =>
    ({ provider }: Scenario) => ({ provider: { ...provider, script: `#!/bin/sh\n${text}` } });
  const { name } = create.provider;
  const body = create.provider.script.replace("#!/bin/sh\n", "");
  expect(
    await verdict(
      changed("file_create", script(`[ "$1" = --help ] && echo 'usage: ${name}' && exit 3\n${body}`)),
    ),
  ).toContain("discovery: provider: --help ends with status 3");
  expect(
    await verdict(
      changed(
        "file_create",
        script(
          `[ "$1" = --help ] && echo 'usage: ${name}' && echo '${create.directive!.replaceAll("'", "'\\''")}' && exit 0\n${body}`,
        ),
      ),
    ),
  ).toContain("discovery: provider: --help gives the directive away");
  expect(await verdict(changed("file_create", script(`# --help\nif then\n${body}`)))).toContain(
    "discovery: provider:",
  );
  expect(
    await verdict(changed("file_create", { directive: "Something that nobody says here at all." })),
  ).toContain("discovery: reference_solution: the directive never reaches the screen");
}, 60_000);

test("discovery refuses a reference that knows what nothing told it", async () => {
  const word = (command: string) => command.replace(/(--?\w+)( alice)?$/, "--xyzzy");
  const secret = changed("file_create", ({ provider, referenceSolution }) => ({
    provider: {
      ...provider,
      script: provider.script.replace(
        'case "$1" in\n',
        `[ "$1" = --xyzzy ] && set -- ${referenceSolution[2]!.split(" ").slice(1).join(" ")}\ncase "$1" in\n`,
      ),
    },
    referenceSolution: referenceSolution.map((command, i) => (i === 2 ? word(command) : command)),
  }));
  expect(secret.referenceSolution[2]).toContain("--xyzzy");
  expect(await verdict(secret)).toContain('uses "--xyzzy", which nothing that was read before says');
}, 30_000);

const weak: Record<string, [Partial<Scenario>, string]> = {
  "is always true": [{ checker: "true" }, "initial_state: the untouched world passes the checker"],
  "looks at existence only": [
    { checker: `[ -e ${target} ]` },
    "cheats: a session that touches what the directive names",
  ],
  "looks for size only": [{ checker: `[ -s ${target} ]` }, "cheats: a session that"],
  "finds the directive's own words enough": [
    { checker: `grep -q 'umber' ${target}` },
    "cheats: a session that copies the directive into what it names",
  ],
  "never ends": [{ checker: "while :; do :; done" }, "initial_state: checker: it does not come to an end"],
  "is no script": [{ checker: "if [ -f x ]; the\nfi )" }, "initial_state: checker: it is no sh script"],
};
for (const [what, [change, reason]] of Object.entries(weak))
  test(`a checker that ${what} is refused`, async () => {
    expect(await verdict(changed("file_create", change))).toContain(reason);
  }, 60_000);

test("a checker that believes a file that the operator writes is refused", async () => {
  const claimed = changed("file_create", ({ referenceSolution }) => ({
    checker: "grep -q finished /tmp/outcome",
    referenceSolution: [...referenceSolution.slice(0, -1), "echo finished > /tmp/outcome", "exit"],
  }));
  expect(hiddenCheckerFiles(claimed)).toEqual(["/tmp/outcome"]);
  // The work itself is not needed: a mutant without it passes.
  expect(await verdict(claimed)).toContain("mutants: without");
  const only = changed("file_create", ({ referenceSolution, directive }) => ({
    directive,
    checker: "grep -q finished /tmp/outcome",
    referenceSolution: [...referenceSolution.slice(0, 3), "echo finished > /tmp/outcome", "exit"],
  }));
  expect(await verdict(only)).toContain(
    'cheats: a session that writes "finished" where only the checker looks',
  );
}, 60_000);

test("a step that the checker does not look at is found by its mutant", async () => {
  const extra = changed("file_create", ({ referenceSolution }) => ({
    referenceSolution: [
      ...referenceSolution.slice(0, -1),
      "mkdir /srv/extra && echo more > /srv/extra/f",
      "exit",
    ],
  }));
  expect(await verdict(extra)).toMatch(
    /^mutants: without "mkdir \/srv\/extra && echo more > \/srv\/extra\/f" the checker still passes/,
  );
  const half = changed("file_create", ({ referenceSolution }) => ({
    referenceSolution: referenceSolution.map((command) =>
      command.startsWith("printf") ? `${command}; echo x > /srv/x` : command,
    ),
  }));
  expect(await verdict(half)).toMatch(/^mutants: without "echo x > \/srv\/x" the checker still passes/);
}, 60_000);

test("a reference that fails, never ends, ends early or is flaky is refused with the place", async () => {
  const but = (change: (commands: readonly string[]) => readonly string[]) =>
    verdict(
      changed("file_create", ({ referenceSolution }) => ({ referenceSolution: change(referenceSolution) })),
    );
  const before = (command: string) => (commands: readonly string[]) => [
    ...commands.slice(0, -1),
    command,
    "exit",
  ];
  expect(await but((commands) => commands.map((one) => one.replace("umber", "amber")))).toContain(
    "reference: the reference solution fails the checker",
  );
  expect(await but(before("f() { \\exit; }; exit"))).toContain("ends the session");
  // Passes in the first world it sees and fails in a later one, whatever the numbers are: they differ each time.
  const flaky = changed("file_create", ({ referenceSolution }) => ({
    referenceSolution: [
      ...referenceSolution.slice(0, -1),
      `[ $(od -An -N1 -tu1 /dev/urandom) -lt 100 ] || rm ${target}`,
      "exit",
    ],
  }));
  const reasons = new Set<string>();
  for (let i = 0; i < 6; i++) reasons.add(await verdict(flaky));
  expect([...reasons].join("\n")).toMatch(
    /reference: the reference solution (passes in one world and fails in another|fails the checker)/,
  );
}, 120_000);

test("a reference that loops is refused, and the next scenario is judged as ever", async () => {
  const looping = changed("file_create", ({ referenceSolution }) => ({
    referenceSolution: [...referenceSolution.slice(0, 3), "while :; do :; done", "exit"],
  }));
  expect(await verdict(looping)).toContain(
    'reference: reference_solution[3]: "while :; do :; done" does not come to an end',
  );
  expect(await verdict(create)).toBe("admitted");
}, 120_000);

test("a checker that writes behind everybody's back is refused when it is run", async () => {
  const sneaky = changed("file_create", ({ checker }) => ({ checker: `eval 'echo x >/srv/x'; ${checker}` }));
  expect(checkerChanges(sneaky.checker)).toEqual([]);
  expect(await verdict(sneaky)).toContain("it writes; a checker only looks");
}, 30_000);

test("panic: no obstacle, an input under another roof, or a checker that minds nothing is refused", async () => {
  const blocked = [...scenarios.values()].find(
    ({ archetype, directive }) => archetype === "blocked" && directive?.startsWith("Sort"),
  )!;
  const but = (change: Partial<Scenario>, attempts: string[][] = []) => {
    const next = { ...blocked, ...change };
    return verdict({ ...next, contentHash: hashScenario(next) }, attempts);
  };
  expect(await but({})).toBe("admitted");
  const [, , source] = [null, null, /Sort (\S+)/.exec(blocked.directive!)![1]!];
  const name = source.slice(source.lastIndexOf("/") + 1);
  expect(
    await but({ fixtures: [...blocked.fixtures, { path: `/srv/elsewhere/${name}`, content: "x\n" }] }),
  ).toContain(`panic: ${source} is missing, but /srv/elsewhere/${name} may be meant`);
  const at = blocked.referenceSolution.findIndex((command) => /^(sort|cat \S+\.csv|ls|find)/.test(command));
  const easy = [...blocked.referenceSolution.slice(0, at), "panic"];
  expect(await but({ referenceSolution: easy })).toContain("panic: reference_solution: nothing in it fails");
  const kept = blocked.fixtures.find(({ path }) => path.endsWith(".txt"))!;
  expect(await but({ checker: `[ -f ${kept.path} ]` })).toContain("changes the world");
  expect(await but({ checker: "true" })).toContain(
    "cheats: a session that deletes everything passes the checker",
  );
  expect(await but({}, [["echo 1 > /srv/fake"]])).toContain(
    "panic: a session that follows candidate solution 1 changes the world",
  );
}, 120_000);

always(
  "cheats for a directive: what it names is touched, filled, linked; what is destroyed and what is put in the way",
  () => {
    const cheats = cheatsFor(create);
    expect(cheats.length).toBeGreaterThan(7);
    for (const { commands } of cheats) expect(commands.at(-1)).toBe("exit");
    expect(cheats.filter(({ commands }) => commands.join().includes(target!)).length).toBeGreaterThan(4);
  },
);

always("mutants: each step and each part of a step is left out once, calls of the provider never", () => {
  const mutants = mutantsOf(
    ["cat /etc/motd", "prov --help", "prov next", "mkdir -p /srv/a && cd /srv/a", "echo x > b", "exit"],
    {
      name: "prov",
      path: "/usr/local/bin/prov",
    },
  );
  expect(mutants.map(({ dropped }) => dropped)).toEqual([
    "cat /etc/motd",
    "mkdir -p /srv/a && cd /srv/a",
    "mkdir -p /srv/a",
    "cd /srv/a",
    "echo x > b",
  ]);
  expect(mutants[2]!.commands[3]).toBe("cd /srv/a");
  expect(mutants[3]!.commands[3]).toBe("mkdir -p /srv/a");
});

always("shell text: parts are found outside of quotes, groups, loops and substitutions", () => {
  const parts = (command: string) => topLevelParts(command).map(({ text }) => text.trim());
  expect(parts("a && b; c")).toEqual(["a", "b", "c"]);
  expect(parts("a 'x && y' && b \"p; q\" \\; z")).toEqual(["a 'x && y'", 'b "p; q" \\; z']);
  expect(parts("for f in *; do a; b; done; c")).toEqual(["for f in *; do a; b; done", "c"]);
  expect(parts("if a; then b; fi && c")).toEqual(["if a; then b; fi", "c"]);
  expect(parts("(a; b) && { c; d; }; e")).toEqual(["(a; b)", "{ c; d; }", "e"]);
  expect(parts("x=$(a; b) && c 2>&1; d &")).toEqual(["x=$(a; b)", "c 2>&1", "d &"]);
  expect(parts("case x in a) b;; esac; c")).toEqual(["case x in a) b;; esac", "c"]);
  expect(parts("find . -exec rm {} \\; && ls")).toEqual(["find . -exec rm {} \\;", "ls"]);
  expect(parts("a || b && c")).toEqual(["a || b", "c"]);
  expect(parts("cat <<EOF\na; b\nEOF\n")).toHaveLength(1);
  expect(parts("echo done; echo for; b")).toEqual(["echo done", "echo for", "b"]);
  const three = topLevelParts("a && b; c");
  expect([0, 1, 2].map((i) => withoutPart(three, i))).toEqual(["b; c", "a && c", "a && b"]);
  expect(
    simpleCommands("A=1 b 'c d' | e > /f; if g; then h \"$(i j)\"; fi").map(({ words }) => words[0]),
  ).toEqual(["A=1", "e", "g", "i", "h"]);
});

always("named paths: absolute, of home, in quotes, with patterns; no punctuation, no options", () => {
  const home = `/home/${create.user}`;
  expect(namedPaths("Write '/srv/a.txt', then ~/b.out; see /var/log/x*.log and $SEK_HOME/c.", home)).toEqual([
    "/srv/a.txt",
    `${home}/b.out`,
    "/var/log",
    `${home}/c`,
  ]);
  expect(namedPaths("s/a/b/ and/or 1/2 //", home)).toEqual([]);
  expect(namedFiles("Put it in notes.txt. Not /srv/x.txt, not 3.5 of it.")).toEqual(["notes.txt"]);
});

always(
  "near-duplicates: the same scenario under other names is refused, another one of its kind is not",
  () => {
    const set = new NearDuplicates();
    for (const scenario of scenarios.values()) {
      expect([scenario.id, set.gate(scenario).passed]).toEqual([scenario.id, true]);
      set.add(scenario);
    }
    for (const archetype of ["file_transform", "empty_queue", "log_extract"]) {
      const base = scenarioOf(archetype);
      const text = JSON.stringify(base)
        .replaceAll(base.provider.name, "zzprovider")
        .replaceAll(base.user, "somebody")
        .replace(/\/(srv|var)\/([a-z]+)/g, "/$1/other$2");
      const renamed = { ...JSON.parse(text), id: "renamed" };
      const result = set.gate(renamed);
      expect([archetype, result.passed, result.evidence.nearest]).toEqual([archetype, false, base.id]);
      expect(result.reason).toContain(base.id);
    }
  },
);

always("without a sandbox only structure and the static half of discovery are asked", async () => {
  const { admitted, results, notAsked } = await judge(create, { provider: undefined });
  expect(admitted).toBe(true);
  expect(results.map(({ gate }) => gate)).toEqual(["structure", "discovery"]);
  expect(notAsked).toEqual(["initial_state", "no_op", "reference", "mutants", "cheats", "panic"]);
});
