// Programs that nobody trusts: what they may use, and what they do to look as if they had passed.

import { describe, expect } from "bun:test";
import { calibrate } from "../../src/critic/run-program/calibrate.ts";
import type { ProgramLanguage, TestVerdict } from "../../src/critic/run-program/contract.ts";
import { need } from "../setup.ts";
import { runner } from "./here.ts";

const test = need("programs", runner !== undefined);

function verdict(
  candidate: string,
  tests: string,
  language: ProgramLanguage = "python",
): Promise<TestVerdict> {
  return runner!.test({ language, candidate, tests }, { limits: { timeoutMs: 3000 } });
}

describe("a program", () => {
  test("has its files and its stdin, no network and no other files of this machine", async () => {
    const source = `import os, socket
print(input(), open("data/a.txt").read())
print(os.getuid(), os.path.exists("/home"), os.path.exists("/etc/passwd"), os.path.exists("/root"))
try:
    socket.create_connection(("1.1.1.1", 53), 1)
    print("network")
except OSError:
    print("none")
`;
    const result = await runner!.run({
      language: "python",
      source,
      stdin: "hi\n",
      files: { "data/a.txt": "x" },
    });
    expect(result).toMatchObject({
      status: 0,
      stdout: "hi x\n1000 False False False\nnone\n",
      timedOut: false,
    });
  });

  test("is stopped when its time is over, with everything that it started", async () => {
    const source = "sleep 321 & (setsid sleep 321 &) ; sleep 321";
    const result = await runner!.run({ language: "sh", source }, { limits: { timeoutMs: 700 } });
    expect(result).toMatchObject({ status: 124, timedOut: true });
    const left = Bun.spawnSync([
      "sh",
      "-c",
      "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '",
    ]).stdout.toString();
    expect(left).not.toContain("sleep 321");
  });

  test("that floods its output is cut and told so", async () => {
    const result = await runner!.run({ language: "sh", source: "yes | head -c 3000000" });
    expect(result.truncated).toBe(true);
    expect(result.stdout.length).toBeLessThan(20_000);
  });

  test("cannot take more memory than it is given", async () => {
    const result = await runner!.run({ language: "python", source: "x = bytearray(2 << 30)\nprint(len(x))" });
    expect(result.stdout).toBe("");
    expect(result.status).not.toBe(0);
  });

  test("may write to /dev/stderr", async () => {
    expect(await runner!.run({ language: "sh", source: "echo no >/dev/stderr" })).toMatchObject({
      status: 0,
      stderr: "no\n",
    });
  });
});

const sums = "assert add(1, 2) == 3\n";

