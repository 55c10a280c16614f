// Arms that go on from a trained student: its sessions, pairs or rows of them, the adapter, without a GPU.

import { expect } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Turn } from "../../src/data/normalize.ts";
import type { Scenario } from "../../src/data/scenario.ts";
import { readScenarios } from "../../src/data/scenario-files.ts";
import { parseSpec } from "../../src/experiment/read-spec.ts";
import { writeReport } from "../../src/experiment/report/write-report.ts";
import { runExperiment } from "../../src/experiment/run.ts";
import type { TrainOptions } from "../../src/train/options.ts";
import { temporaryFolder } from "../data/golden-text.ts";
import { bubblewrap } from "../factory/bubblewrap.ts";
import { need } from "../setup.ts";
import { fakeMachinery, listening } from "./fake-machinery.ts";
import { tinyBase } from "./tiny-base.ts";

const test = need("bubblewrap", bubblewrap !== undefined);
const scratch = temporaryFolder();
const base = tinyBase(join(scratch, "base"));
const heldOut = join(import.meta.dir, "../golden/corpus/holdout");

const text = `name: loops
base: ${base}
holdout: [text_replace, permissions]
sandbox: bubblewrap
data: { main: { author: { n: 3, seed: 1, samples: 1, archetypes: [file_create, file_copy] } } }
training: { max_steps: 1, max_length: 1024, lora_r: 4 }
seeds: [1]
scenarios: { heldout: { folder: ${heldOut}, n: 2 } }
eval: { max_steps: 14 }
arms:
  preferred: { dpo: { of: adapter, rollout: { samples: 3 } }, training: { beta: 0.3 } }
  star: { star: { of: adapter, rounds: 2, rollout: { samples: 3, limit: 2 } } }
  base: {}
  adapter: { data: main }
`;

interface Pair {
  readonly prompt: readonly Turn[];
  readonly chosen: readonly Turn[];
  readonly rejected: readonly Turn[];
  readonly chosen_id: string;
}

const linesOf = <T>(file: string) =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);

/** A student that knows the scenarios that it was trained on. Its sessions of one scenario come in turns: as the reference has it, given
 *  up at once, and as the reference has it but for a held-out program that it asks for first. */
function student(out: string) {
  const provider = readScenarios(heldOut)[0]!.provider.name;
  const begun = new Map<string, number>();
  const kinds = new Map<string, number>();
  return (turns: readonly Turn[], seed: number | undefined) => {
    const screen = turns.map(({ content }) => content).join("\n");
    const said = turns.filter(({ role }) => role === "assistant").map(({ content }) => content);
    const scenario = readScenarios(join(out, "data/main/sessions/scenarios")).find(
      ({ system, user, host, announcement }: Scenario) =>
        [system, announcement.login.trim(), `${user}@${host}:`].every((part) => screen.includes(part)),
    );
    if (scenario === undefined) return "exit";
    const session = `${scenario.id} ${seed}`;
    if (!kinds.has(session)) {
      kinds.set(session, begun.get(scenario.id) ?? 0);
      begun.set(scenario.id, (begun.get(scenario.id) ?? 0) + 1);
    }
    const kind = kinds.get(session)! % 3;
    if (kind === 1) return said.length === 0 ? scenario.referenceSolution[0]! : "exit";
    const plan =
      kind === 2 ? [`${provider} --help`, ...scenario.referenceSolution] : scenario.referenceSolution;
    return plan[said.length] ?? "exit";
  };
}

function machineryFor(out: string) {
  const options: TrainOptions[] = [];
  const answer = student(out);
  const fake = fakeMachinery();
  const { train, openModel } = fake.machinery;
  const machinery = {
    ...fake.machinery,
    train: async (
      asked: TrainOptions,
      ...rest: Parameters<typeof train> extends [unknown, ...infer R] ? R : never
    ) => {
      options.push(asked);
      await train(asked, ...rest);
    },
    openModel: async (...asked: Parameters<typeof openModel>) => {
      const opened = await openModel(...asked);
      const generate = async (turns: readonly Turn[], { seed }: { seed?: number | undefined }) => ({
        content: answer(turns, seed),
        finish: "stop" as const,
        promptTokens: 3,
        completionTokens: 1,
      });
      return { ...opened, arm: { ...opened.arm, model: { ...opened.arm.model, generate } } };
    },
  };
  return { machinery, options, opened: fake.opened };
}

