import { describe, expect, test } from "bun:test";
import { compareArms } from "../../src/eval/compare.ts";
import type { EpisodeRecord } from "../../src/eval/record.ts";
import { choosePair, sideLines, wrap } from "../../src/quickstart/side-by-side.ts";
import { clean, episode } from "./episodes.ts";

const shape = { columns: 120, lines: 30, unicode: true, color: false };
const chosen = (base: EpisodeRecord[], adapter: EpisodeRecord[]) =>
  choosePair(
    compareArms({ name: "base", records: base }, { name: "adapter", records: adapter }, 0),
    base,
    adapter,
  );

describe("the scenario that is shown", () => {
  test("is the first that became clean", () => {
    const ids = ["a-1", "a-2", "a-3"];
    const pair = chosen(
      ids.map((id) => episode("base", id)),
      [
        episode("adapter", "a-1", { operated: true }),
        episode("adapter", "a-3", clean),
        episode("adapter", "a-2", clean),
      ],
    );
    expect([pair?.first.scenario_id, pair?.second.arm]).toEqual(["a-2", "adapter"]);
  });

  test("is the first that differs in anything where none became clean, and the first there is where nothing differs", () => {
    const base = ["a-1", "a-2"].map((id) => episode("base", id));
    const differs = [episode("adapter", "a-1"), episode("adapter", "a-2", { operated: true })];
    expect(chosen(base, differs)?.first.scenario_id).toBe("a-2");
    expect(
      chosen(
        base,
        ["a-2", "a-1"].map((id) => episode("adapter", id)),
      )?.first.scenario_id,
    ).toBe("a-1");
    expect(chosen(base, [])).toBeUndefined();
  });

  test("is none that the machinery broke", () => {
    const broken = episode("base", "a-1", { outcome: "infrastructure_error" });
    expect(chosen([broken], [episode("adapter", "a-1", clean)])).toBeUndefined();
  });
});

describe("two sessions beside each other", () => {
  const first = episode("base", "a-1", {
    turns: [
      { role: "system", content: "orientation" },
      { role: "user", content: "welcome\na@sek:~$ " },
      { role: "assistant", content: "ls \x1b[2J\x07" },
      { role: "user", content: `漢字 ${"w".repeat(150)}\n\u202eevil\u200b\r\na@sek:~$ ` },
    ],
  });
  const second = episode("adapter", "a-1", {
    ...clean,
    turns: [
      { role: "user", content: "welcome\n" },
      { role: "user", content: "a@sek:~$ " },
      { role: "assistant", content: "exit" },
    ],
  });

  test("show what stood on the screen, commands behind their prompts, without the orientation", () => {
    const lines = sideLines({ first, second }, shape);
    expect(lines[0]).toMatch(/^base: overrun, 14 commands +│ adapter: success, 7 commands$/);
    expect(lines[2]).toMatch(/^welcome +│ welcome$/);
    expect(lines[3]).toMatch(/^a@sek:~\$ ls \\u\{1b\}\[2J\\u\{7\} +│ a@sek:~\$ exit$/);
    expect(lines.join("\n")).not.toContain("orientation");
  });

  test("never hold a character that a terminal would obey", () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
    const obeyed = /[\x00-\x1f\x7f-\x9f\u200b\u202e]/;
    for (const columns of [70, 120])
      for (const line of sideLines({ first, second }, { ...shape, columns }))
        expect(line).not.toMatch(obeyed);
  });

  test("keep to the width, wide characters included", () => {
    for (const columns of [40, 79, 80, 100, 101, 120])
      for (const line of sideLines({ first, second }, { ...shape, columns }))
        expect(Bun.stringWidth(line)).toBeLessThanOrEqual(columns);
    expect(wrap("漢字漢", 3)).toEqual(["漢", "字", "漢"]);
  });

  test("stand below each other on a narrow terminal", () => {
    const lines = sideLines({ first, second }, { ...shape, columns: 80 });
    expect(lines.join("\n")).not.toContain("│");
    expect(lines.findIndex((line) => line.startsWith("adapter:"))).toBeGreaterThan(
      lines.findIndex((line) => line.startsWith("base:")),
    );
    expect(lines.at(-1)).toBe("a@sek:~$ exit");
  });

  test("are cut in the middle, with the count of what is left out", () => {
    const long = episode("base", "a-1", {
      turns: [{ role: "user", content: Array.from({ length: 100 }, (_, i) => `line ${i}`).join("\n") }],
    });
    const lines = sideLines({ first: long, second }, { ...shape, columns: 80, lines: 11 });
    const body = lines.slice(2, 13);
    expect(body[0]).toBe("line 0");
    expect(body[5]).toBe("… 90 lines left out …");
    expect(body[10]).toBe("line 99");
    expect(lines[13]).toBe("");
  });
});
