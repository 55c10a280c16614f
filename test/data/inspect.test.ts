// `inspect mask` and `inspect data` as a user starts them.

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { goldenRows, type MaskRow, temporaryFolder, tokenizerDirectory } from "./golden-text.ts";

const root = join(import.meta.dir, "../..");
const folder = temporaryFolder();
const smol = tokenizerDirectory("smollm2-135m-instruct");

function sekft(...words: string[]): { code: number; out: string; err: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, join(root, "cli.ts"), ...words], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: "1" },
  });
  return { code: exitCode, out: stdout.toString(), err: stderr.toString() };
}

const lines = (text: string) => text.trim().split("\n");

describe("inspect mask", () => {
  const goldens = goldenRows<MaskRow>("mask/smollm2-135m-instruct.jsonl");
  const data = join(folder, "rows.jsonl");
  writeFileSync(
    data,
    [
      ...goldens.map(({ id, messages }) => ({ id, messages })),
      { id: "silent", messages: [{ role: "user", content: "x" }] },
    ]
      .map((row) => JSON.stringify(row))
      .join("\n"),
  );

  test("--json prints a line a row, in the goldens' shape, and says why one is refused", () => {
    const { code, out, err } = sekft("inspect", "mask", "--data", data, "--base", smol, "--json");
    expect(code).toBe(0);
    const rows = lines(out).map((line) => JSON.parse(line));
    expect(rows).toHaveLength(33);
    for (const [i, { id, input_ids, offsets, trained, turns }] of goldens.entries())
      expect(rows[i]).toMatchObject({ id, input_ids, offsets, trained, turns });
    expect(rows[32]).toEqual({ id: "silent", refused: "no_assistant_turn", reason: "no assistant turn" });
    expect(err).toContain("no_assistant_turn 1");
  });

  test("without colours, trained text stands in brackets; the totals count everything", () => {
    const { out } = sekft("inspect", "mask", "--data", data, "--base", smol, "--index", "1");
    expect(out).toContain("#1 smollm2-135m-instruct/01: 65 tokens, 2 trained");
    expect(out).toContain("<|im_start|>assistant\n⟦exit<|im_end|>⟧\n");
    expect(out).toContain("trajectories  32 of 33 rows");
    const trained = goldens.reduce((sum, row) => sum + row.trained_count, 0);
    const tokens = goldens.reduce((sum, row) => sum + row.input_ids.length, 0);
    expect(out).toContain(
      `tokens        ${tokens.toLocaleString("en-US")}, trained ${trained.toLocaleString("en-US")}`,
    );
    expect(out).not.toContain("#0 ");
  });

  test("--html writes one page that loads nothing, with every token's id, offset and label", () => {
    expect(sekft("inspect", "mask", "--data", data, "--base", smol, "--html", "mask.html").code).toBe(0);
    const page = readFileSync(join(folder, "mask.html"), "utf8");
    for (const [i, row] of goldens.entries()) {
      const section = page.split("<h2>")[i + 1]!;
      const tokens = [...section.matchAll(/<([bi]) data-k="(\d+)" data-i="(\d+)" data-o="(\d+)-(\d+)">/g)];
      expect(tokens.map(([, , , id]) => Number(id))).toEqual([...row.input_ids]);
      expect(tokens.map(([, tag]) => (tag === "b" ? "1" : "0")).join("")).toBe(row.trained);
      expect(tokens.flatMap(([, , , , start, end]) => [Number(start), Number(end)])).toEqual([
        ...row.offsets,
      ]);
    }
    expect(page).not.toMatch(/(src|href)=|@import|url\(/);
    expect(page.match(/<script>/g)).toHaveLength(1);
  });

  test("hostile text cannot leave its place in the page", () => {
    const hostile = join(folder, "hostile.jsonl");
    writeFileSync(
      hostile,
      JSON.stringify({
        id: "<script>x</script>",
        messages: [
          { role: "user", content: "</div><script>alert(1)</script>\u202e" },
          { role: "assistant", content: '"><img src=x>' },
        ],
      }),
    );
    sekft("inspect", "mask", "--data", hostile, "--base", smol, "--html", "hostile.html");
    const page = readFileSync(join(folder, "hostile.html"), "utf8");
    expect(page.match(/<script>/g)).toHaveLength(1);
    expect(page).not.toContain("<img");
    expect(page).toContain("[U+202E]");
  });

  test("ends with 2 when every row is refused, after saying so for each", () => {
    const none = join(folder, "none.jsonl");
    writeFileSync(none, '{"messages": [{"role": "user", "content": "x"}]}\n');
    const { code, out, err } = sekft("inspect", "mask", "--data", none, "--base", smol, "--json");
    expect(code).toBe(2);
    expect(JSON.parse(lines(out)[0]!)).toMatchObject({ refused: "no_assistant_turn" });
    expect(err).toContain("none.jsonl: expected a row to train on, got all 1 refused");
  });

  test("names file, line and field of a row that cannot be read, and leaves an older page alone", () => {
    writeFileSync(join(folder, "old.html"), "old");
    const { code, err } = sekft(
      "inspect",
      "mask",
      "--data",
      join(import.meta.dir, "../golden/corpus/corrupt/content-is-null.jsonl"),
      "--base",
      smol,
      "--html",
      "old.html",
    );
    expect(code).toBe(2);
    expect(err).toContain("content-is-null.jsonl:3: turns[3].content: expected a string, found null");
    expect(readFileSync(join(folder, "old.html"), "utf8")).toBe("old");
  });

  test("says which rows there are when --index is past them", () => {
    const { code, err } = sekft("inspect", "mask", "--data", data, "--base", smol, "--index", "99");
    expect([code, err.includes("--index: expected 0 to 32, got 99")]).toEqual([2, true]);
  });

  test("takes another template", () => {
    writeFileSync(
      join(folder, "t.jinja"),
      "{% for m in messages %}{{ m.role + ':\\n' + m.content + '<|im_end|>' }}{% endfor %}",
    );
    const { out } = sekft(
      "inspect",
      "mask",
      "--data",
      data,
      "--base",
      smol,
      "--chat-template",
      "t.jinja",
      "--index",
      "0",
    );
    expect(out).toContain("user:\nhello<|im_end|>assistant:\n⟦hi<|im_end|>⟧");
  });
});

test("the sample trajectories that are shipped are good, of every archetype, and enough of each ending", () => {
  const { code, out } = sekft("inspect", "data", "--data", join(root, "examples"), "--base", smol, "--json");
  expect(code).toBe(0);
  const { archetypes, warnings, duplicates, defects, refused, rows } = JSON.parse(out);
  expect(Object.keys(archetypes).sort()).toEqual([
    "blocked",
    "cleanup",
    "empty_queue",
    "file_create",
    "file_transform",
    "log_extract",
    "search_count",
  ]);
  expect({ rows, warnings, duplicates, defects, refused }).toEqual({
    rows: 63,
    warnings: [],
    duplicates: [],
    defects: [],
    refused: {},
  });
  expect(existsSync(join(root, "examples/README.md"))).toBe(true);
});

test("inspect data lists what is wrong with bad rows", () => {
  const { out } = sekft("inspect", "data", "--data", join(import.meta.dir, "../golden/corpus/bad"));
  expect(out).toContain("defects     12");
  expect(out).toContain("  bad-05: keep is true but outcome is premature_exit (not trained on)");
  expect(out).toContain("  bad-00: assistant turn holds prose\n");
  expect(out).toContain("warning     empty_queue: 0 of 12 rows (0.0 %), under 5 %");
});
