import { describe, expect, test } from "bun:test";
import { chartLines, isUtf8Locale } from "../../src/quickstart/terminal-chart.ts";

const points = (ys: readonly number[]) => ys.map((y, i) => ({ x: i + 1, y }));

describe("a curve in the terminal", () => {
  // Dots placed by hand: 16 columns of dots, a straight line from the upper left to the lower right of 4 x 8 dots.
  test("is drawn with braille dots, eight to a cell", () => {
    const lines = chartLines(points([4, 3, 2, 1]), "step", { columns: 14, rows: 1, unicode: true });
    expect(lines).toHaveLength(3);
    const [curve, axis, legend] = lines as [string, string, string];
    expect(curve.slice(0, 6)).toBe("4.00 │");
    expect(curve.slice(6)).toHaveLength(8);
    const rows = [0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3];
    const bits = [
      [0x01, 0x02, 0x04, 0x40],
      [0x08, 0x10, 0x20, 0x80],
    ];
    const expected = Array.from({ length: 8 }, (_, cell) =>
      String.fromCodePoint(0x2800 + bits[0]![rows[2 * cell]!]! + bits[1]![rows[2 * cell + 1]!]!),
    );
    expect(curve.slice(6)).toBe(expected.join(""));
    expect(axis).toBe(`     └${"─".repeat(8)}`);
    expect(legend).toBe("      1 step 4");
  });

  test("is drawn with ASCII where the locale knows no more", () => {
    const lines = chartLines(points([2, 1]), "step", { columns: 14, rows: 2, unicode: false });
    expect(lines).toEqual(["2.00 |****", "1.00 |    ****", "     +--------", "      1 step 2"]);
    for (const line of lines) expect(line).toMatch(/^[\x20-\x7e]*$/);
  });

  test("takes no more room than it is given, however many points there are", () => {
    const many = points(Array.from({ length: 1000 }, (_, i) => 3 / (1 + i / 50) + Math.sin(i) / 5));
    for (const unicode of [true, false])
      for (const columns of [40, 80, 120]) {
        const lines = chartLines(many, "step", { columns, rows: 8, unicode });
        expect(lines).toHaveLength(10);
        expect(Math.max(...lines.map((line) => line.length))).toBe(columns);
      }
  });

  test("draws the mean of the points that share a column", () => {
    // Every column of dots holds 100 points, half of them 0 and half of them 2.
    const noisy = points(Array.from({ length: 1600 }, (_, i) => (i % 2) * 2));
    const lines = chartLines(noisy, "step", { columns: 14, rows: 4, unicode: true });
    expect(lines[0]).toStartWith("1.0");
    expect(lines[3]).toMatch(/^(1\.0|0\.9)/);
  });

  test("shows a value that never changes, and a single point, and nothing of nothing", () => {
    expect(chartLines(points([1, 1, 1]), "step", { columns: 20, rows: 3, unicode: false })[1]).toContain(
      "***",
    );
    expect(
      chartLines(points([5]), "step", { columns: 20, rows: 3, unicode: true })
        .join("")
        .match(/[\u2801-\u28ff]/g),
    ).toHaveLength(1);
    expect(chartLines([], "step", { columns: 20, rows: 3, unicode: true })).toEqual([]);
    expect(chartLines(points([Number.NaN]), "step", { columns: 20, rows: 3, unicode: true })).toEqual([]);
  });
});

describe("the locale", () => {
  test("is the first of LC_ALL, LC_CTYPE and LANG that is set and not empty", () => {
    const linux = (environment: Record<string, string>) => isUtf8Locale(environment, "linux");
    expect(linux({ LANG: "en_GB.UTF-8" })).toBe(true);
    expect(linux({ LANG: "C.utf8" })).toBe(true);
    expect(linux({ LANG: "en_GB.UTF-8", LC_ALL: "C" })).toBe(false);
    expect(linux({ LC_ALL: "", LC_CTYPE: "de_DE.UTF-8", LANG: "C" })).toBe(true);
    expect(linux({ LANG: "de_DE.ISO-8859-1" })).toBe(false);
    expect(linux({})).toBe(false);
    expect(isUtf8Locale({}, "darwin")).toBe(true);
  });
});