test("a student's sessions become pairs for DPO from its adapter, and rows for the next round's", async () => {
  const out = join(mkdtempSync(join(scratch, "run-")), "out");
  const { machinery, options, opened } = machineryFor(out);
  const { terminal } = listening();
  const spec = parseSpec(text, "exp.yaml");
  const record = await runExperiment(spec, out, machinery, terminal);
  expect(record.stages.map(({ id, state }) => `${id} ${state}`)).toEqual(
    [
      ...["scenarios/heldout", "data/main/sessions", "data/main/rows", "eval/base", "models/adapter/seed-1"],
      ...["loops/preferred/seed-1/sessions", "loops/preferred/seed-1/pairs", "models/preferred/seed-1"],
      ...[
        "loops/star/seed-1/round-1/sessions",
        "loops/star/seed-1/round-1/rows",
        "loops/star/seed-1/round-1/model",
      ],
      ...["loops/star/seed-1/round-2/sessions", "loops/star/seed-1/round-2/rows", "models/star/seed-1"],
      ...["eval/preferred/seed-1", "eval/star/seed-1", "eval/adapter/seed-1"],
    ].map((id) => `${id} done`),
  );
  const stage = (id: string) => record.stages.find((one) => one.id === id)!;
  for (const { outputs } of record.stages) expect(Object.keys(outputs).length).toBeGreaterThan(0);

  // Who plays is the adapter of the round before.
  const adapter = (id: string) => join(out, id);
  expect(opened.filter((one) => one !== "base").slice(0, 3)).toEqual([
    adapter("models/adapter/seed-1"),
    adapter("models/adapter/seed-1"),
    adapter("loops/star/seed-1/round-1/model"),
  ]);

  // Three sessions of each of three scenarios: one clean, one given up, one that names a held-out program.
  const pairs = linesOf<Pair>(join(out, "loops/preferred/seed-1/pairs.jsonl"));
  expect(pairs.length).toBe(3);
  const bundles = readScenarios(join(out, "data/main/sessions/scenarios"));
  for (const { prompt, chosen, rejected, chosen_id } of pairs) {
    const { referenceSolution } = bundles.find(({ id }) => chosen_id.startsWith(`${id}.`))!;
    expect(prompt.filter(({ role }) => role === "assistant").map(({ content }) => content)).toEqual(
      referenceSolution.slice(0, 1),
    );
    expect([chosen[0]!.content, rejected[0]!.content]).toEqual([referenceSolution[1]!, "exit"]);
  }
  expect(stage("loops/preferred/seed-1/pairs").facts).toMatchObject({
    sessions: 6,
    kept: 3,
    not_paired: { provider: 3 },
    checked_against: { holdout: ["text_replace", "permissions"], scenarios: 2 },
  });

  const [first, preferred, round, last] = options;
  expect(first).toMatchObject({ method: "sft", loraR: 4, data: join(out, "data/main/rows.jsonl") });
  expect(preferred).toMatchObject({
    method: "dpo",
    beta: 0.3,
    maxLength: 1024,
    data: join(out, "loops/preferred/seed-1/pairs.jsonl"),
    initAdapter: adapter("models/adapter/seed-1"),
    out: adapter("models/preferred/seed-1"),
    seed: 1,
  });
  // What the first training was about is its own: updates are counted anew, LoRA's shape is the adapter's.
  expect([preferred!.maxSteps, preferred!.loraR]).toEqual([-1, undefined]);
  expect(round).toMatchObject({ method: "sft", loraR: 4, out: adapter("loops/star/seed-1/round-1/model") });
  expect(round!.initAdapter).toBeUndefined();
  expect(last).toMatchObject({ data: join(out, "loops/star/seed-1/round-2/rows.jsonl") });

  interface Row {
    readonly id: string;
    readonly turns: readonly Turn[];
  }
  const given = linesOf<Row>(join(out, "data/main/rows.jsonl"));
  const added = linesOf<Row>(join(out, "loops/star/seed-1/round-2/rows.jsonl"));
  // Of three scenarios two are played, one of each kind. Clean sessions of both rounds are the same: each counts once.
  expect(stage("loops/star/seed-1/round-1/sessions").facts.archetypes).toMatchObject({
    file_copy: { finished: 3 },
    file_create: { finished: 3 },
  });
  expect(added.length).toBe(given.length + 2);
  expect(new Set(added.map(({ id }) => id)).size).toBe(added.length);
  for (const row of given) expect(added).toContainEqual(row);
  expect(stage("loops/star/seed-1/round-2/rows").facts).toMatchObject({
    rows: 5,
    of_data: 3,
    added: 2,
    clean_by_round: [2, 2],
    known_already: 2,
    left_out: { "not kept": 4, provider: 4 },
  });

  const report = await writeReport(out);
  const page = readFileSync(join(out, "report/report.md"), "utf8");
  for (const name of ["preferred", "star"]) expect(page).toContain(name);
  expect(report.warnings.filter((warning) => warning.includes("loops/"))).toEqual([]);

  // Nothing is done again; another temperature is refused; what was taken away is made again, with the same content.
  const again = await runExperiment(spec, out, machinery, terminal);
  expect(again).toEqual(JSON.parse(JSON.stringify(record)));
  expect(options.length).toBe(4);
  const hotter = parseSpec(
    text.replace("of: adapter, rollout: {", "of: adapter, rollout: { temperature: 1,"),
    "exp.yaml",
  );
  await expect(runExperiment(hotter, out, machinery, terminal)).rejects.toThrow(
    "loops/preferred/seed-1/sessions: expected what it was made with, got rollout.temperature 1 (was nothing)",
  );
  rmSync(join(out, "loops/preferred/seed-1/pairs.jsonl"));
  const mended = await runExperiment(spec, out, machinery, terminal);
  expect(mended.stages.map(({ outputs }) => outputs)).toEqual(record.stages.map(({ outputs }) => outputs));
  // What rests on it is held against it once more, and goes on from its end.
  expect(options.length).toBe(5);
}, 120_000);

