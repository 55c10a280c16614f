// A journal that a kill may cut short anywhere.

import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Journal } from "../../src/base/journal.ts";
import { temporaryFolder } from "../data/golden-text.ts";

const folder = temporaryFolder();
const records = [{ n: 1 }, { text: 'ö\n"' }, [3]];

function written(name: string): string {
  const path = join(folder, name);
  using journal = new Journal(path);
  for (const record of records) journal.append(record);
  return path;
}

test("gives back what was written, and goes on behind it", () => {
  const path = written("a.jsonl");
  {
    using journal = new Journal(path);
    expect(journal.records).toEqual(records);
    expect(journal.tornBytes).toBe(0);
    journal.append("more");
  }
  expect(new Journal(path).records).toEqual([...records, "more"]);
});

test("cut anywhere, it keeps every whole record and loses no more than one", () => {
  const whole = readFileSync(written("b.jsonl"));
  for (let bytes = 0; bytes <= whole.length; bytes++) {
    const path = join(folder, "cut.jsonl");
    writeFileSync(path, whole.subarray(0, bytes));
    const lines = whole.subarray(0, bytes).toString("latin1").split("\n").length - 1;
    using journal = new Journal(path);
    expect(journal.records).toEqual(records.slice(0, lines));
    journal.append("next");
    using again = new Journal(path);
    expect(again.records).toEqual([...records.slice(0, lines), "next"]);
  }
});

test("a last line that is whole in length but not in content is cut away, one before it is complained of", () => {
  const path = join(folder, "c.jsonl");
  writeFileSync(path, '{"n":1}\n\0\0\0\0\n');
  using journal = new Journal(path);
  expect([journal.records, journal.tornBytes]).toEqual([[{ n: 1 }], 5]);
  const damaged = join(folder, "d.jsonl");
  writeFileSync(damaged, '{"n":1}\nnot json\n{"n":2}\n');
  expect(() => new Journal(damaged)).toThrow(`${damaged}:2:`);
  expect(readFileSync(damaged, "utf8")).toContain("not json");
});

test("once closed, it writes nowhere", () => {
  const journal = new Journal(join(folder, "e.jsonl"));
  journal[Symbol.dispose]();
  journal[Symbol.dispose]();
  using other = new Journal(join(folder, "f.jsonl"));
  expect(() => journal.append({})).toThrow("closed");
  expect(readFileSync(other.path, "utf8")).toBe("");
});
