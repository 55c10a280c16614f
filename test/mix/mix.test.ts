// `sekft mix` from files to files: shares counted in what was written, seeds, oversampling, holdout, and what happens when it fails.

import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { readTrajectories } from "../../src/data/read-records.ts";
import { RowFile } from "../../src/mix/row-file.ts";
import { goldenRows, type MaskRow, tokenizerDirectory } from "../data/golden-text.ts";
import { at, folder, lines, rowsFile, runMix, talk } from "./run-mix.ts";

const talks = (name: string, count: number) =>
  rowsFile(
    `${name}.jsonl`,
    Array.from({ length: count }, (_, i) => talk(`${name}${i}x`, 5 + (i % 30))),
  );

/** Rows of each source in what was written. */
function counted(rows: readonly { source: string }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { source } of rows) counts[source] = (counts[source] ?? 0) + 1;
  return counts;
}

const sha = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

describe("the mix", () => {
  const plan = { code: 950, edits: 420, tools: 330, administration: 220, chat: 240 };
  const sources = Object.entries(plan)
    .map(([name, count]) => `  ${name}: { path: ${talks(name, count)} }`)
    .join("\n");

  test("has the shares that were wanted, to the row", async () => {
    const { rows, report } = await runMix(`total: 2000\nsources:\n${sources}`);
    expect(counted(rows)).toEqual({ code: 900, edits: 400, tools: 300, administration: 200, chat: 200 });
    expect(report.sources.map(({ wanted, mixed }) => [wanted.share, mixed.share])).toEqual(
      [0.45, 0.2, 0.15, 0.1, 0.1].map((share) => [share, share]),
    );
    // No row twice, each from where it says, with all that it said.
    expect(new Set(rows.map(({ id }) => id)).size).toBe(2000);
    for (const { id, source, messages } of rows.slice(0, 100) as never as {
      id: string;
      source: string;
      messages: unknown;
    }[]) {
      const line = Number(id.split(":")[1]);
      expect(messages).toEqual(lines(at(`${source}.jsonl`))[line - 1]!.messages);
    }
  });

  test("is as large as the smallest source allows where no total is given", async () => {
    const { report } = await runMix(`sources:\n${sources}`);
    // 420 / 0.2 = 2100, the others allow more: 950 / 0.45 = 2111.
    expect([report.total.rows, report.limited_by]).toEqual([2100, "edits"]);
    const capped = await runMix(`cap: 150\nsources:\n${sources}`);
    expect([capped.report.total.rows, capped.report.limited_by]).toEqual([333, "code"]);
  });

  test("has the same bytes for the same seed, and others for another", async () => {
    const yaml = `holdout: 5 %\nsources:\n${sources}`;
    const files = ["train.jsonl", "train.holdout.jsonl", "train.removed.jsonl", "train.mix.json"];
    const hashes = async (more = {}) => {
      const { report } = await runMix(yaml, more);
      expect(report.files!.out!.sha256).toBe(`sha256:${sha(at("train.jsonl"))}`);
      return files.map((file) => sha(at(file)));
    };
    const first = await hashes();
    expect(await hashes()).toEqual(first);
    expect(await hashes({ seed: 42 })).toEqual(first);
    const other = await hashes({ seed: 43 });
    expect(other[0]).not.toBe(first[0]!);
    expect(other[1]).not.toBe(first[1]!);
  });

  test("is shuffled: no source stands in a row of its own", async () => {
    const { rows } = await runMix(`sources:\n${sources}`);
    const half = counted(rows.slice(0, rows.length / 2));
    // Of a hypergeometric draw of half of 945 rows the deviation is under 12.
    expect(Math.abs(half.code! - 945 / 2)).toBeLessThan(60);
  });

  test("has the same rows in another order for another seed, where all of them are in it", async () => {
    const yaml = `sources: { a: { path: ${at("ten.jsonl")}, share: 100 } }`;
    const ids = async (seed: number) => (await runMix(yaml, { seed })).rows.map(({ id }) => id);
    talks("ten", 10);
    const [first, second] = [await ids(1), await ids(2)];
    expect(second).not.toEqual(first);
    expect(second.sort()).toEqual(first.sort());
  });

  test("counts tokens as transformers does", async () => {
    const name = "smollm2-135m-instruct";
    const golden = goldenRows<MaskRow>(`mask/${name}.jsonl`).filter(
      ({ refused, messages }) => refused === undefined && messages.some(({ role }) => role === "assistant"),
    );
    const rows = golden.map(({ id, messages }) => ({ id, messages }));
    const path = rowsFile("golden.jsonl", rows);
    const { report, removed } = await runMix(
      `by: tokens\ndedup: false\nbase: ${tokenizerDirectory(name)}\nsources: { one: { path: ${path}, share: 100 } }`,
    );
    expect(removed).toEqual([]);
    expect(report.total.units).toBe(golden.reduce((sum, { input_ids }) => sum + input_ids.length, 0));
  });

  test("has its shares by characters within half a percent, rows of all lengths", async () => {
    const { rows, report } = await runMix(`by: characters\ntotal: 300000\nsources:\n${sources}`);
    const characters: Record<string, number> = {};
    for (const { source, messages } of rows as never as { source: string; messages: { content: string }[] }[])
      characters[source] =
        (characters[source] ?? 0) + messages.reduce((sum, { content }) => sum + content.length, 0);
    const all = Object.values(characters).reduce((sum, one) => sum + one, 0);
    for (const [name, share] of Object.entries({
      code: 0.45,
      edits: 0.2,
      tools: 0.15,
      administration: 0.1,
      chat: 0.1,
    })) {
      expect(Math.abs(characters[name]! / all - share)).toBeLessThan(0.005);
      expect(report.sources.find((one) => one.name === name)!.mixed.share).toBe(characters[name]! / all);
    }
  });

  test("uses the rows of a small source again, each as often as the others or once more, by another id", async () => {
    const yaml = (more: string) =>
      `total: 100\nsources: { large: { path: ${at("code.jsonl")}, share: 75 }, small: { path: ${talks("ten", 10)}, share: 25${more} } }`;
    const { rows, report } = await runMix(yaml(", oversample: 3"));
    const uses = counted(
      rows.filter(({ source }) => source === "small").map(({ id }) => ({ source: id.split("#")[0]! })),
    );
    expect(Object.values(uses).sort()).toEqual([2, 2, 2, 2, 2, 3, 3, 3, 3, 3]);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(100);
    expect(report.sources[1]).toMatchObject({ different: 10, times: 2.5 });
    await expect(runMix(yaml(", oversample: 2.4"))).rejects.toThrow(
      /sources\.small: expected 25 rows for 25 % of 100, got fewer: it has 10, 2\.40 times/,
    );
    await expect(runMix(yaml(""))).rejects.toMatchObject({
      hint: expect.stringMatching(/total: 40 is the most .* oversample: 2\.5 here/),
    });
    await expect(runMix(yaml(", oversample: 3, cap: 20"))).rejects.toThrow("its cap is 20");
  });

  test("is training data: sessions of several sources with the same ids are read by the trainer's reader", async () => {
    const sessions = lines(join(import.meta.dir, "../../examples/trajectories.jsonl")).slice(0, 12);
    const a = rowsFile("sessions-a.jsonl", [
      ...sessions,
      { ...sessions[0], id: "left", keep: false, outcome: "incomplete" },
    ]);
    const b = rowsFile("sessions-b.jsonl", sessions);
    const { removed } = await runMix(
      `dedup: false\noversample: 2\ntotal: 36\nsources: { a: { path: ${a}, share: 50 }, b: { path: ${b}, share: 50 } }`,
    );
    expect(removed).toMatchObject([{ reason: "not_kept", row: 13, id: "left" }]);
    const read = [];
    for await (const { scenarioId, keep } of readTrajectories(at("train.jsonl")))
      read.push([scenarioId, keep]);
    expect(read).toHaveLength(36);
    expect(new Set<unknown>(read.map(([id]) => id))).toEqual(
      new Set(sessions.map(({ scenario_id }) => scenario_id)),
    );
  });

  test("takes prompts with a response, rows the critic accepted, lists, Parquet and folders", async () => {
    const folderOf = at("several");
    mkdirSync(folderOf, { recursive: true });
    const [first, second] = [talk("one"), talk("two")];
    writeFileSync(join(folderOf, "list.json"), JSON.stringify([first, second]));
    writeFileSync(
      join(folderOf, "pairs.jsonl"),
      `\ufeff${JSON.stringify({ prompt: "Say été.", response: "été", accepted: true, task: 7 })}\r\n\r\n` +
        `${JSON.stringify({ prompt: "No.", completion: "Never.", accepted: false })}`,
    );
    cpSync(join(import.meta.dir, "../golden/corpus/shapes/messages.parquet"), join(folderOf, "rows.parquet"));
    const { rows, removed } = await runMix(`dedup: false\nsources: { all: { path: ${folderOf}, share: 1 } }`);
    expect(removed.filter(({ file }) => file.endsWith("pairs.jsonl"))).toMatchObject([
      { reason: "not_kept", row: 3 },
    ]);
    const said = rows.find(({ id }) => id === "all/pairs.jsonl:1")!;
    expect(said as unknown).toEqual({
      id: "all/pairs.jsonl:1",
      source: "all",
      accepted: true,
      task: 7,
      messages: [
        { role: "user", content: "Say été." },
        { role: "assistant", content: "été" },
      ],
    });
    expect(rows.filter(({ id }) => id.startsWith("all/list.json"))).toHaveLength(2);
    expect(rows.length).toBeGreaterThan(5);
  });
});

