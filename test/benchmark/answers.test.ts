// What is taken out of an answer, what a program is made of, and what is said of files of another shape.

import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { extractCode, extractDiff, extractJson, extractShell } from "../../src/bench/extract.ts";
import { programOf } from "../../src/bench/judge/code.ts";
import type { CodeProblem } from "../../src/bench/problem.ts";
import { readProblems } from "../../src/bench/suites/index.ts";
import { jsonLines, runBench, samples, temporary } from "./run-bench.ts";

test("of several fenced blocks the last one that defines the function counts", () => {
  const text =
    "First:\n```python\ndef f():\n    return 1\n```\nBetter:\n```python\ndef f():\n    return 2\n```\nUse:\n```python\nprint(f())\n```\n";
  expect(extractCode(text, "python", "f")).toBe("def f():\n    return 2\n");
});

test("a fence that is never closed runs to the end, an indented one loses its margin", () => {
  expect(extractCode("```python\ndef f():\n    return 1", "python", "f")).toBe("def f():\n    return 1");
  expect(extractCode("1. So:\n   ```py\n   def f():\n       return 1\n   ```\n", "python", "f")).toBe(
    "def f():\n    return 1\n",
  );
});

test("bare code is found behind a sentence, a sentence alone is no code", () => {
  expect(extractCode("Here it is:\nimport os\ndef f():\n    return 1", "python", "f")).toBe(
    "import os\ndef f():\n    return 1",
  );
  expect(extractCode("I would define f as follows.", "python", "f")).toBeNull();
  expect(extractCode("```python\ndef g():\n    pass\n```", "python", "f")).toBeNull();
});

test("JSON is found alone, fenced, tagged and inside a sentence with braces in strings", () => {
  expect(extractJson(' {"a": 1} ')).toBe('{"a": 1}');
  expect(extractJson('Well:\n```json\n{"a": 1}\n```')).toBe('{"a": 1}');
  expect(extractJson('<tool_call>\n{"name": "x"}\n</tool_call>')).toBe('{"name": "x"}');
  expect(extractJson('It is {"a": "}", "b": [1]} indeed.')).toBe('{"a": "}", "b": [1]}');
  expect(extractJson("nothing")).toBeNull();
});

test("a diff is found fenced and bare, shell commands lose their prompts", () => {
  expect(extractDiff("So:\n```diff\n--- a/f\n+++ b/f\n```\n")).toBe("--- a/f\n+++ b/f\n");
  expect(extractDiff("So:\n--- a/f\n+++ b/f\n")).toBe("--- a/f\n+++ b/f\n");
  expect(extractDiff("--- \nnothing")).toBeNull();
  expect(extractShell("```sh\n$ ls\n$ pwd\n```")).toBe("ls\npwd\n");
  expect(extractShell("ls # here\n# a comment")).toBe("ls # here\n# a comment");
  expect(extractShell("```python\nimport os\n```")).toBeNull();
});

const problem: CodeProblem = {
  kind: "code",
  id: "x",
  prompt: "",
  language: "python",
  opening: 'import math\n\n\ndef helper():\n    return 1\n\n\ndef f(x):\n    """ Doc. """\n',
  closing: "",
  entryPoint: "f",
  tests: "",
  reference: "",
};
const answer = { taskId: "x", sample: 0, cut: false } as const;

test("a completion goes on byte for byte; a whole function keeps what stood above it in the prompt", () => {
  expect(programOf(problem, { ...answer, form: "completion", text: "    return x\n" })).toBe(
    `${problem.opening}    return x\n`,
  );
  const chat = "```python\ndef f(x):\n    return helper()\n```";
  expect(programOf(problem, { ...answer, form: "chat", text: chat })).toBe(
    "import math\n\n\ndef helper():\n    return 1\n\n\ndef f(x):\n    return helper()\n",
  );
});

test("assertions, prints and a main part beside a function are no part of a chat's answer", () => {
  const code =
    "def f(x):\n    assert x\n    return x\n\nassert f(\n    2\n) == 3\nprint(f(1))\nK = 1\nif __name__ == '__main__':\n    f(0)\n";
  const text = `\`\`\`python\n${code}\`\`\``;
  const own = programOf({ ...problem, opening: "" }, { ...answer, form: "chat", text });
  expect(own).toBe("def f(x):\n    assert x\n    return x\n\nK = 1");
  expect(programOf({ ...problem, opening: "" }, { ...answer, form: "completion", text: code })).toBe(code);
});

