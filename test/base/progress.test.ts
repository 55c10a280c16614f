import { expect, test } from "bun:test";
import type { Terminal } from "../../src/base/command.ts";
import { startProgress } from "../../src/base/progress.ts";

function display(settings: Partial<Terminal>) {
  const notes: string[] = [];
  const drawn: string[] = [];
  const note = (line: string) => notes.push(line);
  const terminal = {
    interactive: false,
    json: false,
    quiet: false,
    columns: 80,
    note,
    ...settings,
  } as Terminal;
  let clock = 0;
  const job = { label: "train", total: 40, unit: "steps" };
  const progress = startProgress(
    terminal,
    job,
    () => clock,
    (text) => drawn.push(text),
  );
  return { notes, drawn, progress, wait: (seconds: number) => (clock += seconds * 1000) };
}

test("a pipe gets a plain line every ten seconds and one at the end", () => {
  const { notes, drawn, progress, wait } = display({});
  for (let step = 1; step <= 30; step++) {
    wait(1);
    progress.update(step, `loss ${step}`);
  }
  progress.end();
  progress.end();
  expect(notes).toEqual([
    "train: 25 %  10/40  1.0 steps/s  ETA 30.0 s  loss 10",
    "train: 50 %  20/40  1.0 steps/s  ETA 20.0 s  loss 20",
    "train: 75 %  30/40  1.0 steps/s  ETA 10.0 s  loss 30",
    "train: 30 steps in 30.0 s  loss 30",
  ]);
  expect(drawn).toEqual([]);
});

test("a job that failed at once leaves no line, and one that is done no time that is left", () => {
  const failed = display({});
  failed.wait(12);
  failed.progress.end();
  expect(failed.notes).toEqual([]);
  const done = display({});
  done.wait(20);
  done.progress.update(40);
  expect(done.notes).toEqual(["train: 100 %  40/40  2.0 steps/s"]);
});

test("--json keeps stderr free of it", () => {
  const { notes, progress, wait } = display({ json: true });
  wait(60);
  progress.update(20);
  progress.end();
  expect(notes).toEqual([]);
});

test("a terminal gets a bar within its width that is gone at the end", () => {
  const { notes, drawn, progress, wait } = display({ interactive: true, columns: 70 });
  wait(2);
  progress.update(1, "loss 1.2345 and more that does not fit");
  progress.update(2, "too soon to be drawn");
  progress.end();
  expect(drawn).toEqual([
    "\r\u001b[2Ktrain █░░░░░░░░░░░░░░░░░░░ 2 %  1/40  2.0 s each  ETA 1m 18s  loss 1…",
    "\r\u001b[2K",
  ]);
  expect(Bun.stringWidth(drawn[0]!)).toBeLessThan(70);
  expect(notes).toEqual(["train: 2 steps in 2.0 s  too soon to be drawn"]);
});

test("a note is written above the bar", () => {
  const { notes, drawn, progress, wait } = display({ interactive: true });
  wait(2);
  progress.update(1);
  progress.note("saved checkpoint-1");
  expect(drawn.map((text) => text.length > 10)).toEqual([true, false, true]);
  expect(notes).toEqual(["saved checkpoint-1"]);
});