describe("the holdout", () => {
  const rows = Array.from({ length: 400 }, (_, i) => ({ ...talk(`h${i}`), repo: `r${i % 40}` }));
  const path = rowsFile("grouped.jsonl", rows);
  const other = talks("other", 100);

  test("takes its part of each source, and no row is on both sides", async () => {
    const { report } = await runMix(
      `sources: { a: { path: ${path}, share: 50, holdout: 10 % }, b: { path: ${other}, share: 50, holdout: 0.05 } }`,
    );
    const held = lines<{ id: string; source: string }>(at("train.holdout.jsonl"));
    expect(counted(held)).toEqual({ a: 40, b: 5 });
    expect(report.sources.map(({ held_out }) => held_out)).toEqual([40, 5]);
    const mixed = new Set(lines<{ id: string }>(at("train.jsonl")).map(({ id }) => id));
    expect(held.filter(({ id }) => mixed.has(id))).toEqual([]);
  });

  test("keeps rows of a group on one side", async () => {
    await runMix(`group_by: repo\nholdout: 0.2\nsources: { a: { path: ${path}, share: 100 } }`);
    const repos = (file: string) => new Set(lines<{ repo: string }>(at(file)).map(({ repo }) => repo));
    const held = repos("train.holdout.jsonl");
    expect(lines(at("train.holdout.jsonl"))).toHaveLength(80);
    expect(held.size).toBe(8);
    expect([...repos("train.jsonl")].filter((repo) => held.has(repo))).toEqual([]);
  });

  test("takes a source whole", async () => {
    const { rows: mixed } = await runMix(
      `sources: { a: { path: ${path}, share: 100 }, b: { path: ${other}, holdout: all } }`,
      { holdoutOut: at("other-name.jsonl") },
    );
    expect(counted(mixed)).toEqual({ a: 400 });
    expect(counted(lines<{ source: string }>(at("other-name.jsonl")))).toEqual({ b: 100 });
  });
});

