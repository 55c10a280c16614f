// What training data may not hold, and which files of a rollout's folder are training data.

import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DatasetOptions, loadDataset } from "../../src/data/dataset.ts";
import { readTrajectories } from "../../src/data/read-records.ts";
import { goldenFormat, temporaryFolder } from "./golden-text.ts";

const folder = temporaryFolder();
const format = goldenFormat("smollm2-135m-instruct");
const turns = [
  { role: "user", content: "alice@sek:~$ " },
  { role: "assistant", content: "exit" },
];

function row(id: string, archetype: string, keep = true) {
  const [scenario_id] = id.split(".");
  const verdict = keep ? { outcome: "success", verified: true } : { outcome: "incomplete", verified: false };
  return { version: 1, id, scenario_id, archetype, turns, ...verdict, terminal: "exit", keep };
}

function fileOf(name: string, rows: readonly unknown[]): string {
  const file = join(folder, name);
  writeFileSync(file, rows.map((value) => `${JSON.stringify(value)}\n`).join(""));
  return file;
}

function options(data: string, holdout: readonly string[], all = false): DatasetOptions {
  return {
    data,
    all,
    holdout,
    maxLength: 4096,
    overlong: "drop",
    strictPrefix: false,
    specialInContent: "keep",
  };
}

const complaint = async (given: DatasetOptions): Promise<string> =>
  loadDataset(given, format).then(
    () => "",
    (error: Error) => error.message,
  );

test("rows of a held-out archetype are refused, each named by file, line and id", async () => {
  const data = fileOf("plain.jsonl", [
    row("file_create-000.s0", "file_create"),
    row("text_replace-003.s1", "text_replace"),
    row("cleanup-001.s0", "cleanup"),
    row("permissions-010.s0", "permissions"),
  ]);
  const said = await complaint(options(data, ["text_replace", "permissions"]));
  expect(said).toContain("found 2");
  expect(said).toContain(`${data}:2 text_replace-003.s1 (text_replace)`);
  expect(said).toContain(`${data}:4 permissions-010.s0 (permissions)`);
  expect(said).not.toContain("cleanup");
  expect(await complaint(options(data, ["log_extract"]))).toBe("");
});

test("a row that calls its archetype otherwise is known by the id of its scenario", async () => {
  const renamed = fileOf("renamed.jsonl", [
    row("text-replace-003.s1", "editing"),
    row("Text_Replace_007.s0", "editing"),
    row("extra-permissions-2.s0", "editing"),
    row("textreplacement-1.s0", "editing"),
  ]);
  const said = await complaint(options(renamed, ["text_replace", "permissions"]));
  expect(said).toContain("found 3");
  expect(said).not.toContain("textreplacement");
  const messages = fileOf("messages.jsonl", [{ id: "permissions-004.s2", messages: turns }]);
  expect(await complaint(options(messages, ["permissions"]))).toContain(`${messages}:1 permissions-004.s2`);
});

test("rows that are not trained on may be of any archetype", async () => {
  const data = fileOf("rejected.jsonl", [
    row("cleanup-000.s0", "cleanup"),
    row("permissions-000.s0", "permissions", false),
  ]);
  expect(await complaint(options(data, ["permissions"]))).toBe("");
  expect(await complaint(options(data, ["permissions"], true))).toContain("permissions-000.s0");
});

test("of a rollout's folder only the trajectories are data, wherever it lies", async () => {
  const rollout = join(folder, "runs", "first");
  mkdirSync(join(rollout, "scenarios", "rejected"), { recursive: true });
  const put = (name: string, text: string) => writeFileSync(join(rollout, name), text);
  put("trajectories.jsonl", `${JSON.stringify(row("cleanup-000.s0", "cleanup"))}\n`);
  put("manifest.json", JSON.stringify({ kind: "rollout" }));
  put("summary.json", "{}");
  put("failures.jsonl", "");
  put("episodes.jsonl", `${JSON.stringify({ id: "cleanup-000.s0" })}\n`);
  put("scenarios/rejected/x.json", JSON.stringify({ scenario: {}, gate: "no_op", reason: "" }));
  for (const path of [rollout, join(folder, "runs")]) {
    const records = await Array.fromAsync(readTrajectories(path));
    expect(records.map(({ id }) => id)).toEqual(["cleanup-000.s0"]);
  }
  // Without the word of a manifest, files that are no rows are complained of as ever.
  put("manifest.json", JSON.stringify({ kind: "other" }));
  await expect(Array.fromAsync(readTrajectories(rollout))).rejects.toThrow("episodes.jsonl");
});
