// A whole experiment with borrowed models that need no GPU: what is done once stays done, and what changed is told.

import { expect } from "bun:test";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Interrupted, UserError } from "../../src/base/errors.ts";
import { markProven, serialiseScenario } from "../../src/data/scenario-json.ts";
import { parseSpec } from "../../src/experiment/read-spec.ts";
import type { ExperimentRecord, StageRecord } from "../../src/experiment/record.ts";
import { planExperiment, runExperiment } from "../../src/experiment/run.ts";
import { composeScenario } from "../../src/factory/author/compose.ts";
import { temporaryFolder } from "../data/golden-text.ts";
import { bubblewrap } from "../factory/bubblewrap.ts";
import { need } from "../setup.ts";
import { fakeMachinery, listening } from "./fake-machinery.ts";
import { tinyBase } from "./tiny-base.ts";

const test = need("bubblewrap", bubblewrap !== undefined);
const scratch = temporaryFolder();
const base = tinyBase(join(scratch, "base"));
const heldOut = join(import.meta.dir, "../golden/corpus/holdout");
const fresh = () => join(mkdtempSync(join(scratch, "run-")), "out");

const text = `name: small
base: ${base}
holdout: [text_replace, permissions]
sandbox: bubblewrap
data: { main: { author: { n: 4, seed: 1, samples: 1, archetypes: [file_create] } } }
training: { max_steps: 1 }
seeds: [1, 2]
scenarios: { heldout: { folder: ${heldOut}, n: 2 } }
eval: { max_steps: 2 }
arms:
  base: {}
  adapter: { data: main }
`;
const spec = parseSpec(text, "exp.yaml");
const changed = (from: string, to: string) => {
  expect(text).toContain(from);
  return parseSpec(text.replace(from, to), "exp.yaml");
};
const states = (record: ExperimentRecord) => record.stages.map(({ id, state }) => `${id} ${state}`);

test("every stage is done once, written down with hashes, and a new seed runs only what it needs", async () => {
  const out = fresh();
  const { machinery, trained, opened } = fakeMachinery();
  const { terminal, said } = listening();
  const seen: string[] = [];
  const onStage = ({ id, state }: StageRecord) => void seen.push(`${id} ${state}`);
  // An endpoint of the environment has no say: the same file does the same everywhere.
  process.env.SEKFT_URL = "http://127.0.0.1:1/v1";
  const record = await runExperiment(spec, out, machinery, terminal, { onStage }).finally(() => {
    delete process.env.SEKFT_URL;
  });
  expect(states(record)).toEqual([
    "scenarios/heldout done",
    "data/main/sessions done",
    "data/main/rows done",
    "eval/base done",
    "models/adapter/seed-1 done",
    "models/adapter/seed-2 done",
    "eval/adapter/seed-1 done",
    "eval/adapter/seed-2 done",
  ]);
  expect(seen.filter((line) => line.startsWith("eval/base"))).toEqual(["eval/base begun", "eval/base done"]);
  expect(said.filter((line) => line.startsWith("["))[3]).toMatch(/^\[4\/8\] eval\/base/);
  // Words before any answer: exit at once is no success, and both held-out scenarios end.
  expect(record.stages[3]!.facts).toMatchObject({ episodes: 2, terminate: 2, verified: 0, clean: 0 });
  expect(record.stages[1]!.facts).toMatchObject({ kept: 4, scenarios_admitted: 4 });
  for (const { outputs, inputs, seconds } of record.stages) {
    expect(Object.keys(outputs).length).toBeGreaterThan(0);
    expect(Object.keys(inputs)).toContain("settings");
    expect(seconds).toBeGreaterThanOrEqual(0);
  }
  expect(JSON.parse(readFileSync(join(out, "experiment.json"), "utf8"))).toEqual(
    JSON.parse(JSON.stringify(record)),
  );

  const again = await runExperiment(spec, out, machinery, terminal);
  expect(again).toEqual(JSON.parse(JSON.stringify(record)));
  expect([trained.length, opened.length]).toEqual([2, 3]);
  const more = await runExperiment(changed("seeds: [1, 2]", "seeds: [1, 2, 3]"), out, machinery, terminal);
  expect(more.stages.length).toBe(10);
  expect(trained.length).toBe(3);
  expect(trained.at(-1)).toBe(join(out, "models/adapter/seed-3"));
  expect(opened.length).toBe(4);
}, 60_000);

