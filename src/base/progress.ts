// How far a long job is: a bar on a terminal, a plain line every ten seconds elsewhere, nothing with --quiet or --json.

import type { Terminal } from "./command.ts";
import { cut, formatCount, formatDuration } from "./format.ts";
import { writeErr } from "./terminal.ts";

/** A job whose end is known. */
export interface Job {
  /** What is done, e.g. `train`. */
  readonly label: string;
  /** How many of `unit` there are. */
  readonly total: number;
  /** What is counted, in the plural, e.g. `steps`. */
  readonly unit: string;
  /** Units that an earlier run had done; they count for the bar, not for the rate. */
  readonly start?: number;
}

/** The bar while it runs. Lines for the user must go through `note`, or the bar is drawn over them. */
export interface Progress {
  /** `done` units in all so far; `status` is shown behind the bar, e.g. `loss 1.23`. */
  update(done: number, status?: string): void;
  /** A line above the bar. */
  note(line: string): void;
  /** Takes the bar away and leaves one line, if anything was done: `label: 30 steps in 12.3 s` and the last status.
   *  Safe to call twice. */
  end(): void;
}

const REDRAW_MS = 100;
const PLAIN_LINE_MS = 10_000;

/** Starts the display of `job` on stderr. `now` is a clock in milliseconds; it and `put` are given by tests only. */
export function startProgress(
  terminal: Terminal,
  job: Job,
  now: () => number = () => performance.now(),
  put: (text: string) => void = (text) => writeErr(text, ""),
): Progress {
  const began = now();
  const start = job.start ?? 0;
  let done = start;
  let status = "";
  let drawnAt = began;
  let drawn = false;
  let ended = false;

  const seconds = () => (now() - began) / 1000;
  const speed = () => {
    const rate = (done - start) / seconds();
    const left = formatDuration(rate > 0 ? (job.total - done) / rate : Number.NaN);
    const per =
      rate >= 1 || rate === 0 ? `${rate.toFixed(1)} ${job.unit}/s` : `${formatDuration(1 / rate)} each`;
    return done < job.total ? `${per}  ETA ${left}` : per;
  };
  const line = () => {
    const share = job.total > 0 ? Math.min(1, done / job.total) : 1;
    const count = `${formatCount(done)}/${formatCount(job.total)}`;
    const tail = [`${Math.floor(share * 100)} %`, count, speed(), status].filter(Boolean).join("  ");
    if (!terminal.interactive) return `${job.label}: ${tail}`;
    const cells = 20;
    const full = Math.round(share * cells);
    const bar = "█".repeat(full) + "░".repeat(cells - full);
    return cut(`${job.label} ${bar} ${tail}`, terminal.columns - 1);
  };
  const erase = () => {
    if (drawn) put("\r\x1b[2K");
    drawn = false;
  };
  const draw = () => {
    drawnAt = now();
    if (terminal.interactive) {
      put(`\r\x1b[2K${line()}`);
      drawn = true;
    } else if (!terminal.json) terminal.note(line());
  };

  return {
    update(count, text) {
      done = count;
      status = text ?? status;
      if (!ended && now() - drawnAt >= (terminal.interactive ? REDRAW_MS : PLAIN_LINE_MS)) draw();
    },
    note(text) {
      erase();
      terminal.note(text);
      if (terminal.interactive && !ended) draw();
    },
    end() {
      if (ended) return;
      ended = true;
      erase();
      // A job that failed before anything was done has nothing to tell; its error does.
      if (done === start) return;
      const did = `${job.label}: ${formatCount(done - start)} ${done - start === 1 ? job.unit.replace(/s$/, "") : job.unit} in ${formatDuration(seconds())}`;
      if (!terminal.json) terminal.note(status ? `${did}  ${status}` : did);
    },
  };
}
