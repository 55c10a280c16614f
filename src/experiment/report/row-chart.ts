// Charts of one line a row: a name, a place on a scale from 0 to 1 or from -1 to 1, and the numbers beside it.

import { escapeHtml } from "../../eval/report/words.ts";
import {
  type Figure,
  legend,
  margin,
  round,
  textWidth,
  titled,
  titleHeight,
  widestEntry,
  words,
} from "./drawing.ts";

/** What is drawn in a row. */
export type Mark =
  | {
      readonly kind: "dot";
      readonly at: number;
      readonly low: number;
      readonly high: number;
      readonly colour: number;
    }
  | {
      readonly kind: "bar";
      readonly from: number;
      readonly to: number;
      readonly look: string;
      readonly label: string;
    };

/** One row. */
export interface Row {
  readonly name: string;
  readonly marks: readonly Mark[];
  /** The numbers, as text. */
  readonly value: string;
}

/** Rows under a heading. */
export interface RowGroup {
  readonly head: string | null;
  readonly rows: readonly Row[];
}

/** The whole chart. */
export interface RowChart {
  readonly name: string;
  readonly title: string;
  readonly groups: readonly RowGroup[];
  readonly from: -1 | 0;
  readonly keys?: readonly { readonly label: string; readonly key: string }[];
}

const plotWidth = 300;
const rowHeight = 22;
const headHeight = 26;

/** The figure; undefined without a row. */
export function rowChart({ name, title, groups, from, keys = [] }: RowChart): Figure | undefined {
  const rows = groups.flatMap((group) => group.rows);
  if (rows.length === 0) return undefined;
  const left = margin + Math.max(40, ...rows.map((row) => textWidth(row.name))) + 14;
  const right = left + plotWidth + 16;
  const heads = groups.map(({ head }) => (head === null ? 0 : margin + textWidth(head, "bold")));
  const width = Math.max(
    right + Math.max(...rows.map(({ value }) => textWidth(value))) + margin,
    margin + widestEntry(keys.map(({ label }) => label)),
    ...heads.map((head) => head + margin),
  );
  const x = (value: number) => left + ((value - from) / (1 - from)) * plotWidth;
  const parts: string[] = [];
  let y = titleHeight + 4;
  const top = y;
  for (const { head, rows: own } of groups) {
    if (head !== null) {
      parts.push(words(margin, y + 18, head, { bold: true }));
      y += headHeight;
    }
    for (const row of own) {
      const middle = y + rowHeight / 2;
      parts.push(
        `<rect class="track" x="${round(left)}" y="${round(middle - 4)}" width="${plotWidth}" height="8" rx="4"/>`,
        words(margin, middle + 4, row.name),
        ...row.marks.map((mark) => drawn(mark, x, middle)),
        words(right, middle + 4, row.value),
      );
      y += rowHeight;
    }
  }
  const ticks = from === 0 ? [0, 0.25, 0.5, 0.75, 1] : [-1, -0.5, 0, 0.5, 1];
  const grid = ticks.map(
    (tick) =>
      `<line class="${tick === 0 && from < 0 ? "axis" : "grid"}" x1="${round(x(tick))}" x2="${round(x(tick))}" y1="${top}" y2="${y + 2}"/>`,
  );
  const labels = ticks.map((tick) => words(x(tick), y + 18, String(tick), { anchor: "middle", dim: true }));
  const key = legend(keys, { x: margin, y: y + 42, width: width - 2 * margin });
  return titled(
    name,
    title,
    { width, height: y + 28 + (key.height === 0 ? 0 : key.height + 8) },
    [...grid, ...parts, ...labels, key.body].join("\n"),
  );
}

function drawn(mark: Mark, x: (value: number) => number, y: number): string {
  if (mark.kind === "dot")
    return `<line class="ci s${mark.colour}" x1="${round(x(mark.low))}" x2="${round(x(mark.high))}" y1="${round(y)}" y2="${round(y)}"/><circle class="f${mark.colour}" cx="${round(x(mark.at))}" cy="${round(y)}" r="5"/>`;
  return `<rect class="${mark.look}" x="${round(x(mark.from))}" y="${round(y - 8)}" width="${round(x(mark.to) - x(mark.from))}" height="16"><title>${escapeHtml(mark.label)}</title></rect>`;
}
