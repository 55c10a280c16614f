// Scenario bundles: the hash against bundles and a hash that Python made, the file's own bytes, and every place they may lie in.

import { afterAll, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { hashContent } from "../../src/data/content-hash.ts";
import { checkScenario, type Scenario } from "../../src/data/scenario.ts";
import { readScenarios } from "../../src/data/scenario-files.ts";
import { hashScenario, markProven, scenarioFields, serialiseScenario } from "../../src/data/scenario-json.ts";

const golden = join(import.meta.dir, "../golden/corpus");
const holdout = join(golden, "holdout");
const rows = gunzipSync(readFileSync(join(golden, "scenarios.jsonl.gz")))
  .toString()
  .trim()
  .split("\n");
const folder = mkdtempSync(join(tmpdir(), "scenarios-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** An empty folder with these files in it. */
function filled(name: string, files: Record<string, string>): string {
  const path = join(folder, name);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(path, file, ".."), { recursive: true });
    writeFileSync(join(path, file), text);
  }
  return path;
}

const one = checkScenario(JSON.parse(rows[0]!), { file: "one" });
const two = checkScenario(JSON.parse(rows[1]!), { file: "two" });

describe("the content hash", () => {
  test("of every bundle that Python wrote comes out again", () => {
    const files = readdirSync(holdout).map((file) => readFileSync(join(holdout, file), "utf8"));
    const all = [...rows, ...files].map((text) => checkScenario(JSON.parse(text), { file: "golden" }));
    expect(all.length).toBe(85 + 24);
    for (const scenario of all) expect(hashScenario(scenario)).toBe(scenario.contentHash);
  });

  test("sorts keys by code point and escapes as Python's json does", () => {
    const odd =
      '{"version": 1, "\\ufffd": "a", "\\ud83d\\ude00": "b", "\\u00e9": "\\u00e4\\u2028\\u007f\\u0001\\"\\\\", "z": [{"b": null, "a": true}], "env": {"B": "1", "A": "2"}}';
    // json.dumps(sort_keys=True, ensure_ascii=False, separators=(",", ":")) and hashlib, CPython 3.11.
    expect(hashContent(JSON.parse(odd))).toBe(
      "sha256:50519e1b763feec5930a7fbf48f3c17988de8a21b175451d5d08c83975d9a084",
    );
  });

  test("changes with every field", () => {
    const changes: Partial<Scenario>[] = [
      { id: "x" },
      { directive: null },
      { checker: "true" },
      { env: { A: "ä" } },
      { proven: true },
      { expectedTerminal: "panic" },
    ];
    const hashes = changes.map((change) => hashScenario({ ...one, ...change }));
    expect(new Set([...hashes, one.contentHash]).size).toBe(changes.length + 1);
  });
});

test("a bundle is written with the very bytes of the file it came from", () => {
  for (const file of readdirSync(holdout)) {
    const text = readFileSync(join(holdout, file), "utf8");
    expect(serialiseScenario(checkScenario(JSON.parse(text), { file }))).toBe(text);
  }
});

test("a bundle that says that it is proven is read back as it was written", () => {
  const odd = { ...one, directive: "prüfe 日本 😀 \u2028" };
  const proven = markProven({ ...odd, contentHash: hashScenario(odd) }, true);
  expect(serialiseScenario(proven)).toContain("prüfe 日本 😀");
  expect(checkScenario(JSON.parse(serialiseScenario(proven)), { file: "x" })).toEqual(proven);
  expect(markProven(proven, false).contentHash).not.toBe(proven.contentHash);
});

describe("bundles are read", () => {
  const ids = (path: string) => readScenarios(path).map(({ id }) => id);

  test("from a JSONL file, a JSON file and a folder of both", () => {
    const path = filled("both", {
      "b.jsonl": `${rows[1]}\n\n${rows[2]}\n`,
      "a.json": serialiseScenario(one),
    });
    expect(ids(join(path, "b.jsonl"))).toEqual([two.id, JSON.parse(rows[2]!).id]);
    expect(ids(join(path, "a.json"))).toEqual([one.id]);
    expect(ids(path)).toEqual([one.id, two.id, JSON.parse(rows[2]!).id]);
    expect(ids(holdout).length).toBe(24);
  });

  test("past what an author and a rollout leave beside them", () => {
    const path = filled("beside", {
      "rejected/x.json": JSON.stringify({ scenario: scenarioFields(two), gate: "no_op", reason: "passes" }),
      "rejected/y.json": serialiseScenario(two),
      ".cache/z.json": serialiseScenario(two),
      "summary.json": '{"admitted":1}',
      "manifest.json": "{}",
      "trajectories.jsonl": '{"id":"t","turns":[]}\nnot JSON\n',
      "notes.txt": "x",
      "one.json": serialiseScenario(one),
    });
    expect(ids(path)).toEqual([one.id]);
  });

  test("twice the same id is refused, with both places", () => {
    const path = filled("twice", { "a.json": serialiseScenario(one), "b.jsonl": `${rows[1]}\n${rows[0]}\n` });
    expect(() => readScenarios(path)).toThrow(
      `${join(path, "b.jsonl")}:2: id: duplicate id ${one.id} (first in ${join(path, "a.json")})`,
    );
  });

  test("and what is wrong is named by file, line and field", () => {
    const broken = (change: object) => JSON.stringify({ ...scenarioFields(one), ...change });
    const cases: [string, object][] = [
      ["checker: missing", { checker: undefined }],
      ["content_hash: content_hash does not fit the content", { checker: "true" }],
      ["fixtures[0].path: path leaves the world", { fixtures: [{ path: "/srv/../x", content: "" }] }],
      [
        'dirs[0].mode: expected an octal mode such as 0644, found "rwx"',
        { dirs: [{ path: "/srv/x", mode: "rwx" }] },
      ],
      ['id: not a name: "../x"', { id: "../x" }],
      ["proven: expected true or false, found a string", { proven: "yes" }],
    ];
    for (const [complaint, change] of cases) {
      const path = filled("broken", { "x.jsonl": `${rows[1]}\n${broken(change)}\n` });
      expect(() => readScenarios(path)).toThrow(`${join(path, "x.jsonl")}:2: ${complaint}`);
    }
    const cut = filled("cut", { "x.json": serialiseScenario(one).slice(0, -9) });
    expect(() => readScenarios(cut)).toThrow("not valid JSON: the file ends too early");
    expect(() => readScenarios(join(cut, "none"))).toThrow("got nothing there");
    expect(() => readScenarios(filled("empty", { "a.txt": "" }))).toThrow(
      "expected scenario bundles, got none",
    );
    cpSync(holdout, join(folder, "copied"), { recursive: true });
    expect(ids(join(folder, "copied")).length).toBe(24);
  });
});
