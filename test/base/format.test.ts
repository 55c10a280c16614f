import { expect, test } from "bun:test";
import {
  cut,
  formatBytes,
  formatCount,
  formatDuration,
  formatNumber,
  formatShare,
  formatTable,
} from "../../src/base/format.ts";

test("bytes are given in binary units with three digits", () => {
  const cases: [number, string][] = [
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.00 KiB"],
    [1536, "1.50 KiB"],
    [10 * 1024 ** 2, "10.0 MiB"],
    [1024 ** 3 - 1, "1.00 GiB"],
    [123.4 * 1024 ** 3, "123 GiB"],
    [5e15, "4547 TiB"],
  ];
  for (const [bytes, text] of cases) expect(formatBytes(bytes)).toBe(text);
});

test("durations keep two units and never show 60 of one", () => {
  const cases: [number, string][] = [
    [0.0123, "12 ms"],
    [0.9999, "1.0 s"],
    [59.94, "59.9 s"],
    [59.96, "1m 00s"],
    [185, "3m 05s"],
    [3599.6, "1h 00m"],
    [7620, "2h 07m"],
    [86400 * 3 + 4 * 3600, "3d 04h"],
    [Number.NaN, "?"],
    [Number.POSITIVE_INFINITY, "?"],
  ];
  for (const [seconds, text] of cases) expect(formatDuration(seconds)).toBe(text);
});

test("counts have separators, shares a percent sign, and a share of nothing is no number", () => {
  expect([0, 999, 1000, 1234567].map(formatCount)).toEqual(["0", "999", "1,000", "1,234,567"]);
  expect([formatShare(1, 8), formatShare(0, 0)]).toEqual(["12.5 %", "-"]);
});

test("numbers keep their significant digits", () => {
  const cases: [number, string][] = [
    [0, "0"],
    [0.012345, "0.0123"],
    [1.2345, "1.23"],
    [123.45, "123"],
    [1.25e-7, "1.25e-7"],
    [-2e6, "-2.00e+6"],
    [Number.NaN, "NaN"],
  ];
  for (const [value, text] of cases) expect(formatNumber(value)).toBe(text);
});

const columns = [{ title: "name" }, { title: "size", align: "right" }] as const;

test("tables align columns, wide characters and colours included", () => {
  expect(
    formatTable(columns, [
      ["a", "1"],
      ["漢字", "1,234"],
      ["\u001b[31mred\u001b[39m", "20"],
    ]),
  ).toEqual(["name   size", "a         1", "漢字  1,234", "\u001b[31mred\u001b[39m      20"]);
});

test("tables that are too wide cut their widest text column", () => {
  expect(formatTable(columns, [["abcdefghijkl", "5"]], 14)).toEqual(["name      size", "abcdefg…     5"]);
});

test("cutting keeps whole characters within the width", () => {
  expect(cut("abc", 3)).toBe("abc");
  expect(cut("abcd", 3)).toBe("ab…");
  expect(cut("漢字漢字", 4)).toBe("漢…");
});