describe("what cannot be mixed", () => {
  const good = talks("good", 20);
  const one = (path: string) =>
    `sources:\n  a: { path: ${path}, share: 50 }\n  b: { path: ${good}, share: 50 }`;

  test("is told with its place", async () => {
    const bad = rowsFile("bad.jsonl", [talk("x"), { messages: [{ role: "tool", content: "1" }] }]);
    await expect(runMix(one(bad))).rejects.toThrow(`${bad}:2: messages[0].role: unknown role: tool`);
    writeFileSync(at("cut.jsonl"), '{"messages": [');
    await expect(runMix(one(at("cut.jsonl")))).rejects.toThrow(
      "cut.jsonl:1: not valid JSON: the line ends too early",
    );
    writeFileSync(at("empty.jsonl"), "");
    await expect(runMix(one(at("empty.jsonl")))).rejects.toThrow(
      /mix\.yaml:2: sources\.a: expected rows in .*empty\.jsonl, got none/,
    );
    await expect(runMix(one(at("gone.jsonl")))).rejects.toThrow(
      /mix\.yaml:2: sources\.a: .* got nothing at .*gone\.jsonl/,
    );
    const pair = rowsFile("pair.jsonl", [{ prompt: "a", chosen: "b", rejected: "c" }]);
    await expect(runMix(one(pair))).rejects.toThrow("found a preference pair");
    const unkept = rowsFile("unkept.jsonl", [{ ...talk("k"), keep: false }]);
    await expect(runMix(one(unkept))).rejects.toThrow(
      /sources\.a: expected rows for the mix, got none that are left/,
    );
    const session = lines(join(import.meta.dir, "../../examples/trajectories.jsonl"))[0]!;
    await expect(runMix(one(rowsFile("twice.jsonl", [session, session])))).rejects.toThrow(
      "twice.jsonl:2: id: duplicate id",
    );
  });

  test("leaves what was there as it was, and nothing else", async () => {
    await runMix(one(at("tools.jsonl")));
    const before = sha(at("train.jsonl"));
    const bad = rowsFile("late.jsonl", [talk("x"), talk("y"), { messages: 3 }]);
    await expect(runMix(one(bad))).rejects.toThrow("late.jsonl:3");
    await Bun.sleep(0);
    expect(sha(at("train.jsonl"))).toBe(before);
    expect(readdirSync(folder).filter((name) => name.includes(".part"))).toEqual([]);
  });

  test("is not written over its own sources", async () => {
    await expect(runMix(one(good), { out: good })).rejects.toThrow(
      /--out: expected another file than a source/,
    );
    expect(statSync(good).size).toBeGreaterThan(0);
  });
});

