// A curve drawn with characters: braille dots, eight to a cell, or plain ASCII where the locale knows no more.

import { formatCount, formatNumber } from "../base/format.ts";

/** A point of a curve. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** How a chart is drawn. */
export interface ChartShape {
  /** Characters of a whole line, axis included. */
  readonly columns: number;
  /** Lines of the curve, the x axis not counted. */
  readonly rows: number;
  /** False: ASCII only. */
  readonly unicode: boolean;
}

/** Lines of a chart of `points`, which are in the order of x. Where several points share a column of dots, their mean is drawn.
 *  The y axis spans what is drawn, the x axis the first to the last point. No lines without a finite point. */
export function chartLines(points: readonly Point[], xName: string, shape: ChartShape): string[] {
  const finite = points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
  if (finite.length === 0) return [];
  const { unicode, rows } = shape;
  const [dotsAcross, dotsDown] = unicode ? [2, 4] : [1, 1];
  const all = finite.map(({ y }) => y);
  const labelWidth = Math.max(...[Math.min(...all), Math.max(...all)].map((y) => formatNumber(y).length));
  const cells = Math.max(8, shape.columns - labelWidth - 2);
  const means = columnMeans(finite, cells * dotsAcross);
  const seen = means.filter((y) => y !== undefined);
  const [low, high] = [Math.min(...seen), Math.max(...seen)];
  const height = rows * dotsDown;
  const level = (y: number) =>
    high === low ? Math.floor(height / 2) : Math.round(((high - y) / (high - low)) * (height - 1));
  const dots = trace(means.map((y) => (y === undefined ? undefined : level(y))));
  const bar = unicode ? "│" : "|";
  const lines = Array.from({ length: rows }, (_, row) => {
    const label = row === 0 ? formatNumber(high) : row === rows - 1 ? formatNumber(low) : "";
    const drawn = Array.from({ length: cells }, (_, cell) =>
      unicode ? braille(dots, cell, row) : dots.has(key(cell, row)) ? "*" : " ",
    );
    return `${label.padStart(labelWidth)} ${bar}${drawn.join("")}`.trimEnd();
  });
  const [first, last] = [finite[0]!.x, finite.at(-1)!.x].map(formatCount) as [string, string];
  const end = `${xName} ${last}`;
  const line = unicode ? `└${"─".repeat(cells)}` : `+${"-".repeat(cells)}`;
  return [
    ...lines,
    `${" ".repeat(labelWidth)} ${line}`,
    `${" ".repeat(labelWidth + 2)}${first}${" ".repeat(Math.max(1, cells - first.length - end.length))}${end}`,
  ];
}

/** True where the locale that programs here are to use writes UTF-8. POSIX: the first of the three that is set and not empty. */
export function isUtf8Locale(
  environment: Readonly<Record<string, string | undefined>>,
  platform: string = process.platform,
): boolean {
  // These consoles take UTF-8 whatever the environment says.
  if (platform === "win32" || platform === "darwin") return true;
  const locale = environment.LC_ALL || environment.LC_CTYPE || environment.LANG || "";
  return /utf-?8/i.test(locale);
}

/** Mean of y over the points of each of `count` columns; undefined where there is none. */
function columnMeans(points: readonly Point[], count: number): (number | undefined)[] {
  const [first, last] = [points[0]!.x, points.at(-1)!.x];
  const sums = Array.from({ length: count }, () => ({ sum: 0, n: 0 }));
  for (const { x, y } of points) {
    const column = last === first ? 0 : Math.round(((x - first) / (last - first)) * (count - 1));
    const entry = sums[column]!;
    entry.sum += y;
    entry.n++;
  }
  return sums.map(({ sum, n }) => (n === 0 ? undefined : sum / n));
}

/** Dots of a line through the levels: columns between two points are filled in straight, steps are joined. */
function trace(levels: readonly (number | undefined)[]): Set<string> {
  const known = levels.flatMap((level, x) => (level === undefined ? [] : [{ x, level }]));
  const dots = new Set<string>();
  for (const [i, { x, level }] of known.entries()) {
    dots.add(key(x, level));
    const next = known[i + 1];
    if (next === undefined) continue;
    const steps = Math.max(next.x - x, Math.abs(next.level - level));
    for (let step = 1; step < steps; step++)
      dots.add(
        key(
          Math.round(x + ((next.x - x) * step) / steps),
          Math.round(level + ((next.level - level) * step) / steps),
        ),
      );
  }
  return dots;
}

/** Bits of the dots of a braille cell, column by column (Unicode 16, block U+2800). */
const bits = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

function braille(dots: ReadonlySet<string>, cell: number, row: number): string {
  let code = 0;
  for (const [x, column] of bits.entries())
    for (const [y, bit] of column.entries()) if (dots.has(key(2 * cell + x, 4 * row + y))) code |= bit;
  return code === 0 ? " " : String.fromCodePoint(0x2800 + code);
}

function key(x: number, y: number): string {
  return `${x} ${y}`;
}