describe("a pass is not to be had by", () => {
  const forgeries: readonly (readonly [string, string, string, ProgramLanguage?])[] = [
    [
      "the engine's own modules",
      "import('bun:ffi'); const add = (a, b) => a + b",
      "assert.equal(add(1, 2), 3)",
      "javascript",
    ],
    [
      "the judge's memory in JavaScript",
      "const add = () => require('fs').openSync('/proc/self/mem', 'r') && 3",
      "assert.equal(add(1, 2), 3)",
      "javascript",
    ],
    [
      "an answer in the judge's own words",
      "import os, json\nfor f in range(3, 12):\n  try: os.write(f, (json.dumps(['ready', [['__builtins__', ['dict', []]]]]) + '\\n').encode())\n  except OSError: pass\ndef add(a, b): return 9",
      sums,
    ],
    ["os._exit(0) while it is imported", "import os\nos._exit(0)", sums],
    ["os._exit(0) while it is called", "import os\ndef add(a, b): os._exit(0)", sums],
    ["sys.exit(0)", "import sys\ndef add(a, b): sys.exit(0)", sums],
    ["another program in its place", "import os\ndef add(a, b): os.execv('/bin/true', ['true'])", sums],
    ["sleeping", "import time\ndef add(a, b): time.sleep(99)", sums],
    [
      "printing what passes",
      "import os\nprint('passed', 'OK')\nos.write(2, b'[\"passed\",\"\"]')\nos._exit(0)",
      sums,
    ],
    [
      "a value that equals everything",
      "class E:\n  def __eq__(s, o): return True\ndef add(a, b): return E()",
      sums,
    ],
    [
      "a number that compares as it likes",
      "class E(int):\n  def __eq__(s, o): return True\ndef add(a, b): return E(9)",
      sums,
    ],
    [
      "another abs",
      "import builtins\nbuiltins.abs = lambda x: 0\ndef add(a, b): return 9",
      "assert abs(add(1, 2) - 3) < 1",
    ],
    ["another abs of its own", "abs = lambda x: 0\ndef add(a, b): return 9", "assert abs(add(1, 2) - 3) < 1"],
    [
      "another math.isclose",
      "import math\nmath.isclose = lambda *a: True\ndef add(a, b): return 9",
      "import math\nassert math.isclose(add(1, 2), 3)",
    ],
    [
      "another unittest",
      "import unittest\nunittest.TestCase.assertEqual = lambda *a: None\ndef add(a, b): return 9",
      "import unittest\nclass T(unittest.TestCase):\n  def test(self): self.assertEqual(add(1, 2), 3)",
    ],
    ["the end of the judge", "import os\ndef add(a, b): os.kill(os.getppid(), 9)", sums],
    [
      "the judge's memory",
      "import os\ndef add(a, b): return open(f'/proc/{os.getppid()}/mem', 'rb').read(1)",
      sums,
    ],
    [
      "the judge's descriptors",
      "import os\ndef add(a, b):\n  for p in (os.getppid(), 'self'):\n    for f in range(20):\n      try: open(f'/proc/{p}/fd/{f}', 'w').write('passed')\n      except OSError: pass\n  return 9",
      sums,
    ],
    [
      "a hook of the interpreter",
      "import sys\nsys.settrace(lambda *a: None)\nsys.excepthook = lambda *a: print('passed')\ndef add(a, b): return 9",
      sums,
    ],
    ["process.exit", "const add = () => process.exit(0)", "assert.equal(add(1, 2), 3)", "javascript"],
    [
      "another assert",
      "require('assert').equal = () => {}; const add = () => 9",
      "require('assert').equal(add(1, 2), 3)",
      "javascript",
    ],
    [
      "another Object.is",
      "Object.is = () => true; const add = () => 9",
      "if (!Object.is(add(1, 2), 3)) throw new Error()",
      "javascript",
    ],
    ["exit", "exit 0", '. ./candidate.sh; [ "$(add 1 2)" = 3 ]', "sh"],
    ["a trap", "trap 'exit 0' EXIT; add() { echo 9; }", '. ./candidate.sh; [ "$(add 1 2)" = 3 ]', "sh"],
    [
      "another test",
      "test() { return 0; }; add() { echo 9; }",
      '. ./candidate.sh; test "$(add 1 2)" = 3',
      "sh",
    ],
    [
      "the environment of the judge",
      "set; env; cat /proc/*/cmdline /proc/*/environ; exit 0",
      ". ./candidate.sh; false",
      "sh",
    ],
  ];
  for (const [name, candidate, tests, language] of forgeries)
    test(name, async () => {
      const found = await verdict(candidate, tests, language);
      expect(found.passed).toBe(false);
      expect(found.result).not.toBe("passed");
    });
});

test("a right solution passes, in each language", async () => {
  const right: readonly (readonly [ProgramLanguage, string, string])[] = [
    ["python", "def add(a, b): return a + b", sums],
    ["javascript", "const add = (a, b) => a + b", "assert.equal(add(1, 2), 3)"],
    [
      "typescript",
      "export const add = (a: number, b: number) => a + b",
      "import { add } from './candidate'; if (add(1, 2) !== 3) throw new Error()",
    ],
    ["sh", "add() { echo $(($1 + $2)); }", '. ./candidate.sh; [ "$(add 1 2)" = 3 ]'],
  ];
  for (const [language, candidate, tests] of right)
    expect((await verdict(candidate, tests, language)).result).toBe("passed");
});

test("a reference says how long candidates may take, and one that fails its own tests is no reference", async () => {
  const good = await calibrate(runner!, {
    language: "python",
    candidate: "def add(a, b): return a + b",
    tests: sums,
  });
  expect(good).toMatchObject({ usable: true, options: { mode: "apart", limits: { timeoutMs: 4000 } } });
  const bad = await calibrate(runner!, {
    language: "python",
    candidate: "def add(a, b): return a",
    tests: sums,
  });
  expect(bad).toMatchObject({ usable: false, verdict: { reason: "failed" } });
});

test("tests that look into the candidate's process run there when the reference needs it, and catch who reaches out", async () => {
  const tests = "import sys\nassert add.__code__.co_argcount == 2\nassert add(1, 2) == 3\n";
  const reference = { language: "python" as const, candidate: "def add(a, b): return a + b", tests };
  const calibration = await calibrate(runner!, reference);
  expect(calibration).toMatchObject({ usable: true, options: { mode: "together" } });
  if (!calibration.usable) return;
  const forged = "import sys\ndef add(a, b):\n  sys._getframe(1).f_globals['x'] = 1\n  return 3";
  expect((await runner!.test({ ...reference, candidate: forged }, calibration.options)).passed).toBe(false);
});
