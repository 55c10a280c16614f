// Preference pairs: every shape against TRL's own tokenisation and truncation, and rows that must be refused.

import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DataError } from "../../src/base/errors.ts";
import { type EncodedPair, encodePair, type PairOptions } from "../../src/data/preference/encode-pair.ts";
import { type PairRecord, readPairs } from "../../src/data/preference/pair-record.ts";
import { readTokenizedPairs } from "../../src/data/preference/tokenized-pairs.ts";
import golden from "../golden/pairs/trl.json";
import { goldenFormat, temporaryFolder } from "./golden-text.ts";

const folder = temporaryFolder();
const whole: PairOptions = {
  maxLength: 4096,
  truncationMode: "keep_start",
  strictPrefix: false,
  specialInContent: "keep",
};

function fileOf(rows: readonly unknown[], name = "pairs.jsonl"): string {
  const path = join(folder, name);
  const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  writeFileSync(path, name.endsWith(".json") ? JSON.stringify(rows) : lines);
  return path;
}

function readAll(path: string): Promise<PairRecord[]> {
  return Array.fromAsync(readPairs(path));
}

type Kind = keyof typeof golden.sets;
const kinds = Object.keys(golden.sets) as Kind[];

for (const [name, found] of Object.entries(golden.tokenizers))
  for (const kind of kinds) {
    const format = goldenFormat(name);
    test(`${name}: ${kind} pairs become the ids of TRL, and their completions are labelled`, async () => {
      const records = await readAll(fileOf(golden.sets[kind]));
      for (const [i, record] of records.entries()) {
        const { prompt_ids, chosen_ids, rejected_ids } = found[kind].pairs[i]!;
        const pair = encodePair(record, format, whole) as EncodedPair;
        for (const [side, ids] of [
          [pair.chosen, chosen_ids],
          [pair.rejected, rejected_ids],
        ] as const) {
          expect([...side.inputIds]).toEqual([...prompt_ids, ...ids]);
          const labels = [...side.labels];
          expect(labels.findIndex((label) => label !== -100)).toBe(prompt_ids.length);
          const trained = labels.slice(prompt_ids.length);
          // TRL also trains what a template writes behind the end-of-turn token.
          const last = kind.startsWith("chat") ? trained.indexOf(format.endOfTurn!.id) : trained.length - 1;
          expect(trained.slice(0, last + 1)).toEqual(ids.slice(0, last + 1));
          expect(trained.slice(last + 1).every((label) => label === -100)).toBe(true);
        }
      }
    });

    test(`${name}: long ${kind} pairs are cut and dropped as TRL does`, async () => {
      const records = await readAll(fileOf(golden.sets[kind]));
      for (const { truncation_mode, max_length, kept, rows } of found[kind].cut) {
        const options = {
          ...whole,
          maxLength: max_length,
          truncationMode: truncation_mode as PairOptions["truncationMode"],
        };
        const pairs = records.map((record) => encodePair(record, format, options));
        for (const [i, pair] of pairs.entries()) {
          const row = rows[kept.indexOf(i)];
          if ("refused" in pair) {
            // Beside TRL's own: pairs that the cut made equal, or whose end-of-turn token alone was left out of the cut.
            const sides = row?.map(({ input_ids }) => JSON.stringify(input_ids));
            const empty = row?.some(
              ({ completion_mask }) => !completion_mask.slice(1).some((bit) => bit === 1),
            );
            const tail = truncation_mode === "keep_end" && kind.startsWith("chat");
            expect(row === undefined || sides![0] === sides![1] || empty || tail).toBe(true);
            continue;
          }
          expect(row).toBeDefined();
          expect([...pair.chosen.inputIds]).toEqual(row![0]!.input_ids);
          expect([...pair.rejected.inputIds]).toEqual(row![1]!.input_ids);
        }
      }
    });
  }

describe("a file of pairs", () => {
  test("may be JSON lines, a JSON list or Parquet, with the same rows", async () => {
    const rows = golden.sets.chat;
    const strip = (records: PairRecord[]) => records.map(({ place: _, ...rest }) => rest);
    const lines = strip(await readAll(fileOf(rows)));
    expect(lines.length).toBe(3);
    expect(strip(await readAll(fileOf(rows, "pairs.json")))).toEqual(lines);
    const parquet = join(import.meta.dir, "../golden/pairs/chat.parquet");
    expect(strip(await readAll(parquet))).toEqual(lines);
  });

  test("keeps the scenario and archetype of its rows", async () => {
    const [row] = golden.sets.chat;
    const [record] = await readAll(fileOf([{ ...row, scenario_id: "queue-1", archetype: "queue" }]));
    expect(record).toMatchObject({ scenarioId: "queue-1", archetype: "queue" });
  });

  test("holds the prompt's own assistant turns as context", async () => {
    const format = goldenFormat("smollm2-135m-instruct");
    const [, row] = golden.sets.chat;
    const [record] = await readAll(fileOf([row]));
    const { chosen } = encodePair(record!, format, whole) as EncodedPair;
    const trained = [...chosen.labels].filter((label) => label !== -100);
    expect(trained.filter((id) => id === format.endOfTurn!.id).length).toBe(1);
  });
});

const ask = [{ role: "user", content: "$ " }];
const say = (content: string) => [{ role: "assistant", content }];

