// Readers against files of every public shape, and against files that must be refused with file, line and field.

import { describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../../src/base/errors.ts";
import { findDefects } from "../../src/data/defects.ts";
import { readTrajectories } from "../../src/data/read-records.ts";
import { checkScenario } from "../../src/data/scenario.ts";
import type { TrajectoryRecord } from "../../src/data/trajectory.ts";
import { temporaryFolder } from "./golden-text.ts";

const golden = join(import.meta.dir, "../golden/corpus");
const folder = temporaryFolder();
cpSync(golden, folder, { recursive: true });
for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
  if (entry.name.endsWith(".gz")) {
    const file = join(entry.parentPath, entry.name);
    writeFileSync(file.replace(/\.gz$/, ""), Bun.gunzipSync(readFileSync(file)));
  }

async function readAll(path: string): Promise<TrajectoryRecord[]> {
  return Array.fromAsync(readTrajectories(path));
}

async function complaintOf(path: string): Promise<DataError> {
  const error = await readAll(path).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(DataError);
  return error as DataError;
}

interface Expected {
  readonly file: string;
  readonly kind: string;
  readonly accept: boolean;
  readonly line: number | null;
  readonly field: string | null;
  readonly complaint: string;
}
const expected = JSON.parse(readFileSync(join(golden, "corrupt/expected.json"), "utf8")) as Expected[];

describe("damaged files", () => {
  const refused = expected.filter(({ accept }) => !accept);
  test("are 31, and the odd but good ones 5", () =>
    expect([refused.length, expected.length]).toEqual([31, 36]));

  test.each(refused)("$file: $complaint", async ({ file, kind, line, field, complaint }) => {
    const path = join(folder, "corrupt", file);
    const error = await complaintOf(path);
    expect(error.place.file).toBe(path);
    if (line !== null) expect(error.place.line).toBe(line);
    if (field !== null) expect(error.place.field).toBe(field);
    // What stands in brackets explains; it need not be said word for word.
    expect(error.complaint).toStartWith(complaint.replace(/ \(.*/, ""));
    if (kind === "scenario")
      expect(() => checkScenario(JSON.parse(readFileSync(path, "utf8")), { file: path })).toThrow(
        error.message,
      );
  });

  test.each(expected.filter(({ accept }) => accept))("$file is read: $complaint", async ({ file }) => {
    expect((await readAll(join(folder, "corrupt", file)))[0]!.id).toBe("file_create-000.s0");
  });

  test("that do not exist are named", () =>
    expect(readAll(join(folder, "nothing.jsonl"))).rejects.toThrow("nothing.jsonl: expected trajectories"));
});

describe("public shapes", () => {
  const shapes = JSON.parse(readFileSync(join(golden, "shapes/expected.json"), "utf8")) as {
    files: string[];
    ids: string[];
    directory_order: string[];
    turns: Record<string, unknown[]>;
  };
  test.each(shapes.files)("%s holds the same 20 conversations", async (file) => {
    const rows = await readAll(join(folder, "shapes", file));
    const ids = file === "directory/" ? shapes.directory_order : shapes.ids;
    expect(rows.map(({ turns }) => turns)).toEqual(ids.map((id) => shapes.turns[id]) as never);
    expect(rows.every(({ keep }) => keep)).toBe(true);
    // messages.jsonl has no ids: a row is named after its line.
    expect(rows.map(({ id }) => id)).toEqual(
      file === "messages.jsonl" ? rows.map((_, i) => `messages.jsonl:${i + 1}`) : ids,
    );
  });

  test("carry weights, and keep: false", async () => {
    const file = join(folder, "weights.jsonl");
    const turns = [
      { role: "user", content: "x" },
      { role: "assistant", content: "ls", weight: 0.5 },
      { role: "assistant", content: "exit", train: false },
    ];
    writeFileSync(
      file,
      `${JSON.stringify({ messages: turns, keep: false })}\n${JSON.stringify({ turns })}\n`,
    );
    const rows = await readAll(file);
    expect(rows.map(({ keep }) => keep)).toEqual([false, true]);
    expect(rows[1]!.turns).toEqual(turns as never);
    writeFileSync(file, JSON.stringify({ messages: [{ role: "assistant", content: "ls", weight: -1 }] }));
    expect((await complaintOf(file)).message).toBe(
      `${file}:1: messages[0].weight: expected 0 or more, found -1`,
    );
  });

  test("of another kind are named by what they hold", async () => {
    const file = join(folder, "alpaca.jsonl");
    writeFileSync(file, '{"instruction": "x", "output": "y"}\n');
    expect((await complaintOf(file)).complaint).toBe(
      "no turns, messages or conversations; found instruction, output",
    );
    writeFileSync(file, '{"prompt": "x", "chosen": "y", "rejected": "z"}\n');
    expect(await complaintOf(file)).toMatchObject({
      complaint: "expected a trajectory, found a preference pair",
      hint: "train --method dpo learns from pairs",
    });
  });

  test("in a .json file that holds JSON lines are read too", async () => {
    const file = join(folder, "lines.json");
    cpSync(join(folder, "shapes/messages.jsonl"), file);
    expect(await readAll(file)).toHaveLength(20);
  });
});

describe("the corpus", () => {
  test("is read beside its scenarios, which all pass their checks", async () => {
    const both = join(folder, "both");
    mkdirSync(both);
    for (const name of ["trajectories.jsonl", "scenarios.jsonl"])
      cpSync(join(folder, name), join(both, name));
    expect(await readAll(both)).toHaveLength(200);
    const lines = readFileSync(join(folder, "scenarios.jsonl"), "utf8").trim().split("\n");
    expect(lines.map((line) => checkScenario(JSON.parse(line), { file: "s" }).id)).toHaveLength(85);
  });

  test("has no defect in its good rows", async () => {
    for (const row of await readAll(join(folder, "trajectories.jsonl")))
      expect({ id: row.id, defects: findDefects(row) }).toEqual({ id: row.id, defects: [] });
  });

  test("has in each bad row exactly the defect that was put in", async () => {
    const file = join(folder, "bad/trajectories.jsonl");
    const complaints = readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { complaint: string }).complaint);
    expect(complaints).toHaveLength(12);
    expect((await readAll(file)).map((row) => findDefects(row).map(({ complaint }) => complaint))).toEqual(
      complaints.map((complaint) => [complaint]),
    );
  });
});

test("lines of any length cross the reader's blocks whole", async () => {
  const file = join(folder, "long.jsonl");
  const contents = [1, 1000, 100_000, 400_000, 400_000, 400_000, 7].map((length, i) =>
    String.fromCharCode(97 + i).repeat(length),
  );
  writeFileSync(
    file,
    contents
      .map((content) => JSON.stringify({ messages: [{ role: "user", content: `é${content}` }] }))
      .join("\n"),
  );
  expect((await readAll(file)).map(({ turns }) => turns[0]!.content)).toEqual(
    contents.map((content) => `é${content}`),
  );
});