test("without a kept session there is nothing to prefer, unless the data's own may be chosen", async () => {
  const out = join(mkdtempSync(join(scratch, "run-")), "out");
  const { machinery } = fakeMachinery();
  const { terminal, said } = listening();
  await expect(runExperiment(parseSpec(text, "exp.yaml"), out, machinery, terminal)).rejects.toThrow(
    "loops/preferred/seed-1/pairs: expected kept and rejected samples of one scenario, got 9 rejected and none kept",
  );
  expect(existsSync(join(out, "loops/preferred/seed-1/pairs.jsonl"))).toBe(false);
  const helped = parseSpec(text.replace("of: adapter,", "of: adapter, with_data: true,"), "exp.yaml");
  const record = await runExperiment(helped, out, machinery, terminal);
  const pairs = linesOf<Pair>(join(out, "loops/preferred/seed-1/pairs.jsonl"));
  expect(pairs.length).toBe(3);
  for (const { rejected, chosen_id } of pairs) {
    expect(rejected[0]!.content).toBe("exit");
    expect(chosen_id).toEndWith(".data");
  }
  expect(said.some((line) => line.includes("no session of the student is added"))).toBe(true);
  expect(record.stages.filter(({ state }) => state !== "done")).toEqual([]);
  expect(readdirSync(join(out, "loops"))).toEqual(["preferred", "star"]);
}, 120_000);

test("a loop that cannot be is told by its line", () => {
  const complaint = (from: string, to: string) => {
    expect(text).toContain(from);
    try {
      parseSpec(text.replace(from, to), "exp.yaml");
    } catch (error) {
      return (error as Error).message;
    }
    return "taken";
  };
  expect(complaint("dpo: { of: adapter,", "dpo: { of: adaptor,")).toContain(
    'expected a trained arm, got "adaptor"',
  );
  expect(complaint("dpo: { of: adapter,", "dpo: { of: base,")).toContain(
    'expected a trained arm, got "base"',
  );
  expect(complaint("dpo: { of: adapter,", "dpo: { of: star,")).toContain("expected a trained arm");
  expect(complaint("star: { of: adapter, rounds: 2", "star: { of: adapter, rounds: 0")).toContain(
    "at least 1, got 0",
  );
  expect(complaint("star: { of: adapter, rounds: 2", "dpo: { of: adapter, rounds: 2")).toContain("rounds");
  expect(complaint("rollout: { samples: 3 } },", "rollout: { faults: 0.5 } },")).toContain("faults");
  expect(complaint("training: { beta: 0.3 }", "training: { packing: true }")).toContain(
    "--packing: expected --method sft, got dpo",
  );
  expect(complaint("training: { beta: 0.3 }", "data: main")).toContain(
    "expected no data in an arm of a loop",
  );
  expect(complaint("training: { beta: 0.3 }", "seeds: [1, 9]")).toContain(
    "expected seeds of arms.adapter, got 9",
  );
  expect(
    complaint(
      "author: { n: 3, seed: 1, samples: 1, archetypes: [file_create, file_copy] }",
      "trajectories: x.jsonl",
    ),
  ).toContain("whose data are made in scenarios that its student can play");
  expect(
    complaint("adapter: { data: main }", "adapter: { data: main, terminals: { exit: leave } }"),
  ).toContain("an arm with the usual endings");
});
