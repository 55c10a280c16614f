// Rows to train on: what is taken, in which order, and that nothing of what is held out is among them.

import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { WrittenTrajectory } from "../../src/agent/record.ts";
import { planStages } from "../../src/experiment/plan-stages.ts";
import { parseSpec } from "../../src/experiment/read-spec.ts";
import type { StageContext } from "../../src/experiment/stage.ts";
import { scenarios, trajectories } from "../agent/recorded-world.ts";
import { temporaryFolder } from "../data/golden-text.ts";
import { fakeMachinery, listening } from "./fake-machinery.ts";

const heldOut = join(import.meta.dir, "../golden/corpus/holdout");
const folder = temporaryFolder();
const kept = (trajectories as unknown as WrittenTrajectory[]).filter(({ keep }) => keep);
const text = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
const write = (name: string, rows: readonly unknown[]) => {
  writeFileSync(join(folder, name), text(rows));
  return join(folder, name);
};
let runs = 0;

/** Runs the stages up to the rows of `data`, on the corpus's own held-out scenarios. */
async function rowsOf(
  data: string,
  more = "",
): Promise<{ rows: WrittenTrajectory[]; facts: Record<string, unknown> }> {
  const spec = parseSpec(
    `base: b\nholdout: [text_replace, permissions]\nscenarios: { heldout: { folder: ${heldOut} } }\ndata: { main: ${data} }\n` +
      `arms: { adapter: { data: main } }\n${more}`,
    "exp.yaml",
  );
  const out = join(folder, `run-${runs++}`);
  const context = {
    spec,
    folder: out,
    machinery: fakeMachinery().machinery,
    terminal: listening().terminal,
    signal: new AbortController().signal,
    worlds: () => Promise.reject(new Error("no world is needed")),
  } satisfies StageContext;
  const stages = planStages(spec);
  await stages.find(({ id }) => id === "scenarios/heldout")!.run(context);
  const { facts } = await stages.find(({ id }) => id === "data/main/rows")!.run(context);
  const lines = readFileSync(join(out, "data/main/rows.jsonl"), "utf8").trimEnd().split("\n");
  return { rows: lines.map((line) => JSON.parse(line)), facts };
}

const some = kept.slice(0, 40);
const given = write("given.jsonl", some);
const replay = write(
  "replay.jsonl",
  Array.from({ length: 12 }, (_, i) => ({
    id: `replay-${i}`,
    turns: [
      { role: "user", content: `Now: show file ${i}.` },
      { role: "assistant", content: `cat ${i}.txt` },
      { role: "user", content: "text" },
      { role: "assistant", content: "ok", train: false },
    ],
  })),
);

test("kept trajectories and replay are mixed in an order that hangs on the seed, masks and verdicts as they were", async () => {
  const data = `{ trajectories: ${given}, replay: { file: ${replay}, n: 5 } }`;
  const { rows, facts } = await rowsOf(data);
  expect(facts).toMatchObject({ rows: some.length + 5, trajectories: some.length, replay: 5 });
  const ids = rows.map(({ id }) => id);
  expect(ids.toSorted()).toEqual(
    [...some.map(({ id }) => id), ...ids.filter((id) => id.startsWith("replay"))].sort(),
  );
  expect(ids).not.toEqual(ids.toSorted());
  expect(rows.find(({ id }) => id.startsWith("replay"))!.turns.at(-1)).toEqual({
    role: "assistant",
    content: "ok",
    train: false,
  } as never);
  for (const { id, turns, outcome, verified, scenario_id } of some)
    expect(rows.find((row) => row.id === id)).toMatchObject({
      turns,
      outcome,
      verified,
      scenario_id,
      keep: true,
    });
  expect((await rowsOf(data)).rows).toEqual(rows);
  const other = (await rowsOf(data.replace(/ }$/, ", seed: 1 }"))).rows;
  expect(other.map(({ id }) => id)).not.toEqual(ids);
});

test("what was not kept and what a set is to be without is left out and counted", async () => {
  const dropped = { ...some[0]!, id: "dropped.s0", keep: false };
  const { archetype } = some[0]!;
  const file = write("with-dropped.jsonl", [...some, dropped]);
  const { facts, rows } = await rowsOf(`{ trajectories: ${file}, without: [${archetype}] }`);
  const without = some.filter((row) => row.archetype === archetype).length;
  expect(facts.left_out).toEqual({ "not kept": 1, without });
  expect(rows.some((row) => row.archetype === archetype)).toBe(false);
});

const held = JSON.parse(readFileSync(join(heldOut, "permissions-000.json"), "utf8"));
const base = some.find(({ archetype }) => archetype === "file_create")!;
const say = (content: string) => [
  ...base.turns.slice(0, 2),
  { role: "assistant", content },
  ...base.turns.slice(2),
];

test.each([
  ["the archetype", { ...base, id: "leak.s0", archetype: "permissions" }, "it is of permissions"],
  [
    "the name of its scenario",
    { ...base, id: "text-replace-007.s1", scenario_id: "text-replace-007" },
    "it is of text_replace",
  ],
  [
    "the provider",
    { ...base, id: "leak.s0", turns: say(`${held.provider.name} --help`) },
    `it calls ${held.provider.name}`,
  ],
  [
    "the directive",
    {
      ...base,
      id: "leak.s0",
      turns: [
        ...base.turns.slice(0, 2),
        { role: "user", content: `x\n${held.directive}\n` },
        ...base.turns.slice(2),
      ],
    },
    "it shows the directive of held-out permissions-000",
  ],
])(
  "a row that gives away %s is refused by file, line and id, in data and in replay",
  async (_, leak, why) => {
    const rows = [...some.slice(0, 3), leak];
    const bad = write("leaking.jsonl", rows);
    const message = `${bad}:4 ${leak.id} (${why}`;
    await expect(rowsOf(`{ trajectories: ${bad} }`)).rejects.toThrow(message);
    await expect(rowsOf(`{ trajectories: ${given}, replay: { file: ${bad} } }`)).rejects.toThrow(message);
  },
);

test("the corpus gives nothing of its own hold-out away", async () => {
  const all = write("all.jsonl", kept);
  const { rows } = await rowsOf(`{ trajectories: ${all} }`);
  expect(rows.length).toBe(kept.length);
  expect([...new Set(rows.map(({ archetype }) => archetype))].sort()).toEqual(
    [...new Set([...scenarios.values()].map(({ archetype }) => archetype))].sort(),
  );
});
