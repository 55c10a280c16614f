// pass@1 over checkpoints as a picture: one line a benchmark, a whisker for Wilson's interval.

import { type HistoryRow, latestRuns } from "./history-row.ts";

const colours = ["#0b69c7", "#b35900", "#7d3cc9", "#0f7b6c", "#b0266f", "#6e7781"];
const plot = { left: 56, top: 40, height: 220, step: 110 };

/** The chart as an SVG file that needs nothing else. */
export function historyChart(rows: readonly HistoryRow[]): string {
  const { labels, benchmarks, at: last } = latestRuns(rows);
  const { left, top, height, step } = plot;
  const width = left + step * labels.length + 20;
  const x = (label: string) => left + step * (labels.indexOf(label) + 0.5);
  const y = (share: number) => round(top + height * (1 - share));
  const grid = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<line class="grid" x1="${left}" x2="${width - 20}" y1="${y(share)}" y2="${y(share)}"/>${text(left - 8, y(share) + 4, `${100 * share} %`, "end")}`,
  );
  const names = labels.map((label) =>
    text(x(label), top + height + 18, label.length > 16 ? `${label.slice(0, 15)}…` : label, "middle"),
  );
  const lines = benchmarks.map((benchmark, i) => {
    const colour = colours[i % colours.length]!;
    // Whiskers of several benchmarks must not lie on one another.
    const shift = 5 * (i - (benchmarks.length - 1) / 2);
    const points = labels.flatMap((label) => {
      const row = last(label, benchmark);
      return row === undefined || row.pass_at_1 === null ? [] : [{ at: round(x(label) + shift), row }];
    });
    const path = points.map(({ at, row }) => `${at},${y(row.pass_at_1!)}`).join(" ");
    const marks = points.map(
      ({ at, row }) =>
        `<line x1="${at}" x2="${at}" y1="${y(row.low ?? 0)}" y2="${y(row.high ?? 1)}" stroke="${colour}" stroke-opacity="0.4" stroke-width="3"/><circle cx="${at}" cy="${y(row.pass_at_1!)}" r="3.5" fill="${colour}"/>`,
    );
    const key = `<rect x="${left + 110 * i}" y="${top + height + 34}" width="11" height="11" fill="${colour}"/>${text(left + 110 * i + 16, top + height + 44, benchmark, "start")}`;
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="1.6"/>${marks.join("")}${key}`;
  });
  const whole = Math.max(width, left + 110 * benchmarks.length + 10);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${whole} ${top + height + 60}" width="${whole}" height="${top + height + 60}" role="img" aria-label="pass@1 across checkpoints" font-family="DejaVu Sans, Verdana, sans-serif" font-size="12">
<style>text { fill: #1f2328 } .grid { stroke: #d8dee4 } .paper { fill: #ffffff } @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .grid { stroke: #30363d } .paper { fill: #0d1117 } }</style>
<rect class="paper" width="100%" height="100%"/>
<text x="12" y="22" font-size="14" font-weight="bold">pass@1 across checkpoints</text>
${[...grid, ...names, ...lines].join("\n")}
</svg>
`;
}

function text(x: number, y: number, words: string, anchor: string): string {
  const safe = words.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${safe}</text>`;
}

const round = (value: number) => Number(value.toFixed(1));
