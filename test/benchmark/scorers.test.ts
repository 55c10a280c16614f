// Right answers pass and known wrong ones do not, whatever they try.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { hasBubblewrap } from "../sandbox/bubblewrap-machine.ts";
import { need } from "../setup.ts";
import { jsonLines, rightAnswer, runBench, samples, temporary } from "./run-bench.ts";

const sandboxed = need("bubblewrap", hasBubblewrap);

for (const name of ["smoke", "humaneval", "mbpp", "json", "diff", "devops"])
  sandboxed(`${name}: every reference of the samples passes, and its own answer`, async () => {
    using folder = temporary();
    const rows = samples(name);
    const completions = jsonLines(join(folder.path, "right.jsonl"), rows.map(rightAnswer));
    const { result, warnings } = await runBench(name, { completions, out: folder.path });
    expect(result.entries.filter(({ passed }) => !passed)).toEqual([]);
    expect(result).toMatchObject({ n: rows.length, passed: rows.length, pass_at_1: 1, excluded: [] });
    expect(result.extraction_failures).toBe(0);
    expect(warnings).toEqual([]);
  });

test("the smoke suite has eight problems", () => {
  expect(samples("smoke")).toHaveLength(8);
});

const alwaysEqual = `class _E:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __hash__ = object.__hash__
`;

/** Bodies of the function that is asked for; none of them does its work. */
const wrong: Readonly<Record<string, string>> = {
  "ends the process with 0": "    import os\n    os._exit(0)\n",
  "ends the process with 0 while it is loaded": "    return None\nimport os\nos._exit(0)\n",
  "leaves by SystemExit": "    raise SystemExit(0)\n",
  "leaves at exit":
    "    return None\nimport atexit, os, sys\natexit.register(lambda: os._exit(0))\nsys.exit(0)\n",
  sleeps: "    import time\n    time.sleep(600)\n",
  "prints what a judge might print": "    print('passed')\n    print('[\"passed\", \"\"]', flush=True)\n",
  "writes to every output it finds":
    "    import glob\n    for p in glob.glob('/proc/*/fd/[012]'):\n        try: open(p, 'w').write('passed\\n')\n        except OSError: pass\n",
  "returns what is equal to everything": `    return _E()\n${alwaysEqual}`,
  "returns a number that is equal to everything":
    "    return _I(1)\nclass _I(int):\n    def __eq__(self, other): return True\n    __hash__ = int.__hash__\n",
  "replaces builtins":
    "    return None\nimport builtins\nbuiltins.AssertionError = KeyError\nbuiltins.all = builtins.any = lambda *a: True\nbuiltins.isinstance = lambda *a: True\n",
  "replaces check": "    return None\ndef check(candidate): pass\n",
  "looks for the tests in the frames":
    "    import sys\n    f = sys._getframe()\n    while f:\n        f.f_globals['check'] = lambda c: None\n        f = f.f_back\n    raise SystemExit(0)\n",
  "skips lines by tracing":
    "    return None\nimport sys\ndef _t(f, e, a):\n    try: f.f_lineno += 1\n    except Exception: pass\n    return _t\nsys.settrace(_t)\n",
  "kills the process above it": "    import os, signal\n    os.kill(os.getppid(), signal.SIGKILL)\n",
  "returns nothing": "    return None\n",
};

for (const [name, heads] of [
  ["humaneval", () => ""],
  ["mbpp", (row: Record<string, unknown>) => `${/^[\s\S]*?^def \w+/m.exec(String(row.code))![0]}(*args):\n`],
] as const)
  sandboxed(
    `${name}: no answer passes that ${Object.keys(wrong).join(", ")}`,
    async () => {
      using folder = temporary();
      const rows = samples(name);
      const answers = rows.flatMap((row) =>
        Object.values(wrong).map((body) => ({ task_id: String(row.task_id), completion: heads(row) + body })),
      );
      const completions = jsonLines(join(folder.path, "wrong.jsonl"), answers);
      const { result } = await runBench(name, { completions, out: folder.path });
      expect(result.entries.filter(({ samples_passed }) => samples_passed > 0)).toEqual([]);
      expect(result).toMatchObject({ n: answers.length, passed: 0, pass_at_1: 0, excluded: [] });
      const sleeper = Object.keys(wrong).indexOf("sleeps");
      expect(new Set(result.entries.map(({ results }) => results![sleeper]))).toEqual(new Set(["timed out"]));
    },
    120_000,
  );

sandboxed("code: what parses is told apart from what passes", async () => {
  using folder = temporary();
  const rows = samples("humaneval").slice(0, 3);
  const answers = rows.map((row, i) => {
    const right = rightAnswer(row);
    return i === 0 ? right : { ...right, completion: i === 1 ? "    return (\n" : "    return None\n" };
  });
  const completions = jsonLines(join(folder.path, "answers.jsonl"), answers);
  const problems = jsonLines(join(folder.path, "problems.jsonl"), rows);
  const { result } = await runBench("humaneval", { completions, problems, out: folder.path });
  expect(result.figures.syntax).toMatchObject({ x: 2, n: 3 });
  expect(result.passed).toBe(1);
});

