// The command as a whole: shapes that come in, what is written, going on after a kill, repair, and what is refused.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveOptions } from "../../src/base/resolve.ts";
import { critic } from "../../src/commands/critic.ts";
import { readTrajectories } from "../../src/data/read-records.ts";
import { scriptedEndpoint } from "../agent/scripted-endpoint.ts";
import { silent } from "../base/silent-terminal.ts";
import { need } from "../setup.ts";
import { runner } from "./here.ts";

const folder = mkdtempSync(join(tmpdir(), "critic-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const runs = need("programs", runner !== undefined);
let files = 0;

async function run(rows: readonly unknown[] | string, flags: Record<string, unknown> = {}) {
  const input = join(folder, `${++files}.jsonl`);
  writeFileSync(
    input,
    typeof rows === "string" ? rows : rows.map((row) => `${JSON.stringify(row)}\n`).join(""),
  );
  const out = (flags.out as string | undefined) ?? join(folder, `${files}.out.jsonl`);
  const lines: string[] = [];
  const options = resolveOptions(critic.options, { sandbox: "none", ...flags, in: input, out });
  // biome-ignore lint/suspicious/noExplicitAny: the table's own types are checked where the command is defined
  await critic.run(options as any, { ...silent, json: true, out: (line) => lines.push(line) });
  return { out, rows: read(out), report: JSON.parse(lines.at(-1)!) };
}

function read(file: string): Record<string, unknown>[] {
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

const add = { language: "python", entry_point: "add", tests: "assert add(1, 2) == 3" };

describe("rows", () => {
  test("of every usual shape come out in one", async () => {
    const { rows } = await run([
      { id: 1, prompt: "hi", response: "ho" },
      { id: 2, instruction: "add", input: "1 2", output: "3" },
      {
        id: 3,
        messages: [
          { role: "user", content: "hi" },
          { role: "assistant", content: "ho" },
        ],
      },
      {
        id: 4,
        conversations: [
          { from: "human", value: "hi" },
          { from: "gpt", value: "ho" },
        ],
      },
      {
        id: 5,
        prompt: [{ role: "user", content: "hi" }],
        completion: [{ role: "assistant", content: "ho" }],
      },
    ]);
    expect(rows.map(({ id }) => id)).toEqual(["1", "2", "3", "4", "5"]);
    const talk = [
      { role: "user", content: "hi" },
      { role: "assistant", content: "ho" },
    ];
    for (const i of [0, 2, 3, 4]) expect(rows[i]!.messages).toEqual(talk);
    expect(rows[1]!.messages).toEqual([
      { role: "user", content: "add\n\n1 2" },
      { role: "assistant", content: "3" },
    ]);
  });

  test("that were judged are data for training, the refused ones left out", async () => {
    const { out } = await run([
      { id: "a", prompt: "hi", response: "ho" },
      { id: "b", prompt: "hi", response: "ho\n".repeat(3) + "again and again\n".repeat(9) },
    ]);
    const kept: [string, boolean][] = [];
    for await (const record of readTrajectories(out)) kept.push([record.id, record.keep]);
    expect(kept).toEqual([
      ["a", true],
      ["b", false],
    ]);
  });

  test("that were judged can be judged again, to the same labels", async () => {
    const first = await run([{ id: "a", prompt: "x", response: '{"a": 1}', schema: { type: "array" } }]);
    const again = await run(readFileSync(first.out, "utf8"));
    expect(again.rows).toEqual(first.rows);
    expect(first.rows[0]).toMatchObject({
      syntax_pass: true,
      format_pass: false,
      tests_pass: null,
      accepted: false,
    });
  });

  for (const [name, row, message] of [
    ["without a response", { prompt: "x" }, /:1: expected a prompt and a response/],
    ["of an unknown language", { prompt: "x", response: "y", language: "pyton" }, /did you mean python/],
    [
      "with a response that is no text",
      { prompt: "x", response: 3 },
      /response: expected a string, found a number/,
    ],
    ["with files that lead outside", { prompt: "x", response: "y", files: { "../a": "" } }, /stays inside/],
  ] as const)
    test(`${name} are refused before anything is judged`, async () => {
      expect(run([row])).rejects.toThrow(message);
    });

  test("that have one id are refused", async () => {
    expect(
      run([
        { id: 1, response: "a" },
        { id: 1, response: "b" },
      ]),
    ).rejects.toThrow(/duplicate id 1 \(first on line 1\)/);
  });
});

test("an unknown label is told with the one that was meant", async () => {
  expect(run([{ response: "a" }], { require: ["syntx_pass"] })).rejects.toThrow(/expected labels/);
});

test("a required label that is null refuses the row", async () => {
  const { rows } = await run([{ prompt: "x", response: "y" }], { require: ["syntax_pass"] });
  expect(rows[0]).toMatchObject({
    accepted: false,
    evidence: { accepted: "required and not true: syntax_pass" },
  });
});

test("nothing that could only be told by running is accepted without a sandbox", async () => {
  const { rows } = await run([{ id: 1, prompt: "x", response: "def add(a, b): return 3", ...add }]);
  expect(rows[0]).toMatchObject({
    syntax_pass: true,
    entrypoint_match: true,
    tests_pass: null,
    accepted: null,
    keep: false,
  });
});

runs("what was judged is not judged again, and a torn record costs only itself", async () => {
  const out = join(folder, "again.jsonl");
  const rows = [1, 2, 3].map((i) => ({
    id: i,
    prompt: `x${i}`,
    response: "def add(a, b): return a + b",
    ...add,
  }));
  const first = await run(rows, { out, sandbox: "bubblewrap" });
  const cache = `${out}.cache`;
  const kept = readFileSync(cache, "utf8").trim().split("\n");
  expect(kept).toHaveLength(3);
  // As if killed while the second record was written.
  writeFileSync(cache, `${kept[0]}\n${kept[1]!.slice(0, 50)}`);
  rmSync(out);
  const second = await run(rows, { out, sandbox: "bubblewrap" });
  expect(second.rows.map(({ accepted }) => accepted)).toEqual([true, true, true]);
  expect(second.report.labels).toEqual(first.report.labels);
  const after = readFileSync(cache, "utf8").trim().split("\n");
  expect(after[0]).toBe(kept[0]!);
  expect(after).toHaveLength(3);
});

runs("rows of one content are judged once", async () => {
  const row = { prompt: "x", response: "def add(a, b): return a + b", ...add };
  const { out, report } = await run(
    [
      { id: 1, ...row },
      { id: 2, ...row },
      { id: 3, ...row },
    ],
    { sandbox: "bubblewrap" },
  );
  expect(report.labels.accepted).toEqual({ true: 3, false: 0, null: 0 });
  expect(readFileSync(`${out}.cache`, "utf8").trim().split("\n")).toHaveLength(1);
});

runs("a candidate that kills its judge is labelled and the run goes on", async () => {
  const { rows } = await run(
    [
      { id: 1, prompt: "x", response: `x = ${"(".repeat(50_000)}1${")".repeat(50_000)}`, language: "python" },
      { id: 2, prompt: "x", response: "import os\ndef add(a, b):\n  while True: os.fork()", ...add },
      { id: 3, prompt: "x", response: "def add(a, b): return a + b", ...add },
    ],
    { sandbox: "bubblewrap" },
  );
  expect(rows.map(({ accepted }) => accepted)).toEqual([false, false, true]);
});

runs(
  "a candidate whose reference fails its own tests is excluded by name, and not to be trained on",
  async () => {
    const row = { prompt: "x", response: "def add(a, b): return a + b", ...add };
    const { rows, report } = await run(
      [
        { id: "odd", ...row, reference: "def add(a, b): return a" },
        { id: "even", ...row, reference: "def add(a, b): return b + a" },
      ],
      { sandbox: "bubblewrap" },
    );
    expect(report.excluded).toEqual(["odd"]);
    expect(rows).toMatchObject([
      { tests_pass: null, accepted: null, keep: false },
      { tests_pass: true, accepted: true, keep: true },
    ]);
  },
);

runs("a repair is kept when the correction passes, with the failure read and not learnt", async () => {
  using server = scriptedEndpoint((_, { body }) =>
    /-07/.test(JSON.stringify(body)) ? "def add(a, b): return 0" : "def add(a, b): return a + b",
  );
  const { out, report } = await run(
    [
      { id: "bad", prompt: "Write add.", response: "def add(a, b): return a - b", ...add },
      { id: "good", prompt: "Write add.", response: "def add(a, b): return b + a", ...add },
      { id: "hopeless", prompt: "Write add -07.", response: "def add(a, b): return a * b", ...add },
    ],
    { sandbox: "bubblewrap", repair: true, url: server.url, model: "m" },
  );
  expect(report.repaired).toBe(1);
  const traces = read(out.replace(".jsonl", ".repairs.jsonl"));
  expect(traces).toHaveLength(1);
  expect(traces[0]).toMatchObject({ id: "bad#repair", repair_of: "bad", accepted: true, keep: true });
  const messages = traces[0]!.messages as { role: string; content: string; train?: boolean }[];
  expect(messages.map(({ role, train }) => [role, train])).toEqual([
    ["user", undefined],
    ["assistant", false],
    ["user", undefined],
    ["assistant", undefined],
  ]);
  expect(messages[2]!.content).toContain("assert add(1, 2) == 3");
  expect(server.received).toHaveLength(3);
});

test("--repair without an endpoint is refused and nothing is written", async () => {
  const out = join(folder, "none.jsonl");
  const before = process.env.SEKFT_URL;
  delete process.env.SEKFT_URL;
  await expect(run([{ response: "a" }], { out, repair: true })).rejects.toThrow(/--repair: expected --url/);
  if (before !== undefined) process.env.SEKFT_URL = before;
  expect(existsSync(out)).toBe(false);
});

test("an endpoint that refuses stops the run, and the same command goes on when it answers", async () => {
  const out = join(folder, "endpoint.jsonl");
  const rows = [{ id: "bad", prompt: "Give JSON only.", response: "{", schema: {} }];
  let broken = true;
  using server = scriptedEndpoint(() => (broken ? new Response('{"error":"no"}', { status: 402 }) : "{}"));
  const flags = { out, repair: true, url: server.url, model: "m" };
  await expect(run(rows, flags)).rejects.toThrow(/402/);
  broken = false;
  const { report } = await run(rows, flags);
  expect(report.repaired).toBe(1);
});
