// Whole data sets: counts against transformers' on the real corpus, and what is left when rows fall away.

import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DatasetOptions, loadDataset } from "../../src/data/dataset.ts";
import { dataStatistics } from "../../src/data/statistics.ts";
import { goldenFormat, temporaryFolder } from "./golden-text.ts";

const golden = join(import.meta.dir, "../golden/corpus");
const folder = temporaryFolder();
const corpus = join(folder, "trajectories.jsonl");
writeFileSync(corpus, Bun.gunzipSync(readFileSync(join(golden, "trajectories.jsonl.gz"))));
const stats = JSON.parse(readFileSync(join(golden, "stats.json"), "utf8")) as {
  trajectories: Record<string, number>;
  terminals: Record<string, number>;
  smollm2_tokens: { total: number; min: number; median: number; p90: number; max: number; trained: number };
};
const format = goldenFormat("smollm2-135m-instruct");
const options: DatasetOptions = {
  data: corpus,
  all: false,
  maxLength: 4096,
  overlong: "drop",
  strictPrefix: false,
  specialInContent: "keep",
};

const rowsFile = (name: string, rows: readonly object[]) => {
  const file = join(folder, name);
  writeFileSync(file, rows.map((row) => JSON.stringify(row)).join("\n"));
  return file;
};
const rows = readFileSync(corpus, "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("the corpus", () => {
  test("has the tokens, trained tokens and terminals that transformers counts", async () => {
    const { sequences, counts, refused } = await loadDataset(options, format);
    expect(refused).toEqual([]);
    expect(sequences).toHaveLength(200);
    expect(counts).toMatchObject({
      rows: 200,
      trajectories: 200,
      tokens: stats.smollm2_tokens.total,
      trainedTokens: stats.smollm2_tokens.trained,
    });
    expect(counts.terminals).toEqual({ exit: stats.terminals.exit!, panic: stats.terminals.panic!, none: 0 });
    expect(counts.promptNotPrefix).toBe(0);
  });
  test("has the archetypes and lengths of its own statistics", async () => {
    const { archetypes, tokens, duplicates, warnings } = await dataStatistics(options, format);
    expect(archetypes).toEqual(stats.trajectories);
    const { total, min, median, p90, max } = stats.smollm2_tokens;
    expect(tokens).toMatchObject({ total, min, median, p90, max });
    expect([duplicates, warnings]).toEqual([[], []]);
  });
});

test("the hash knows every turn, and nothing else", async () => {
  const hash = async (list: readonly object[], name: string) =>
    (await loadDataset({ ...options, data: rowsFile(name, list) }, format)).hash;
  const few = rows.slice(0, 3);
  const first = await hash(few, "a.jsonl");
  expect(await hash(few, "b.jsonl")).toBe(first);
  expect(await hash([...few].reverse(), "c.jsonl")).not.toBe(first);
  expect(
    await hash(
      few.map((row) => ({ ...row, note: 1 })),
      "d.jsonl",
    ),
  ).toBe(first);
  const changed = structuredClone(few);
  (changed[1]!.turns as { content: string }[])[3]!.content += " ";
  expect(await hash(changed, "e.jsonl")).not.toBe(first);
});

test("keeps rows with keep: true, and with --all the rest", async () => {
  const data = rowsFile("keep.jsonl", [
    rows[0]!,
    { ...rows[1]!, keep: false, outcome: "incomplete", verified: false },
  ]);
  expect((await loadDataset({ ...options, data }, format)).counts).toMatchObject({
    rows: 2,
    notKept: 1,
    trajectories: 1,
  });
  expect((await loadDataset({ ...options, data, all: true }, format)).counts).toMatchObject({
    notKept: 0,
    trajectories: 2,
  });
  const none = rowsFile("none.jsonl", [{ ...rows[1]!, keep: false }]);
  expect(loadDataset({ ...options, data: none }, format)).rejects.toThrow(
    "expected a row with keep: true, got 1 without",
  );
});

test("rows that contradict themselves are not trained on; odd ones are, and are counted", async () => {
  const { counts, refused } = await loadDataset(
    { ...options, data: join(golden, "bad/trajectories.jsonl") },
    format,
  );
  expect(counts).toMatchObject({
    rows: 12,
    trajectories: 3,
    refused: { bad_trajectory: 8, no_assistant_turn: 1 },
  });
  expect(refused.map(({ id }) => id)).toEqual([
    "bad-02",
    "bad-03",
    "bad-04",
    "bad-05",
    "bad-06",
    "bad-07",
    "bad-09",
    "bad-10",
    "bad-11",
  ]);
  expect(Object.keys(counts.oddities).sort()).toEqual([
    "assistant turn holds a markdown fence",
    "assistant turn holds prose",
    "blank assistant turn",
  ]);
});

test("contexts that no server would compute are counted on trained turns only", async () => {
  const turns = (extra: object) => [
    { role: "user", content: "x" },
    { role: "assistant", content: "  ls", ...extra },
    { role: "user", content: "y" },
    { role: "assistant", content: "exit" },
  ];
  const data = rowsFile("prefix.jsonl", [
    { turns: turns({}) },
    { turns: turns({ train: false }) },
    { turns: turns({ weight: 0 }) },
  ]);
  expect((await loadDataset({ ...options, data }, format)).counts).toMatchObject({
    promptNotPrefix: 1,
    assistantTurns: 6,
  });
});

test("when every row is refused, one line says how many, why, and which was the first", async () => {
  const data = rowsFile("refused.jsonl", [{ messages: [{ role: "user", content: "x" }] }, { messages: [] }]);
  expect(loadDataset({ ...options, data }, format)).rejects.toThrow(
    `${data}: expected a row to train on, got all 2 refused (no_assistant_turn 2); the first, ${data}:1: no_assistant_turn: no assistant turn`,
  );
});

test("statistics warn where panic or an empty queue is rare, and name repeated rows", async () => {
  const exits = rows.filter((row) => row.archetype === "file_create").slice(0, 5);
  const data = rowsFile("rare.jsonl", [...exits, { ...exits[0]!, id: "again" }]);
  const { warnings, duplicates } = await dataStatistics({ ...options, data }, undefined);
  expect(warnings.map((warning) => warning.split(" (")[0])).toEqual([
    "panic: 0 of 6 rows",
    "empty_queue: 0 of 6 rows",
  ]);
  expect(duplicates).toEqual([{ id: "again", first: exits[0]!.id as string }]);
});