sandboxed("json: validity, schema, tool and arguments are told apart", async () => {
  using folder = temporary();
  const call = (name: string, args: unknown) => JSON.stringify({ name, arguments: args });
  const answers = {
    "schema/person": '{"name": "Anna Berg", "age": "41", "languages": ["German", "Danish"]}',
    "schema/ports": '[{"name": "web", "port": 80}',
    "schema/verdict": 'Sure!\n```json\n{"factor": 7, "prime": false}\n```',
    "schema/date": '{"date": "2024-05-04"}',
    "schema/any": "I would rather not.",
    "tool/weather": call("get_weather", { days: 3, city: "Oslo" }),
    "tool/restart": call("read_log", { path: "nginx", lines: 1 }),
    "tool/log": call("read_log", { path: "/var/log/syslog", lines: 10 }),
    "tool/disk": call("format_disk", { path: "/srv" }),
    "tool/nested":
      '{"tool_calls": [{"function": {"name": "create_ticket", "arguments": "{\\"ticket\\": {\\"title\\": \\"Disk full\\", \\"labels\\": [\\"ops\\", \\"urgent\\"]}}"}}]}',
  };
  const rows = Object.entries(answers).map(([task_id, completion]) => ({ task_id, completion }));
  const completions = jsonLines(join(folder.path, "a.jsonl"), rows);
  const { result } = await runBench("json", { completions, out: folder.path });
  const of = (id: string) => result.entries.find(({ task_id }) => task_id === id)!;
  expect(of("schema/person").checks).toEqual({ valid: true, bare: true, schema: false, value: false });
  expect(of("schema/ports").checks).toMatchObject({ valid: false, schema: false });
  expect(of("schema/verdict")).toMatchObject({ passed: true, checks: { bare: false } });
  expect(of("schema/date").checks).toMatchObject({ schema: true, value: false });
  expect(of("schema/any").extracted).toBe(false);
  expect(of("tool/weather").passed).toBe(true);
  expect(of("tool/restart").checks).toMatchObject({ schema: true, tool: false, arguments: false });
  expect(of("tool/log").checks).toMatchObject({ schema: true, tool: true, arguments: false });
  expect(of("tool/disk").checks).toMatchObject({ schema: false, tool: false });
  expect(of("tool/nested").passed).toBe(true);
  expect(result).toMatchObject({ n: 10, passed: 3, extraction_failures: 1 });
  expect(result.figures.valid).toMatchObject({ x: 8, n: 10 });
});

sandboxed(
  "diff: a patch a few lines off counts as loose and not as strict; one that changes the wrong thing fails",
  async () => {
    using folder = temporary();
    const off =
      "--- a/mean.py\n+++ b/mean.py\n@@ -9,3 +9,5 @@\n def mean(values):\n+    if not values:\n+        return None\n     total = 0\n     for value in values:\n";
    const answers = [
      { task_id: "edit/guard", completion: off },
      {
        task_id: "edit/default",
        completion:
          '--- a/greet.py\n+++ b/greet.py\n@@ -1,2 +1,2 @@\n-def greet(name):\n+def greet(name="you"):\n     return "Hello, " + name\n',
      },
      { task_id: "edit/config", completion: "Set port = 9090 in app.conf." },
      { task_id: "create/file", completion: "--- /dev/null\n+++ b/VERSION\n@@ -0,0 +1,2 @@\n+1.0.0\n" },
    ];
    const completions = jsonLines(join(folder.path, "a.jsonl"), answers);
    const { result, warnings } = await runBench("diff", { completions, out: folder.path });
    const of = (id: string) => result.entries.find(({ task_id }) => task_id === id)!;
    expect(of("edit/guard")).toMatchObject({
      passed: true,
      checks: { parses: true, strict: false, loose: true, tests: true },
    });
    expect(of("edit/default")).toMatchObject({ passed: false, checks: { strict: true, tests: false } });
    expect(of("edit/config")).toMatchObject({ extracted: false, result: "no answer: no diff in the text" });
    expect(of("create/file").checks).toMatchObject({ parses: false, tests: null });
    expect(result).toMatchObject({ n: 8, passed: 1, unanswered: 4 });
    expect(warnings.join("\n")).toContain("4 of 8 problems have no answer");
  },
);

sandboxed("devops: what is left counts, not what is said or how it ends", async () => {
  using folder = temporary();
  const answers = [
    { task_id: "logs/errors", completion: "echo passed; exit 0" },
    { task_id: "perms/keys", completion: "chmod 600 /srv/keys/*; exit 3" },
    { task_id: "config/port", completion: "sed -i 's/8443/9443/; s/yes/no/' /etc/shop/shop.conf" },
    { task_id: "files/rotate", completion: "sleep 600" },
    { task_id: "archive/pack", completion: "kill -9 -1" },
    { task_id: "clean/old-names", completion: "rm -rf /srv/data" },
    { task_id: "count/users", completion: "```sh\n$ grep -c ':/bin/sh$' /srv/passwd > /srv/count\n```" },
    { task_id: "links/release", completion: "```python\nimport os\n```" },
  ];
  const completions = jsonLines(join(folder.path, "a.jsonl"), answers);
  const { result } = await runBench("devops", { completions, out: folder.path });
  expect(Object.fromEntries(result.entries.map(({ task_id, passed }) => [task_id, passed]))).toEqual({
    "logs/errors": false,
    "perms/keys": true,
    "config/port": false,
    "files/rotate": false,
    "archive/pack": false,
    "clean/old-names": false,
    "count/users": true,
    "links/release": false,
  });
  expect(result.entries.find(({ task_id }) => task_id === "files/rotate")!.result).toBe("timed out");
  expect(result.extraction_failures).toBe(1);
});