test("what a done stage was made of may not change, is told by name, and can be made again", async () => {
  const out = fresh();
  const { machinery, trained } = fakeMachinery();
  const { terminal } = listening();
  await runExperiment(spec, out, machinery, terminal);
  const refusal = (from: string, to: string) =>
    runExperiment(changed(from, to), out, machinery, terminal).then(
      () => "taken",
      (error: UserError) => `${error.message} | ${error.hint}`,
    );
  expect(await refusal("max_steps: 1 ", "max_steps: 1, lora_r: 8 ")).toMatch(
    /^models\/adapter\/seed-1: expected what it was made with, got training\.lora_r 8 \(was nothing\) \| .*remove .*models\/adapter\/seed-1, .*eval\/adapter\/seed-1 to have them made again/,
  );
  expect(await refusal("max_steps: 2", "max_steps: 3")).toContain(
    "eval/base: expected what it was made with, got eval.max_steps 3 (was 2)",
  );
  expect(await refusal("seed: 1,", "seed: 2,")).toContain(
    "data/main/sessions: expected what it was made with, got author.seed 2 (was 1)",
  );
  expect(await refusal("n: 2 }", "n: 4 }")).toContain(
    "scenarios/heldout: expected what it was made with, got n 4 (was 2)",
  );
  const other = { ...machinery, fingerprint: async () => "sha256:another" };
  await expect(runExperiment(spec, out, other, terminal)).rejects.toThrow(
    "eval/base: expected what it was made with, got another base base",
  );
  // How many run at once decides nothing.
  await runExperiment(changed("max_steps: 2", "max_steps: 2, jobs: 1"), out, machinery, terminal);

  rmSync(join(out, "models/adapter/seed-2"), { recursive: true });
  await runExperiment(spec, out, machinery, terminal);
  expect(trained.length).toBe(3);
  appendFileSync(join(out, "data/main/rows.jsonl"), "{}\n");
  await expect(runExperiment(spec, out, machinery, terminal)).rejects.toThrow(
    "rows.jsonl: expected rows.jsonl as this stage had left it",
  );
}, 60_000);

test("a stage that fails or is stopped is begun again where it was, and its time adds up", async () => {
  const out = fresh();
  const { terminal } = listening();
  let failure: Error = new UserError("no room");
  const train = () => Bun.sleep(200).then(() => Promise.reject(failure));
  const failing = fakeMachinery({ train }).machinery;
  await expect(runExperiment(spec, out, failing, terminal)).rejects.toThrow("no room");
  const read = () => JSON.parse(readFileSync(join(out, "experiment.json"), "utf8")) as ExperimentRecord;
  expect(states(read()).at(-1)).toBe("models/adapter/seed-1 failed");
  failure = new Interrupted("train: stopped");
  const stopped = runExperiment(spec, out, failing, terminal);
  await expect(stopped).rejects.toThrow(
    "experiment: stopped in [5/8] models/adapter/seed-1; what is done is kept",
  );
  expect(await stopped.catch((error) => [error.exitCode, error.hint])).toEqual([
    130,
    "the same command goes on from here",
  ]);
  expect(states(read()).at(-1)).toBe("models/adapter/seed-1 begun");
  expect(read().stages.at(-1)!.seconds).toBeGreaterThanOrEqual(0.4);
  const planned = await planExperiment(spec, out, failing, terminal);
  expect(planned.map(({ state }) => state)).toEqual(
    ["done", "done", "done", "done", ...Array(4).fill("to do")].with(4, "begun"),
  );
  // What is under way rests on its settings as well, once something of it is there.
  mkdirSync(join(out, "models/adapter/seed-1"), { recursive: true });
  writeFileSync(join(out, "models/adapter/seed-1/manifest.json"), "{}");
  const other = changed("max_steps: 1 ", "max_steps: 2 ");
  await expect(runExperiment(other, out, failing, terminal)).rejects.toThrow(
    "expected what it was begun with, got training.max_steps 2 (was 1)",
  );
  expect(
    (await runExperiment(spec, out, fakeMachinery().machinery, terminal)).stages.every(
      ({ state }) => state === "done",
    ),
  ).toBe(true);
}, 60_000);

