// Figures: nothing that is written in one is lost when it becomes a PNG, cut at its edge, or taken for markup.

import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Figure, svgFile } from "../../src/experiment/report/drawing.ts";
import { drawable, figureFaces } from "../../src/experiment/report/font.ts";
import { lineChart } from "../../src/experiment/report/line-chart.ts";
import { toPng } from "../../src/experiment/report/png.ts";
import { rowChart } from "../../src/experiment/report/row-chart.ts";

const strange = "adapter <b>&amp;</b> \u4e2d\u6587 \u202e e\u0301 \u0444 WWWWWWWWWWWWWWWWWWWWWWWWWW";

const rows = rowChart({
  name: "rates",
  title: "Rates",
  from: 0,
  keys: ["success", "a very long outcome", "another one", "and one more", "the last"].map((label) => ({
    label,
    key: "f1",
  })),
  groups: [
    {
      head: "operate",
      rows: [
        {
          name: strange,
          value: "14/16 0.88 [0.64, 0.97]",
          marks: [{ kind: "dot", at: 0.88, low: 0.64, high: 0.97, colour: 1 }],
        },
      ],
    },
  ],
})!;
const curves = lineChart(
  "loss",
  "Training loss by step",
  Array.from({ length: 8 }, (_, i) => ({
    label: `${i} ${strange}`,
    colour: i,
    points: Array.from({ length: 40 }, (__, step) => ({ step: step + 1, value: 2 / (step + 1) + i })),
  })),
)!;

/** Words of a figure with where they begin and end. */
function wordsOf({ body }: Figure) {
  const faces = figureFaces();
  return [...body.matchAll(/<text x="([\d.-]+)" y="([\d.-]+)"([^>]*)>([^<]*)<\/text>/g)].map(
    ([element, x, , look, escaped]) => {
      const text = escaped!.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
      const size = Number(/font-size="(\d+)"/.exec(look!)?.[1] ?? 12);
      const width = (look!.includes("bold") ? faces.bold : faces.regular).width(text, size);
      const anchor = /text-anchor="(\w+)"/.exec(look!)?.[1] ?? "start";
      const from = Number(x) - (anchor === "start" ? 0 : anchor === "end" ? width : width / 2);
      return { element: element!, text, from, to: from + width };
    },
  );
}

function sizeOf(png: Uint8Array): [number, number] {
  const view = new DataView(png.buffer, png.byteOffset);
  return [view.getUint32(16), view.getUint32(20)];
}

describe("a figure", () => {
  let png: Uint8Array;
  beforeAll(async () => {
    png = await toPng(svgFile(rows));
  });

  test("is a PNG of twice its size, the same each time", async () => {
    expect([...png.slice(0, 8)]).toEqual([137, 80, 78, 71, 13, 10, 26, 10]);
    expect(sizeOf(png)).toEqual([2 * rows.width, 2 * rows.height]);
    expect(Buffer.compare(await toPng(svgFile(rows)), png)).toBe(0);
  });

  test("draws every word in the PNG: without any one of them it is another picture", async () => {
    const svg = svgFile(rows);
    const found = wordsOf(rows);
    expect(found.length).toBe(14);
    for (const { element } of found) {
      expect(svg).toContain(element);
      expect(Buffer.compare(await toPng(svg.replace(element, "")), png)).not.toBe(0);
    }
  }, 60_000);

  test("has room for all its words, however long a name is", () => {
    for (const figure of [rows, curves])
      for (const { from, to, text } of wordsOf(figure)) {
        expect(from, text).toBeGreaterThanOrEqual(0);
        expect(to, text).toBeLessThanOrEqual(figure.width);
      }
  });

  test("spells out what its font has not, and what would draw nothing or turn the line around", () => {
    expect(drawable("a\u4e2d\u202eb\u0000 \u0444\t\u0301")).toBe(
      "a[U+4E2D][U+202E]b[U+0000] \u0444 [U+0301]",
    );
    expect(rows.body).toContain("adapter &#60;b&#62;&#38;amp;&#60;/b&#62; [U+4E2D][U+6587]");
    expect(rows.body).not.toContain("<b>");
  });

  test("tells runs apart by dashes once colours are used up", () => {
    expect(curves.body.match(/<polyline[^>]*stroke-dasharray/g)?.length).toBe(2);
    expect(new Set(curves.body.match(/<polyline class="[^"]*"( stroke-dasharray="[^"]*")?/g)).size).toBe(8);
  });

  test("measures words as the font's own tables say", () => {
    // Advance widths of DejaVu Sans 2.37 in units of 1/2048 em: a 1255, W 2025, space 651.
    const { regular } = figureFaces();
    expect(regular.width("aW ", 2048)).toBe(1255 + 2025 + 651);
  });
});

test("a picture needs nothing of the machine: the font is in the program", () => {
  const source = readFileSync(join(import.meta.dir, "../../src/experiment/report/png.ts"), "utf8");
  expect(source).toContain("fontBuffers");
  expect(svgFile(rows)).not.toMatch(/https?:\/\/(?!www\.w3\.org\/2000\/svg)|@import|url\(/);
});