test("a source that changes between the readings stops the mix", () => {
  const path = talks("changing", 3);
  using file = new RowFile(path, at("spool"));
  expect(() => file.checkUnchanged()).not.toThrow();
  appendFileSync(path, `${JSON.stringify(talk("late"))}\n`);
  expect(() => file.checkUnchanged()).toThrow("changing.jsonl: expected a file that stays as it is");
});

test("a dry run says the shares and writes nothing", async () => {
  for (const name of readdirSync(folder).filter((one) => one.startsWith("train."))) rmSync(at(name));
  const { report } = await runMix(
    `sources: { a: { path: ${talks("dry", 30)}, share: 60 }, b: { path: ${talks("dryer", 30)}, share: 40 } }`,
    { dryRun: true },
  );
  expect([report.total.rows, report.files]).toEqual([50, null]);
  expect(readdirSync(folder).filter((name) => name.startsWith("train"))).toEqual([]);
});

test("the table has wanted and exact shares side by side", async () => {
  const { out } = await runMix(
    `total: 7\nsources: { a: { path: ${at("dry.jsonl")}, share: 60 }, b: { path: ${at("dryer.jsonl")}, share: 40 } }`,
    {},
    { json: false },
  );
  expect(out[1]).toMatch(/^a +60\.000 % +57\.143 % +4 /);
  expect(out[2]).toMatch(/^b +40\.000 % +42\.857 % +3 /);
  expect(existsSync(at("train.mix.json"))).toBe(true);
});