describe("a pair is refused, by file, line and field, when", () => {
  for (const [what, row, field, complaint] of [
    ["chosen is missing", { prompt: ask, rejected: say("a") }, "chosen", "missing"],
    ["rejected is missing", { prompt: ask, chosen: say("a") }, "rejected", "missing"],
    ["it is no object", [1], undefined, "expected an object, found an array"],
    [
      "chosen equals rejected",
      { prompt: ask, chosen: say("ls"), rejected: say("ls") },
      "rejected",
      "expected another completion than chosen, found the same",
    ],
    [
      "chosen equals rejected as text",
      { prompt: "a", chosen: "b", rejected: "b" },
      "rejected",
      "expected another completion than chosen, found the same",
    ],
    [
      "two conversations share no prompt",
      { chosen: [...ask, ...say("a")], rejected: [{ role: "user", content: "other" }, ...say("b")] },
      undefined,
      "no prompt, and chosen and rejected do not begin alike",
    ],
    [
      "two texts share no prompt",
      { chosen: "yes", rejected: "no" },
      undefined,
      "no prompt, and chosen and rejected do not begin alike",
    ],
    [
      "the prompt has no message",
      { prompt: [], chosen: say("a"), rejected: say("b") },
      "prompt",
      "expected at least one message, found none",
    ],
    [
      "the prompt is empty text",
      { prompt: "", chosen: "a", rejected: "b" },
      "prompt",
      "expected text, found an empty string",
    ],
    [
      "a completion has no message",
      { prompt: ask, chosen: [], rejected: say("b") },
      "chosen",
      "expected a completion, found none",
    ],
    [
      "a completion is blank",
      { prompt: ask, chosen: say("ls"), rejected: say(" \n") },
      "rejected[0].content",
      "expected a completion, found an empty turn",
    ],
    [
      "a text completion is blank",
      { prompt: "a", chosen: "b", rejected: " " },
      "rejected",
      "expected a completion, found none",
    ],
    [
      "a role is unknown",
      { prompt: ask, chosen: [{ role: "robot", content: "x" }], rejected: say("b") },
      "chosen[0].role",
      "unknown role: robot",
    ],
    [
      "a completion begins with the user",
      { prompt: ask, chosen: ask, rejected: say("b") },
      "chosen[0].role",
      "expected an assistant turn after the prompt, found user",
    ],
    [
      "a completion ends with the user",
      { prompt: ask, chosen: say("a"), rejected: [...say("b"), ...ask] },
      "rejected[1].role",
      "expected the completion to end in an assistant turn, found user",
    ],
    [
      "the conversations differ in a user turn",
      { chosen: [...ask, { role: "user", content: "x" }, ...say("a")], rejected: [...ask, ...say("b")] },
      "chosen[1].role",
      "expected an assistant turn after the prompt, found user",
    ],
    [
      "the prompt is text and the completions are messages",
      { prompt: "$ ", chosen: say("a"), rejected: say("b") },
      "prompt",
      "expected messages as in chosen, found a string",
    ],
    [
      "only one completion is text",
      { prompt: "$ ", chosen: "a", rejected: say("b") },
      "rejected",
      "expected a string, found an array",
    ],
    [
      "a turn has a share of a weight",
      { prompt: ask, chosen: [{ role: "assistant", content: "x", weight: 0.5 }], rejected: say("b") },
      "chosen[0].weight",
      "expected 0 or 1 in a preference pair, found 0.5",
    ],
  ] as const)
    test(what, async () => {
      const file = fileOf([golden.sets.chat[0], row], "refused.jsonl");
      const error = await readAll(file).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(DataError);
      const { place, complaint: got } = error as DataError;
      expect({ ...place, got }).toEqual({
        file,
        line: 2,
        ...(field !== undefined && { field }),
        got: complaint,
      });
    });

  test("its sides differ only in what the template trims away", async () => {
    const format = goldenFormat("mistral-7b-instruct-v0.3");
    const [record] = await readAll(fileOf([{ prompt: ask, chosen: say("ls"), rejected: say("ls ") }]));
    const trims = format.template.render(
      [
        { role: "user", content: "x" },
        { role: "assistant", content: "ls " },
      ] as never,
      false,
    );
    if (/ls\s+</.test(trims)) return;
    expect(() => encodePair(record!, format, whole)).toThrow(
      "expected another completion (in tokens) than chosen",
    );
  });

  test("the file is empty", async () => {
    const file = fileOf([], "empty.jsonl");
    await expect(readAll(file)).rejects.toThrow("no records");
  });
});

describe("pairs that come as ids", () => {
  const write = (rows: unknown) => {
    const path = join(folder, "ids.json");
    writeFileSync(path, JSON.stringify(rows));
    return path;
  };
  test("are laid end to end, the completion labelled", () => {
    const [pair] = readTokenizedPairs(
      write([{ prompt_ids: [5, 6], chosen_ids: [7], rejected_ids: [8, 9] }]),
      10,
    );
    expect([...pair!.chosen.inputIds]).toEqual([5, 6, 7]);
    expect([...pair!.rejected.inputIds]).toEqual([5, 6, 8, 9]);
    expect([...pair!.rejected.labels]).toEqual([-100, -100, 8, 9]);
  });
  for (const [row, complaint] of [
    [
      { prompt_ids: [], chosen_ids: [7], rejected_ids: [8] },
      "[0].prompt_ids: expected at least one id, found none",
    ],
    [
      { prompt_ids: [1], chosen_ids: [7], rejected_ids: [7] },
      "[0].rejected: expected another completion than chosen",
    ],
    [
      { prompt_ids: [1], chosen_ids: [17], rejected_ids: [7] },
      "[0].chosen_ids[0]: expected an id from 0 to 9, found 17",
    ],
    [{ prompt_ids: [1], chosen_ids: [7] }, "[0].rejected_ids: missing"],
  ] as const)
    test(`are refused: ${complaint}`, () =>
      expect(() => readTokenizedPairs(write([row]), 10)).toThrow(complaint));
});
