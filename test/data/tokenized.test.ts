// Ready-made token lists: read as they are, or refused with file, row and field.

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readTokenized } from "../../src/data/tokenized.ts";
import { temporaryFolder } from "./golden-text.ts";

const file = join(temporaryFolder(), "ids.json");
const read = (content: unknown, labelsRequired = false) => {
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return readTokenized({ file, vocabularySize: 100, labelsRequired });
};

test("ids and labels come as they are; without labels each id is its own", () => {
  const [first, second] = read([{ input_ids: [1, 99, 0], labels: [-100, 99, 0] }, { input_ids: [5] }]);
  expect([...first!.inputIds]).toEqual([1, 99, 0]);
  expect([...first!.labels]).toEqual([-100, 99, 0]);
  expect([...second!.labels]).toEqual([5]);
});

test("a label of -101 is the base's own word, with the weight of --keep-base", () => {
  writeFileSync(file, JSON.stringify([{ input_ids: [1, 2, 3], labels: [-100, -101, 3] }]));
  const options = { file, vocabularySize: 100, labelsRequired: true };
  const [row] = readTokenized({ ...options, keepBase: 0.5 });
  expect([...row!.labels]).toEqual([-100, -101, 3]);
  expect([...row!.weights!]).toEqual([1, 0.5, 1]);
  expect(() => readTokenized(options)).toThrow(
    "[0].labels[1]: expected -100 or an id from 0 to 99, found -101",
  );
});

test.each([
  ["a missing list", [{ labels: [1] }], "[0].input_ids: missing"],
  [
    "an id past the vocabulary",
    [{ input_ids: [1] }, { input_ids: [3, 100] }],
    "[1].input_ids[1]: expected an id from 0 to 99, found 100",
  ],
  ["a fraction", [{ input_ids: [1.5] }], "[0].input_ids[0]: expected an id from 0 to 99, found 1.5"],
  ["a mask among the ids", [{ input_ids: [-100] }], "[0].input_ids[0]"],
  ["text", [{ input_ids: ["1"] }], '[0].input_ids[0]: expected an id from 0 to 99, found "1"'],
  [
    "a label past the vocabulary",
    [{ input_ids: [1], labels: [-1] }],
    "[0].labels[0]: expected -100 or an id from 0 to 99, found -1",
  ],
  [
    "too few labels",
    [{ input_ids: [1, 2], labels: [1] }],
    "[0].labels: expected 2 labels, one for each id, found 1",
  ],
  ["no ids", [{ input_ids: [] }], "[0].input_ids: expected at least one id, found none"],
  ["a row that is no object", [3], "[0]: expected an object, found a number"],
  ["an object instead of a list", { input_ids: [1] }, "expected an array, found an object"],
  ["nothing", [], "no records"],
  ["half a file", '[{"input_ids": [1,', "not valid JSON: the file ends too early"],
])("refuses %s", (_, content, complaint) => {
  expect(() => read(content)).toThrow(`${file}: ${complaint}`);
});

test("training needs a label behind the first position", () => {
  expect(() => read([{ input_ids: [1, 2] }], true)).toThrow("[0].labels: missing");
  expect(() => read([{ input_ids: [1, 2], labels: [1, -100] }], true)).toThrow(
    "[0].labels: no position is trained",
  );
  expect(read([{ input_ids: [1, 2], labels: [-100, 2] }], true)).toHaveLength(1);
});
