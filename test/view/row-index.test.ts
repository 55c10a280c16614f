import { describe, expect, test } from "bun:test";
import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EpisodePages } from "../../src/view/episode-page.ts";
import { openRows } from "../../src/view/row-source.ts";
import { episode, lines, scratch, writeEval } from "./sample-runs.ts";

const everything = { arm: "", outcome: "", archetype: "", flips: false, text: "", from: 0, count: 60 };

async function open(file: string) {
  const pages = new EpisodePages(openRows(file, "episode"));
  await pages.source.refresh();
  return pages;
}

describe("an index over episodes.jsonl", () => {
  test("finds every line again, also where characters take several bytes", async () => {
    const file = join(scratch(), "episodes.jsonl");
    const all = ["ä-1", "日本-2", "x-3", "😀-4"].map((id) =>
      episode("base", id, "success", `${id} ${"ü".repeat(99)}`),
    );
    writeFileSync(file, lines(all));
    const { source } = await open(file);
    expect(all.map((_, row) => source.row(row).record as unknown)).toEqual(all);
  });

  test("shows the good part of a damaged log and names each bad line", async () => {
    const file = join(scratch(), "episodes.jsonl");
    const { outcome: _, ...without } = episode("base", "a-2", "success");
    const good = [episode("base", "a-1", "success"), episode("base", "a-3", "success")];
    writeFileSync(
      file,
      `${lines([good[0]])}\u0000\u0000garbage{\n${lines([without])}\n[1]\n${lines([good[1]])}${JSON.stringify(good[0]).slice(0, 50)}`,
    );
    const { source } = await open(file);
    const { damage, damaged, rows, tornBytes, done } = source.state;
    expect({ rows, damaged, tornBytes, done }).toEqual({ rows: 2, damaged: 3, tornBytes: 50, done: true });
    expect(damage[0]).toStartWith(`${file}:2: not valid JSON`);
    expect(damage[1]).toStartWith(`${file}:3: outcome: `);
    expect(damage[2]).toStartWith(`${file}:5: expected an episode`);
    expect(source.row(1)).toMatchObject({ line: 6, record: { scenario_id: "a-3" } });
  });

  test("goes on where a log has grown, and takes the torn line once it is whole", async () => {
    const file = join(scratch(), "episodes.jsonl");
    const [first, second] = lines([
      episode("base", "a-1", "success"),
      episode("base", "a-2", "success"),
    ]).split("\n");
    writeFileSync(file, `${first}\n${second!.slice(0, 30)}`);
    const { source } = await open(file);
    expect(source.table.length).toBe(1);
    appendFileSync(file, `${second!.slice(30)}\n`);
    await source.refresh();
    expect(source.state).toMatchObject({ rows: 2, damaged: 0, tornBytes: 0 });
    expect(source.generation).toBe(0);
  });

  test("starts anew when the file was replaced, as a run that goes on does", async () => {
    const folder = scratch();
    const file = join(folder, "episodes.jsonl");
    writeFileSync(
      file,
      lines([episode("base", "a-1", "infrastructure_error"), episode("base", "a-2", "success")]),
    );
    const pages = await open(file);
    writeFileSync(
      join(folder, "new"),
      lines([episode("base", "a-2", "success", "longer ".repeat(100)), episode("base", "a-1", "success")]),
    );
    renameSync(join(folder, "new"), file);
    await pages.source.refresh();
    const { groups, index } = pages.page(everything);
    expect(index.rows).toBe(2);
    expect(groups.map(({ name, rows }) => [name, rows[0]!.outcome])).toEqual([
      ["a-2", "success"],
      ["a-1", "success"],
    ]);
  });
});

describe("a page of sessions", () => {
  test("puts the arms of a scenario side by side, and counts the values to filter by", async () => {
    const folder = scratch();
    writeEval(folder);
    const page = (await open(join(folder, "episodes.jsonl"))).page(everything);
    expect({ total: page.total, matched: page.matched, flips: page.flips }).toEqual({
      total: 16,
      matched: 16,
      flips: 14,
    });
    expect(page.groups[0]).toEqual({
      group: 0,
      name: "edit-00",
      archetype: "edit",
      rows: [
        { row: 0, arm: "base", outcome: "premature_exit", steps: 2, tone: "bad" },
        { row: 1, arm: "tuned", outcome: "success", steps: 2, tone: "good" },
      ],
    });
    expect(page.facets.outcomes).toEqual([
      ["premature_exit", 16],
      ["success", 14],
      ["budget_overrun", 2],
    ]);
  });

  test("filters by arm and outcome of one session, by archetype and by flips", async () => {
    const folder = scratch();
    writeEval(folder);
    const pages = await open(join(folder, "episodes.jsonl"));
    const names = (more: Partial<typeof everything>) =>
      pages.page({ ...everything, ...more }).groups.map(({ name }) => name);
    expect(names({ outcome: "budget_overrun" })).toEqual(["count-14", "count-15"]);
    expect(names({ arm: "base", outcome: "budget_overrun" })).toEqual([]);
    expect(names({ archetype: "count" })).toHaveLength(8);
    expect(names({ flips: true, archetype: "count" })).toHaveLength(6);
    expect(names({ outcome: "no such" })).toEqual([]);
    expect(names({ from: 14 })).toEqual(["count-14", "count-15"]);
  });

  test("calls a scenario a flip when it is clean in one arm only; a broken session is no arm", async () => {
    const file = join(scratch(), "episodes.jsonl");
    const pair = (id: string, first: string, second: string) => [
      episode("base", id, first),
      episode("tuned", id, second),
    ];
    writeFileSync(
      file,
      lines([
        ...pair("a-1", "success", "correct_panic"),
        ...pair("a-2", "success", "incomplete"),
        ...pair("a-3", "incomplete", "prose_drift"),
        ...pair("a-4", "infrastructure_error", "success"),
        episode("base", "a-5", "success"),
      ]),
    );
    const page = (await open(file)).page({ ...everything, flips: true });
    expect([page.flips, page.groups.map(({ name }) => name)]).toEqual([1, ["a-2"]]);
  });

  test("searches the text of every turn in either case, through JSON's own spelling, with the words around", async () => {
    const file = join(scratch(), "episodes.jsonl");
    writeFileSync(
      file,
      lines([
        episode("base", "a-1", "success", 'say "Grüße"\tand a \\ here'),
        episode("base", "a-2", "success", "nothing"),
        // A field of the record is not text of the session.
        { ...episode("base", "a-3", "success"), model: "grüße" },
      ]),
    );
    // Another writer's spelling of the same letters.
    appendFileSync(
      file,
      lines([episode("base", "a-4", "success", "GRÜSSE und Grüße")]).replaceAll("ü", "\\u00fc"),
    );
    const pages = await open(file);
    const found = (text: string) => {
      for (;;) {
        const page = pages.page({ ...everything, text });
        if (page.searched === page.index.rows) return page.groups;
      }
    };
    expect(found("grüße").map(({ name }) => name)).toEqual(["a-1", "a-4"]);
    expect(found("grüße")[0]!.snippet).toBe('say "Grüße"\tand a \\ here');
    expect(found('"grüße"\tAND').map(({ name }) => name)).toEqual(["a-1"]);
    expect(found("a-2").map(({ name }) => name)).toEqual(["a-2"]);
    expect(found("nowhere")).toEqual([]);
  });
});
