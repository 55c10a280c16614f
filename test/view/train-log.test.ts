import { expect, test } from "bun:test";
import { appendFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readTrainLog } from "../../src/view/train-log.ts";
import { logLine, scratch } from "./sample-runs.ts";

const steps = (entries: readonly { readonly step?: unknown }[]) => entries.map(({ step }) => step);

test("a log that grows is read on from where the last reading ended", () => {
  const file = join(scratch(), "log.jsonl");
  writeFileSync(file, logLine(1) + logLine(2));
  const first = readTrainLog(file);
  expect(steps(first.entries)).toEqual([1, 2]);
  appendFileSync(file, logLine(3));
  const second = readTrainLog(file, first.next);
  expect(steps(second.entries)).toEqual([3]);
  expect(second.restarted).toBe(false);
  expect(readTrainLog(file, second.next).entries).toEqual([]);
});

test("a line that is still being written is left for the next reading, and is no damage", () => {
  const file = join(scratch(), "log.jsonl");
  const whole = logLine(2);
  writeFileSync(file, logLine(1) + whole.slice(0, 20));
  const first = readTrainLog(file);
  expect(steps(first.entries)).toEqual([1]);
  expect(first.tornBytes).toBe(20);
  expect(first.damage).toEqual([]);
  appendFileSync(file, whole.slice(20));
  expect(steps(readTrainLog(file, first.next).entries)).toEqual([2]);
});

test("a log that a resumed run cut back is read anew", () => {
  const file = join(scratch(), "log.jsonl");
  writeFileSync(file, logLine(1) + logLine(2) + logLine(3));
  const { next } = readTrainLog(file);
  truncateSync(file, logLine(1).length);
  const again = readTrainLog(file, next);
  expect(again.restarted).toBe(true);
  expect(steps(again.entries)).toEqual([1]);
});

test("a log that was cut back and grew past the place is read anew too", () => {
  const file = join(scratch(), "log.jsonl");
  writeFileSync(file, logLine(1) + logLine(2));
  const { next } = readTrainLog(file);
  writeFileSync(file, logLine(1) + logLine(222_222) + logLine(3));
  const again = readTrainLog(file, next);
  expect({ restarted: again.restarted, steps: steps(again.entries) }).toEqual({
    restarted: true,
    steps: [1, 222_222, 3],
  });
});

test("damaged lines are named with file and line, the others are shown, also behind a piece", () => {
  const file = join(scratch(), "log.jsonl");
  writeFileSync(file, `${logLine(1)}{"step": 2, "lo\n${logLine(3)}`);
  const { entries, damage, next } = readTrainLog(file);
  expect(steps(entries)).toEqual([1, 3]);
  expect(damage).toEqual([`${file}:2: expected an entry of a training log, got a damaged line`]);
  appendFileSync(file, `[]\n${logLine(5)}`);
  expect(readTrainLog(file, next).damage[0]).toStartWith(`${file}:4: `);
});

test("a log that is not there yet has no entries", () => {
  expect(readTrainLog(join(scratch(), "log.jsonl")).entries).toEqual([]);
});
