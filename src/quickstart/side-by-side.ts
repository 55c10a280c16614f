// One scenario as both arms saw it, beside each other, or below each other where the terminal is narrow. Everything in a session was
// written by a model or a program: nothing of it may draw on the terminal.

import { displayed } from "../base/terminal.ts";
import type { Comparison } from "../eval/compare.ts";
import { type EpisodeRecord, isBroken, metricNames, metricOf } from "../eval/record.ts";

/** The two sessions of one scenario. */
export interface Pair {
  readonly first: EpisodeRecord;
  readonly second: EpisodeRecord;
}

/** How it is drawn. */
export interface SideShape {
  readonly columns: number;
  /** Lines of one session; more are left out of its middle. */
  readonly lines: number;
  readonly unicode: boolean;
  readonly color: boolean;
}

/** Narrower than this, a side would hold less than most commands. */
const besideFrom = 100;

/** The pair that tells most: the first that became clean, or else the first that differs in anything, or else the first there is. */
export function choosePair(
  comparison: Comparison,
  first: readonly EpisodeRecord[],
  second: readonly EpisodeRecord[],
): Pair | undefined {
  const pairs = first
    .flatMap((one) => {
      const other = second.find(
        ({ scenario_id, scenario_hash, sample }) =>
          scenario_id === one.scenario_id && scenario_hash === one.scenario_hash && sample === one.sample,
      );
      return other === undefined || isBroken(one) || isBroken(other) ? [] : [{ first: one, second: other }];
    })
    .sort((a, b) => (a.first.scenario_id < b.first.scenario_id ? -1 : 1));
  const flip = comparison.flips.find(({ direction }) => direction === "gained") ?? comparison.flips[0];
  return (
    pairs.find((pair) => pair.first.scenario_id === flip?.scenario_id && pair.first.sample === flip.sample) ??
    pairs.find((pair) =>
      metricNames.some((name) => metricOf[name](pair.first) !== metricOf[name](pair.second)),
    ) ??
    pairs[0]
  );
}

/** Lines that show both sessions. */
export function sideLines({ first, second }: Pair, shape: SideShape): string[] {
  const { columns, unicode } = shape;
  if (columns < besideFrom)
    return [first, second].flatMap((record, i) => [
      ...(i === 0 ? [] : [""]),
      ...sessionLines(record, columns, shape),
    ]);
  const gap = unicode ? " │ " : " | ";
  const width = Math.floor((columns - gap.length) / 2);
  const [left, right] = [sessionLines(first, width, shape), sessionLines(second, width, shape)];
  return Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
    const line = left[i] ?? "";
    return `${line}${" ".repeat(Math.max(0, width - Bun.stringWidth(line)))}${gap}${right[i] ?? ""}`.trimEnd();
  });
}

/** Title and session of one arm, no line wider than `width`. */
function sessionLines(record: EpisodeRecord, width: number, shape: SideShape): string[] {
  const title = `${record.arm}: ${record.outcome}, ${record.steps} command${record.steps === 1 ? "" : "s"}`;
  const rule = (shape.unicode ? "─" : "-").repeat(width);
  const body = screen(record).flatMap(({ text, isCommand }) =>
    wrap(text, width).map((line) => (isCommand && shape.color ? `\x1b[1m${line}\x1b[22m` : line)),
  );
  return [...wrap(title, width), rule, ...shortened(body, shape)];
}

/** What stood on the screen, line by line, commands behind their prompts; the orientation is left out, both arms have the same. */
function screen({ turns }: EpisodeRecord): { text: string; isCommand: boolean }[] {
  const lines: { text: string; isCommand: boolean }[] = [];
  let open = "";
  for (const { role, content } of turns) {
    if (role === "system") continue;
    const text = displayed(content).replaceAll("\t", "    ");
    if (role === "assistant") {
      for (const line of `${open}${text}`.split("\n")) lines.push({ text: line, isCommand: true });
      open = "";
      continue;
    }
    if (open !== "") lines.push({ text: open, isCommand: false });
    const all = text.split("\n");
    open = all.pop()!;
    for (const line of all) lines.push({ text: line, isCommand: false });
  }
  if (open !== "") lines.push({ text: open, isCommand: false });
  return lines;
}

/** Pieces of `text` that are at most `width` columns wide; wide characters are not split. */
export function wrap(text: string, width: number): string[] {
  const pieces: string[] = [];
  let piece = "";
  let used = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    const size = Bun.stringWidth(segment);
    if (used + size > width && piece !== "") {
      pieces.push(piece);
      [piece, used] = ["", 0];
    }
    piece += segment;
    used += size;
  }
  return [...pieces, piece];
}

function shortened(body: readonly string[], { lines, unicode }: SideShape): readonly string[] {
  if (body.length <= lines) return body;
  // How it went on matters more than how it began: both began alike.
  const head = Math.floor((lines - 1) / 2);
  const tail = lines - 1 - head;
  const left = body.length - head - tail;
  const dots = unicode ? "…" : "...";
  return [...body.slice(0, head), `${dots} ${left} lines left out ${dots}`, ...body.slice(-tail)];
}