test("what MBPP sets up stands behind the answer and may use its classes", () => {
  const text = "class Node:\n    pass";
  const own = programOf(
    { ...problem, opening: "", closing: "\nroot = Node()\n" },
    { ...answer, form: "completion", text },
  );
  expect(own).toBe("class Node:\n    pass\nroot = Node()\n");
});

test("HumanEval is read packed and plain, MBPP whole and sanitized; a row of another shape is named", async () => {
  using folder = temporary();
  const at = (name: string) => join(folder.path, name);
  const rows = samples("humaneval");
  const plain = await readProblems("humaneval", jsonLines(at("h.jsonl"), rows));
  writeFileSync(at("h.jsonl.gz"), Bun.gzipSync(rows.map((row) => JSON.stringify(row)).join("\n")));
  const packed = await readProblems("humaneval", at("h.jsonl.gz"));
  expect(packed.problems).toEqual(plain.problems);
  expect(packed.hash).toBe(plain.hash);
  writeFileSync(at("m.json"), JSON.stringify(samples("mbpp")));
  expect((await readProblems("mbpp", at("m.json"))).problems.map(({ id }) => id)).toEqual([
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
  ]);
  const refused = readProblems("humaneval", jsonLines(at("m.jsonl"), samples("mbpp")));
  await expect(refused).rejects.toThrow(/m\.jsonl:1: prompt: missing/);
  await expect(refused).rejects.toMatchObject({ hint: "the file has the shape of mbpp" });
  await expect(readProblems("mbpp", jsonLines(at("e.jsonl"), []))).rejects.toThrow("no problems");
  await expect(readProblems("mbpp", jsonLines(at("t.jsonl"), [rows[0], rows[0]]))).rejects.toThrow(
    /t\.jsonl:1/,
  );
  await expect(readProblems("humaneval", jsonLines(at("d.jsonl"), [rows[0], rows[0]]))).rejects.toThrow(
    "d.jsonl:2: duplicate problem Own/0",
  );
  await expect(readProblems("humaneval", at("none.jsonl"))).rejects.toThrow("expected a readable file");
});

describe("a file of another benchmark is refused with the name of that one:", () => {
  for (const [name, other] of [
    ["humaneval", "mbpp"],
    ["humaneval", "json"],
    ["mbpp", "devops"],
    ["json", "humaneval"],
    ["json", "diff"],
    ["diff", "devops"],
    ["diff", "smoke"],
    ["devops", "diff"],
    ["smoke", "humaneval"],
  ] as const)
    test(`${other} for ${name}`, async () => {
      using folder = temporary();
      const file = jsonLines(join(folder.path, "p.jsonl"), samples(other));
      await expect(readProblems(name, file)).rejects.toMatchObject({
        exitCode: 2,
        message: expect.stringContaining("p.jsonl:1: "),
        hint: `the file has the shape of ${other}`,
      });
    });

  test("an unknown shape in a mixed file, with the nearest", async () => {
    using folder = temporary();
    const [row] = samples("smoke");
    const file = jsonLines(join(folder.path, "p.jsonl"), [{ ...row, shape: "humanevl" }]);
    await expect(readProblems("smoke", file)).rejects.toMatchObject({
      message: `${file}:1: shape: expected one of humaneval, mbpp, json, diff, devops, got humanevl`,
      hint: "did you mean humaneval?",
    });
  });
});

test("completions of another benchmark, an unknown benchmark and no model are refused before anything runs", async () => {
  using folder = temporary();
  const completions = jsonLines(join(folder.path, "c.jsonl"), [{ task_id: "Own/00", completion: "" }]);
  const out = join(folder.path, "out");
  await expect(runBench("humaneval", { completions, out })).rejects.toMatchObject({
    message: expect.stringContaining("c.jsonl:1: task_id: expected a problem of this benchmark, got Own/00"),
    hint: "did you mean Own/0?",
  });
  await expect(runBench("humanevl", { completions, out })).rejects.toMatchObject({
    hint: "did you mean humaneval?",
  });
  await expect(runBench("all", { completions, out })).rejects.toThrow("expected one benchmark");
  await expect(runBench("json", { completions, out, base: "b" })).rejects.toThrow(
    "expected no model beside it",
  );
});
