// A loss curve as an SVG picture of its own: axes, ticks, the training loss as a line, the validation loss with dots.

import { formatNumber } from "../base/format.ts";
import type { Point } from "./run-record.ts";

const width = 720;
const height = 360;
const plot = { left: 64, right: 16, top: 28, bottom: 44 };

/** The picture, or undefined when there is nothing to draw. */
export function lossCurve(train: readonly Point[], evaluated: readonly Point[]): string | undefined {
  const points = [...train, ...evaluated];
  if (points.length === 0) return undefined;
  const x = linearScale(
    points.map(({ step }) => step),
    plot.left,
    width - plot.right,
  );
  const y = linearScale(
    points.map(({ value }) => value),
    height - plot.bottom,
    plot.top,
  );
  const place = ({ step, value }: Point) => `${x.at(step).toFixed(1)},${y.at(value).toFixed(1)}`;
  const dots = (list: readonly Point[], kind: string) =>
    list
      .map((point) => place(point).split(","))
      .map(([cx, cy]) => `<circle class="${kind}" cx="${cx}" cy="${cy}" r="3"/>`);
  const line = (list: readonly Point[], kind: string) =>
    list.length < 2
      ? dots(list, kind)
      : [`<polyline class="${kind}" points="${list.map(place).join(" ")}"/>`];
  const bottom = height - plot.bottom;
  const parts = [
    ...y.ticks.flatMap((value) => {
      const at = y.at(value).toFixed(1);
      return [
        `<line class="grid" x1="${plot.left}" y1="${at}" x2="${width - plot.right}" y2="${at}"/>`,
        `<text x="${plot.left - 8}" y="${at}" dy="4" text-anchor="end">${formatNumber(value)}</text>`,
      ];
    }),
    ...x.ticks.map(
      (value) =>
        `<text x="${x.at(value).toFixed(1)}" y="${bottom + 18}" text-anchor="middle">${value}</text>`,
    ),
    `<line class="axis" x1="${plot.left}" y1="${bottom}" x2="${width - plot.right}" y2="${bottom}"/>`,
    `<text x="${(plot.left + width - plot.right) / 2}" y="${height - 8}" text-anchor="middle">step</text>`,
    ...line(train, "train"),
    ...line(evaluated, "eval"),
    ...(evaluated.length > 1 ? dots(evaluated, "eval") : []),
    ...legend(train.length > 0, evaluated.length > 0),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="loss by step">
<style>
text { font: 12px sans-serif; fill: #444 }
.grid { stroke: #8884; stroke-width: 1 }
.axis { stroke: #888; stroke-width: 1 }
polyline { fill: none; stroke-width: 1.8; stroke-linejoin: round }
polyline.train, line.train { stroke: #2563eb } circle.train { fill: #2563eb }
polyline.eval, line.eval { stroke: #d97706 } circle.eval { fill: #d97706 }
@media (prefers-color-scheme: dark) { text { fill: #ccc } }
</style>
${parts.join("\n")}
</svg>
`;
}

function legend(train: boolean, evaluated: boolean): string[] {
  const entries = [
    ...(train ? [["train", "training loss"]] : []),
    ...(evaluated ? [["eval", "validation loss"]] : []),
  ];
  return entries.flatMap(([kind, label], i) => [
    `<line class="${kind}" x1="${plot.left + i * 150}" y1="14" x2="${plot.left + 22 + i * 150}" y2="14" stroke-width="2"/>`,
    `<text x="${plot.left + 28 + i * 150}" y="18">${label}</text>`,
  ]);
}

/** A linear scale over the values, with about five round ticks inside. */
export function linearScale(values: readonly number[], from: number, to: number) {
  const low = values.reduce((least, x) => Math.min(least, x), Number.POSITIVE_INFINITY);
  const high = values.reduce((most, x) => Math.max(most, x), Number.NEGATIVE_INFINITY);
  const span = high - low || Math.abs(high) || 1;
  const [start, end] = high === low ? [low - span / 2, high + span / 2] : [low, high];
  const rough = (end - start) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((size) => size >= rough)!;
  const ticks: number[] = [];
  for (let k = Math.ceil(start / step); k * step <= end; k++) ticks.push(Number((k * step).toPrecision(10)));
  return { at: (value: number) => from + ((value - start) / (end - start)) * (to - from), ticks };
}
