// Contamination against overlaps that scikit-learn counted, and what is done about it.

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../../src/base/errors.ts";
import { at, golden, lines, rowsFile, runMix, talk } from "./run-mix.ts";

const overlaps = JSON.parse(readFileSync(join(golden, "overlap.json"), "utf8")) as number[];
const suspects = join(golden, "suspects.jsonl");
const yaml = (action: string, more = "") =>
  `dedup: false\ncontamination: { against: { made: ${join(golden, "benchmark.jsonl")} }, action: ${action}${more} }\n` +
  `sources: { one: { path: ${suspects}, share: 100 } }`;

describe("contamination", () => {
  for (const share of [0.2, 0.5, 0.9])
    test(`rows with ${share} of a passage's n-grams are left out and listed, with the overlap`, async () => {
      const { removed, report, rows } = await runMix(yaml("drop", `, share: ${share}`));
      const wanted = overlaps.flatMap((overlap, i) => (overlap >= share ? [i + 1] : []));
      expect(wanted.length).toBeGreaterThan(5);
      expect(removed.map(({ row }) => row)).toEqual(wanted);
      for (const { row, finding } of removed) expect(finding!.overlap).toBeCloseTo(overlaps[row - 1]!, 5);
      expect(report.removed.contaminated).toBe(wanted.length);
      expect(rows).toHaveLength(60 - wanted.length);
    });

  test("rows are only listed where that was asked for", async () => {
    const { removed, rows } = await runMix(yaml("list"));
    expect(rows).toHaveLength(60);
    expect(removed.map((one) => one.removed)).toEqual(overlaps.filter((one) => one >= 0.5).map(() => false));
  });

  test("they stop the mix otherwise, the first of them named, and nothing is written", async () => {
    for (const name of ["train.jsonl", "train.removed.jsonl"]) rmSync(at(name), { force: true });
    const error = await runMix(yaml("refuse")).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DataError);
    const { message, hint } = error as DataError;
    expect(message).toContain(
      `found ${overlaps.filter((one) => one >= 0.5).length}: ${suspects}:2 (made: Made/`,
    );
    expect(message).toContain(`and ${overlaps.filter((one) => one >= 0.5).length - 10} more`);
    expect(hint).toContain("action: drop");
    expect(existsSync(at("train.jsonl")) || existsSync(at("train.removed.jsonl"))).toBe(false);
  });

  test("rows of a held-out archetype are found by their word, their scenario and their id", async () => {
    const rows = [
      { ...talk("a"), archetype: "permissions" },
      { ...talk("b"), id: "text_replace-003.s1" },
      { ...talk("c"), id: "file_create-1" },
    ];
    const { removed } = await runMix(
      `contamination: { archetypes: [permissions, text_replace], action: drop }\n` +
        `sources: { one: { path: ${rowsFile("held.jsonl", rows)}, share: 1 } }`,
    );
    expect(removed.map(({ row, finding }) => [row, finding!.item])).toEqual([
      [1, "permissions"],
      [2, "text_replace"],
    ]);
  });

  test("what many items of a benchmark have in common is no content", async () => {
    const frame = talk("frame", 60).messages[0]!.content;
    const items = Array.from({ length: 8 }, (_, i) => ({
      id: `t${i}`,
      text: `${frame} ${talk(`own${i}`, 20).messages[0]!.content}`,
    }));
    const row = (text: string) => ({
      messages: [
        { role: "user", content: text },
        { role: "assistant", content: "ok" },
      ],
    });
    const rows = [row(frame), row(items[3]!.text), row(talk("else").messages[0]!.content)];
    const { removed } = await runMix(
      `contamination: { against: { made: ${rowsFile("items.jsonl", items)} }, action: drop }\n` +
        `sources: { one: { path: ${rowsFile("rows.jsonl", rows)}, share: 1 } }`,
    );
    expect(removed.map(({ row: line, finding }) => [line, finding!.item])).toEqual([[2, "t3"]]);
  });

  test("a benchmark may be packed, as HumanEval is handed out", async () => {
    const packed = at("benchmark.jsonl.gz");
    writeFileSync(packed, Bun.gzipSync(readFileSync(join(golden, "benchmark.jsonl"))));
    const plain = await runMix(yaml("drop"));
    const { removed } = await runMix(yaml("drop").replace(join(golden, "benchmark.jsonl"), packed));
    expect(removed).toEqual(plain.removed);
    writeFileSync(packed, "not packed");
    await expect(runMix(yaml("drop").replace(join(golden, "benchmark.jsonl"), packed))).rejects.toThrow(
      "benchmark.jsonl.gz: expected JSON lines packed by gzip",
    );
  });

  test("a part that a row says again and again counts once", async () => {
    const words = talk("passage", 60).messages[0]!.content.split(" ");
    const part = words.slice(0, 24).join(" ");
    const rows = [part, `${part}\n`.repeat(6), words.join(" ")].map((content) => ({
      messages: [
        { role: "user", content },
        { role: "assistant", content: "ok" },
      ],
    }));
    const { removed } = await runMix(
      `dedup: false\ncontamination: { against: { made: ${rowsFile("one.jsonl", [{ id: "x", text: words.join(" ") }])} }, action: drop }\n` +
        `sources: { one: { path: ${rowsFile("again.jsonl", rows)}, share: 1 } }`,
    );
    expect(removed.map(({ row, finding }) => [row, finding!.overlap])).toEqual([[3, 1]]);
  });

  test("held-out scenarios count with what they ask", async () => {
    const holdout = join(import.meta.dir, "../golden/corpus/holdout");
    const file = "text_replace-000.json";
    const { directive } = JSON.parse(readFileSync(join(holdout, file), "utf8")) as { directive: string };
    const rows = [
      talk("clean"),
      {
        messages: [
          { role: "user", content: directive },
          { role: "assistant", content: "ok" },
        ],
      },
    ];
    const { removed } = await runMix(
      `contamination: { against: { heldout: ${holdout} }, action: drop }\n` +
        `sources: { one: { path: ${rowsFile("asked.jsonl", rows)}, share: 1 } }`,
    );
    expect(removed).toHaveLength(1);
    expect(removed[0]).toMatchObject({
      row: 2,
      finding: { against: "heldout", item: "text_replace-000", field: "directive" },
    });
  });

  test("a benchmark without anything to compare is refused, with its line in the file", async () => {
    const path = rowsFile("short.jsonl", [{ id: "x", text: "too short" }]);
    await expect(
      runMix(
        `contamination:\n  against:\n    tiny: ${path}\nsources: { one: { path: ${suspects}, share: 1 } }`,
      ),
    ).rejects.toThrow(/mix\.yaml:3: contamination\.against\.tiny: expected texts of 8 words/);
  });
});

test("the golden rows are as many as their overlaps", () => {
  expect(lines(suspects)).toHaveLength(overlaps.length);
});