test("a folder of something else, a damaged record and a machine without worlds are told before anything is written", async () => {
  const { machinery } = fakeMachinery();
  const { terminal } = listening();
  const foreign = mkdtempSync(join(scratch, "foreign-"));
  writeFileSync(join(foreign, "thesis.tex"), "\\section{}");
  await expect(runExperiment(spec, foreign, machinery, terminal)).rejects.toThrow(
    "expected an empty folder or one of an experiment, got one with thesis.tex",
  );
  const damaged = mkdtempSync(join(scratch, "damaged-"));
  for (const [content, told] of [
    ['{"version": 1,', "experiment.json:1: expected JSON"],
    ['{"version": 2}', "experiment.json: version: expected 1, got 2"],
    ['{"version": 1, "spec": {"arms": {}}, "stages": [{}]}', "experiment.json: stages[0]: expected a stage"],
    ['{"version": 1, "stages": []}', "experiment.json: spec: expected an experiment"],
  ] as const) {
    writeFileSync(join(damaged, "experiment.json"), content);
    await expect(runExperiment(spec, damaged, machinery, terminal)).rejects.toThrow(told);
    expect(readFileSync(join(damaged, "experiment.json"), "utf8")).toBe(content);
  }
  const out = fresh();
  const worldless = fakeMachinery({
    openSandbox: () => Promise.reject(new UserError("sandbox: expected Docker or bubblewrap, got neither")),
  }).machinery;
  await expect(runExperiment(spec, out, worldless, terminal)).rejects.toThrow(
    "expected Docker or bubblewrap",
  );
  expect(existsSync(join(out, "data/main/sessions/trajectories.jsonl"))).toBe(false);
  // Another kind of sandbox is no change of what is not there yet.
  await runExperiment(changed("sandbox: bubblewrap", "sandbox: auto"), out, worldless, terminal).catch(
    (error) => expect(error.message).toContain("expected Docker or bubblewrap"),
  );
}, 60_000);

test("what the author draws by itself and is like something held out is left out and counted; weakly proven scenarios are no eval", async () => {
  const { machinery } = fakeMachinery();
  const { terminal, said } = listening();
  const bundles = mkdtempSync(join(scratch, "bundles-"));
  const put = (gates: string) => {
    for (const index of [0, 1]) {
      const { scenario } = composeScenario(1, "file_create", index);
      writeFileSync(join(bundles, `${index}.json`), serialiseScenario(markProven(scenario, true, gates)));
    }
  };
  const same = changed(heldOut, bundles);
  put("proof");
  await expect(runExperiment(same, fresh(), machinery, terminal)).rejects.toThrow(
    "expected scenarios that passed every gate, got file_create-000",
  );
  put("all");
  const out = fresh();
  const { stages } = await runExperiment(same, out, machinery, terminal);
  expect(stages.find(({ kind }) => kind === "rows")!.facts).toMatchObject({
    rows: 2,
    left_out: { provider: 2 },
  });
  expect(said.some((line) => line.includes("2 rows left out: provider"))).toBe(true);
}, 60_000);
