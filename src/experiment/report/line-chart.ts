// Curves over steps: one line a run, in as many colours as there are, then dashed.

import { formatNumber } from "../../base/format.ts";
import { armColours } from "../../eval/report/page.ts";
import { linearScale } from "../../export/loss-curve.ts";
import type { Point } from "../../export/run-record.ts";
import { type Figure, margin, round, textWidth, titled, titleHeight, words } from "./drawing.ts";

/** One run's curve. */
export interface Curve {
  readonly label: string;
  readonly colour: number;
  readonly points: readonly Point[];
  /** Drawn as dots: values that were measured now and then. */
  readonly dots?: boolean;
}

const plotWidth = 620;
const plotHeight = 230;
const dashes = ["", "6 3", "2 3", "8 3 2 3"];

/** The figure; undefined without a point. */
export function lineChart(name: string, title: string, curves: readonly Curve[]): Figure | undefined {
  const drawn = curves.filter(({ points }) => points.length > 0);
  const points = drawn.flatMap((curve) => curve.points);
  if (points.length === 0) return undefined;
  const bottom = titleHeight + plotHeight;
  const values = linearScale(
    points.map(({ value }) => value),
    bottom,
    titleHeight + 8,
  );
  const left = margin + Math.max(...values.ticks.map((tick) => textWidth(formatNumber(tick)))) + 8;
  const steps = linearScale(
    points.map(({ step }) => step),
    left,
    left + plotWidth,
  );
  const place = ({ step, value }: Point) => `${round(steps.at(step))},${round(values.at(value))}`;
  const parts = [
    ...values.ticks.flatMap((tick) => [
      `<line class="grid" x1="${round(left)}" x2="${round(left + plotWidth)}" y1="${round(values.at(tick))}" y2="${round(values.at(tick))}"/>`,
      words(left - 8, values.at(tick) + 4, formatNumber(tick), { anchor: "end", dim: true }),
    ]),
    `<line class="axis" x1="${round(left)}" x2="${round(left + plotWidth)}" y1="${bottom}" y2="${bottom}"/>`,
    ...steps.ticks.map((tick) =>
      words(steps.at(tick), bottom + 18, String(tick), { anchor: "middle", dim: true }),
    ),
    words(left + plotWidth / 2, bottom + 36, "step", { anchor: "middle", dim: true }),
    ...drawn.map(({ colour, points: own, dots }) => {
      const dash = dashes[Math.floor(colour / armColours) % dashes.length]!;
      if (dots || own.length === 1)
        return own
          .map((point) => place(point).split(","))
          .map(([x, y]) => `<circle class="f${colour % armColours}" cx="${x}" cy="${y}" r="3.5"/>`)
          .join("");
      return `<polyline class="line s${colour % armColours}"${dash && ` stroke-dasharray="${dash}"`} points="${thinned(own, plotWidth).map(place).join(" ")}"/>`;
    }),
  ];
  const keys = drawn.map(({ label, colour, dots }, i) => {
    const y = bottom + 58 + 18 * i;
    const look = `class="${dots ? `f${colour % armColours}` : `line s${colour % armColours}`}"`;
    const dash = dashes[Math.floor(colour / armColours) % dashes.length]!;
    const mark = dots
      ? `<circle ${look} cx="${round(left + 12)}" cy="${y - 4}" r="3.5"/>`
      : `<line ${look}${dash && ` stroke-dasharray="${dash}"`} x1="${round(left)}" x2="${round(left + 24)}" y1="${y - 4}" y2="${y - 4}"/>`;
    return `${mark}${words(left + 32, y, label)}`;
  });
  const width = Math.max(
    left + plotWidth + 24,
    left + 32 + Math.max(...drawn.map(({ label }) => textWidth(label))) + margin,
  );
  return titled(
    name,
    title,
    { width, height: bottom + 50 + 18 * keys.length },
    [...parts, ...keys].join("\n"),
  );
}

/** The least and the greatest of each pixel, so that a long run stays small and no spike is lost. */
function thinned(points: readonly Point[], pixels: number): readonly Point[] {
  if (points.length <= 4 * pixels) return points;
  const size = points.length / pixels;
  return Array.from({ length: pixels }, (_, i) =>
    points.slice(Math.floor(i * size), Math.floor((i + 1) * size)),
  ).flatMap((own) => {
    const least = own.reduce((a, b) => (b.value < a.value ? b : a));
    const greatest = own.reduce((a, b) => (b.value > a.value ? b : a));
    if (least === greatest) return [least];
    return least.step < greatest.step ? [least, greatest] : [greatest, least];
  });
}
