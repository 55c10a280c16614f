// The forms, judged: what a person would run as it stands, and what nobody could.

import { describe, expect, test } from "bun:test";
import { cpSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "../../src/base/command.ts";
import { resolveOptions } from "../../src/base/resolve.ts";
import { probeFormat } from "../../src/commands/probe-format.ts";
import { readFormatProbe } from "../../src/formats/format-probe.ts";
import { judgeForm } from "../../src/probe/format/judge-form.ts";
import { thresholdsOf } from "../../src/probe/format/probe-format.ts";
import type { FormPrompt } from "../../src/probe/format/prompt.ts";
import { readPrompts } from "../../src/probe/format/prompt-set.ts";
import { silent } from "../base/silent-terminal.ts";
import { testDevice } from "../gpu.ts";
import { makeTalkingBase, tinyAdapter } from "../serve/tiny-base.ts";
import { runProbe, serveModel, temporary } from "./served-model.ts";

const { gpuTest } = await testDevice();

/** An answer to each prompt that ships, by hand. */
const right: Readonly<Record<string, string>> = {
  "command/list": "ls -a",
  "command/count": "wc -l notes.txt",
  "command/find": "find /etc -type f -name '*.conf'",
  "command/copy": "cp report.txt backup/",
  "command/head": "head -n 5 log.txt",
  "command/disk": "df -h",
  "command/mode": "chmod +x deploy.sh",
  "command/search": "grep ERROR app.log",
  "json/point": '{"x": 3, "y": 4}',
  "json/person": '{"name": "Ada Lovelace", "born": 1815}',
  "json/colours": '["red", "green", "blue"]',
  "json/verdict": '{"answer": true}',
  "json/order": '{"items": [{"name": "apple", "count": 2}, {"name": "pear", "count": 1}]}',
  "json/level": '{"level": "high", "why": "writes fail"}',
  "json/date": '{"date": "1969-07-20"}',
  "json/empty": "[]",
  "diff/greeting": "--- a/greet.txt\n+++ b/greet.txt\n@@ -1,2 +1,2 @@\n-Hello\n+Good morning\n how are you\n",
  "diff/port":
    "--- a/server.conf\n+++ b/server.conf\n@@ -1,3 +1,3 @@\n host=localhost\n-port=8080\n+port=9090\n workers=4",
  "diff/name":
    "--- a/sum.py\n+++ b/sum.py\n@@ -1,4 +1,4 @@\n-total = 0\n+amount = 0\n for n in (1, 2, 3):\n-    total += n\n-print(total)\n+    amount += n\n+print(amount)\n",
  "diff/append": "--- a/list.txt\n+++ b/list.txt\n@@ -1 +1,2 @@\n alpha\n+beta\n",
  "diff/remove": "--- a/list.txt\n+++ b/list.txt\n@@ -1,3 +1,2 @@\n alpha\n-beta\n gamma\n",
  "diff/off":
    "--- a/app.yaml\n+++ b/app.yaml\n@@ -1,3 +1,3 @@\n name: demo\n-debug: true\n+debug: false\n level: info\n",
  "diff/typo":
    "--- a/README.txt\n+++ b/README.txt\n@@ -1,3 +1,3 @@\n Parcels\n \n-You recieve a note when a parcel comes.\n+You receive a note when a parcel comes.\n",
  "diff/zero":
    "--- a/mean.py\n+++ b/mean.py\n@@ -1,2 +1,4 @@\n def mean(values):\n+    if not values:\n+        return 0\n     return sum(values) / len(values)\n",
  "function/double": "def double(x):\n    return 2 * x",
  "function/is-even": "def is_even(n: int) -> bool:\n    return n % 2 == 0\n",
  "function/last": "def last_item(items):\n    return items[-1] if items else None",
  "function/vowels": "def count_vowels(text):\n    return sum(c in 'aeiou' for c in text.lower())",
  "function/reverse": "def reverse_words(text):\n    return ' '.join(text.split()[::-1])",
  "function/clamp": "def clamp(value, low, high):\n    return max(low, min(value, high))",
  "function/unique": "def unique_items(items):\n    return list(dict.fromkeys(items))",
  "function/fact": "from math import prod\n\ndef factorial(n):\n    return prod(range(1, n + 1))",
};

const { prompts } = await readPrompts(undefined);
const prompt = (id: string): FormPrompt => prompts.find((one) => one.id === id)!;
const judged = (id: string, content: string, finish: "stop" | "length" = "stop") =>
  judgeForm(prompt(id), { content, finish });

test("every prompt that ships has an answer that passes", async () => {
  expect(prompts.map(({ id }) => id)).toEqual(Object.keys(right));
  for (const { id } of prompts)
    expect({ id, ...(await judged(id, right[id]!)) }).toEqual({ id, form: true, ended: true, reason: null });
});

describe("an answer has not the form when it is", () => {
  for (const [what, id, content, reason] of [
    ["a command in a fence", "command/list", "```sh\nls -a\n```", /fence/],
    ["a command in backticks", "command/list", "`ls -a`", /backticks/],
    ["a command behind a prompt sign", "command/list", "$ ls -a", /prompt sign/],
    ["a command and words", "command/list", "ls -a\nThis lists all files.", /2 lines/],
    ["a sentence", "command/list", "You can use the ls command.", /words in place/],
    ["nothing", "command/list", " \n", /empty/],
    ["JSON in a fence", "json/point", '```json\n{"x": 3, "y": 4}\n```', /fence/],
    ["JSON with words", "json/point", 'Here it is: {"x": 3, "y": 4}', /not JSON/],
    ["JSON of another schema", "json/point", '{"x": 3}', /required property 'y'/],
    ["JSON with a key too many", "json/verdict", '{"answer": true, "why": "-"}', /additional properties/],
    ["a date that is none", "json/date", '{"date": "20 July 1969"}', /format/],
    [
      "a diff with a wrong count",
      "diff/append",
      "--- a/list.txt\n+++ b/list.txt\n@@ -1 +1,3 @@\n alpha\n+beta\n",
      /./,
    ],
    [
      "a diff of another context",
      "diff/append",
      "--- a/list.txt\n+++ b/list.txt\n@@ -1 +1,2 @@\n omega\n+beta\n",
      /no place/,
    ],
    ["a diff with words before it", "diff/append", `Here you are:\n${right["diff/append"]}`, /words before/],
    ["a diff in a fence", "diff/append", `\`\`\`diff\n${right["diff/append"]}\`\`\``, /fence/],
    ["the new file in place of a diff", "diff/append", "alpha\nbeta\n", /./],
    [
      "a function of another name",
      "function/double",
      "def twice(x):\n    return 2 * x",
      /expected double, found twice/,
    ],
    ["a function with words", "function/double", "Sure!\n\ndef double(x):\n    return 2 * x", /not Python/],
    ["a function that is no Python", "function/double", "def double(x)\n    return 2 * x", /not Python/],
    ["a function in a fence", "function/double", "```python\ndef double(x):\n    return 2 * x\n```", /fence/],
  ] as const)
    test(what, async () => {
      const verdict = await judged(id, content);
      expect(verdict.form).toBe(false);
      expect(verdict.reason).toMatch(reason);
    });
});

test("an answer has not ended that was cut, that wrote its stop token, or that went on as somebody else", async () => {
  expect(await judged("command/list", "ls -a", "length")).toMatchObject({ form: true, ended: false });
  expect(await judged("command/list", "ls -a<|im_end|>")).toMatchObject({ ended: false });
  expect(await judged("command/list", "ls -a\nUser: thanks")).toMatchObject({ form: false, ended: false });
});

describe("probe format", () => {
  const command = probeFormat as unknown as Command;
  const idOf = new Map(prompts.map(({ id, prompt }) => [prompt, id]));

  test("counts each kind over its own prompts, writes every answer, and passes", async () => {
    using folder = temporary();
    using server = serveModel({ chat: (text) => ({ text: right[idOf.get(text)!]! }) });
    const { result, error } = await runProbe(command, { url: server.url, out: folder.path });
    expect(error).toBeUndefined();
    expect(result).toMatchObject({ version: 1, probe: "format", passed: true, reasons: [], n: 32 });
    expect(result.rate).toMatchObject({ x: 32, n: 32, rate: 1, high: 1 });
    // Wilson's lower bound of 8 of 8, from the formula 1 / (1 + z^2 / n).
    expect(result.figures.json!.low).toBeCloseTo(1 / (1 + 1.959963984540054 ** 2 / 8), 12);
    expect(result.entries.length).toBe(32);
  });

  test("fails below a threshold, with exit code 1 and the shares", async () => {
    using folder = temporary();
    using server = serveModel({
      chat: (text) => {
        const id = idOf.get(text)!;
        return id.startsWith("json")
          ? { text: `\`\`\`json\n${right[id]}\n\`\`\`` }
          : { text: right[id]!, cut: id === "diff/typo" };
      },
    });
    const { result, error } = await runProbe(command, { url: server.url, out: folder.path });
    expect(error?.exitCode).toBe(1);
    expect(error?.message).toBe(
      "probe format: expected a model that passes, got json 0/8, expected at least 0.8",
    );
    expect(result.figures.stop).toMatchObject({ x: 31, n: 32 });
    expect(result.rate).toMatchObject({ x: 23, n: 32 });
    const lenient = await runProbe(command, {
      url: server.url,
      out: folder.path,
      least: ["json=0", "stop=0.99"],
    });
    expect(lenient.result.reasons).toEqual(["stop 31/32, expected at least 0.99"]);
  });

  test("takes prompts of a file, and refuses wrong ones by line and field", async () => {
    using folder = temporary();
    const file = join(folder.path, "prompts.jsonl");
    writeFileSync(file, '{"id": "a", "kind": "command", "prompt": "list"}\n');
    using server = serveModel({ chat: () => ({ text: "ls" }) });
    const { result } = await runProbe(command, { url: server.url, out: folder.path, prompts: file });
    expect(result).toMatchObject({ n: 1, passed: true, figures: { json: { n: 0, rate: null } } });
    for (const [row, complaint] of [
      [{ id: "a", kind: "comand", prompt: "x" }, /prompts.jsonl:1: kind: unknown kind: comand/],
      [{ id: "a", kind: "function", prompt: "x" }, /entry_point: missing/],
      [{ id: "a", kind: "diff", prompt: "x" }, /files: missing/],
    ] as const) {
      writeFileSync(file, `${JSON.stringify(row)}\n`);
      expect(readPrompts(file)).rejects.toThrow(complaint);
    }
  });

  gpuTest("leaves its verdict beside the adapter that it asked, and says when it is stopped", async () => {
    using folder = temporary();
    const base = makeTalkingBase(folder.path);
    const adapter = join(folder.path, "ckpt");
    cpSync(tinyAdapter, adapter, { recursive: true });
    const file = join(folder.path, "prompts.jsonl");
    writeFileSync(file, '{"id": "a", "kind": "function", "entry_point": "f", "prompt": "f"}\n');
    const flags = {
      base,
      adapter: [adapter],
      prompts: file,
      out: folder.path,
      maxTokens: "8",
      ctxBudget: "128",
    };
    const { result, error } = await runProbe(command, flags);
    expect(error?.exitCode).toBe(1);
    const kept = readFormatProbe(adapter);
    expect(kept).toMatchObject({ passed: false, reasons: result.reasons });
    expect(JSON.parse(readFileSync(join(adapter, "probe-format.json"), "utf8"))).toMatchObject({
      n: 1,
      model: { label: "ckpt" },
    });
  });

  test("ends with 130 on Ctrl-C, and writes nothing", async () => {
    using folder = temporary();
    let asked = 0;
    using server = serveModel({
      chat() {
        if (++asked === 1) process.emit("SIGINT");
        return { text: "ls" };
      },
    });
    const options = resolveOptions(command.options, { url: server.url, out: folder.path }, {});
    await expect(command.run(options, silent)).rejects.toMatchObject({
      exitCode: 130,
      message: expect.stringMatching(/^probe format: stopped after \d+ of 32 answers$/),
    });
    expect(existsSync(join(folder.path, "probe-format.json"))).toBe(false);
  });

  test("refuses thresholds of kinds that are none, with the nearest", () => {
    expect(() => thresholdsOf(0.8, ["jsn=0.5"])).toThrow("--least: expected one of command, json");
    expect(() => thresholdsOf(0.8, ["json=2"])).toThrow("share from 0 to 1");
    expect(thresholdsOf(0.8, ["json=0.5"])).toMatchObject({ json: 0.5, diff: 0.8 });
  });
});
