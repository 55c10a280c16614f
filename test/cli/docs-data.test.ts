// The page on data: every example goes through the reader it is an example for, every folder is compared with one that was written.

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readPairs } from "../../src/data/preference/pair-record.ts";
import { readTokenizedPairs } from "../../src/data/preference/tokenized-pairs.ts";
import { readTrajectories } from "../../src/data/read-records.ts";
import { checkScenario } from "../../src/data/scenario.ts";
import { readTokenized } from "../../src/data/tokenized.ts";
import { OUTCOMES } from "../../src/data/trajectory.ts";
import { readEpisodes } from "../../src/eval/episode-log.ts";
import { adapterTensorName } from "../../src/formats/peft-adapter.ts";
import { readLoraConfig } from "../../src/formats/peft-config.ts";
import { temporaryFolder } from "../data/golden-text.ts";
import { bubblewrap } from "../factory/bubblewrap.ts";
import { testDevice } from "../gpu.ts";
import { need } from "../setup.ts";
import { heldOut, sessions, tinyBase } from "./docs-stage.ts";
import { codeOf, root } from "./documents.ts";
import { openStage } from "./stage.ts";

const page = "docs/data.md";
const folder = temporaryFolder();
const text = readFileSync(join(root, page), "utf8");
const { gpuTest } = await testDevice();
const worldTest = need("bubblewrap", bubblewrap !== undefined);

/** A section of the page by its heading. */
function section(heading: string): string {
  const from = text.indexOf(`## ${heading}\n`);
  if (from < 0) throw new Error(`${page} has no section ${heading}`);
  const to = text.indexOf("\n## ", from);
  return text.slice(from, to < 0 ? undefined : to);
}

const examples = (heading: string) =>
  [...section(heading).matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, body]) => body!);

function example(heading: string, index = 0): string {
  const found = examples(heading)[index];
  if (found === undefined) throw new Error(`${page}: ${heading} has no example ${index}`);
  return found;
}

/** The example in a file, as one line where it is to be JSON lines. */
function file(name: string, body: string): string {
  const path = join(folder, name);
  writeFileSync(path, name.endsWith(".jsonl") ? `${JSON.stringify(JSON.parse(body))}\n` : body);
  return path;
}

const all = async <T>(rows: AsyncIterable<T>) => Array.fromAsync(rows);

describe("the examples", () => {
  test("of a trajectory is one to train on, in the world of the scenario on the same page", async () => {
    const scenario = checkScenario(JSON.parse(example("Scenario bundle")), { file: page });
    const [row] = await all(readTrajectories(file("trajectory.jsonl", example("Trajectory"))));
    expect(row).toMatchObject({ shape: "trajectory", keep: true, outcome: "success", terminal: "exit" });
    expect(row!.scenarioId).toBe(scenario.id);
    expect(JSON.parse(example("Trajectory")).scenario_hash).toBe(scenario.contentHash);
    const commands = row!.turns.filter(({ role }) => role === "assistant").map(({ content }) => content);
    expect(commands).toEqual([...scenario.referenceSolution]);
  });

  test("of other programs' rows are read as trajectories", async () => {
    const shapes = [];
    for (const [i, body] of examples("Rows of other programs").entries())
      for await (const { shape, keep, turns } of readTrajectories(file(`other-${i}.jsonl`, body)))
        shapes.push({ shape, keep, turns: turns.map(({ role }) => role) });
    const turns = ["user", "assistant"];
    expect(shapes.map(({ shape }) => shape)).toEqual(["messages", "conversations", "turns"] as never);
    for (const one of shapes) expect(one).toMatchObject({ keep: true, turns });
  });

  test("of pairs are a conversation and plain text", async () => {
    const kinds = [];
    for (const [i, body] of examples("Preference pair").entries())
      for await (const { kind } of readPairs(file(`pair-${i}.jsonl`, body))) kinds.push(kind);
    expect(kinds).toEqual(["chat", "text"]);
  });

  test("of token ids are rows and pairs", () => {
    const limits = { vocabularySize: 32, labelsRequired: true };
    expect(readTokenized({ file: file("ids.json", example("Token ids")), ...limits })).toHaveLength(1);
    expect(readTokenizedPairs(file("pair-ids.json", example("Token ids", 1)), 32)).toHaveLength(1);
  });

  test("of an episode is counted by the eval", () => {
    file("episodes.jsonl", example("Folder of an eval"));
    expect(readEpisodes(folder)).toMatchObject([{ arm: "base", outcome: "premature_exit", verified: false }]);
  });

  test("of an adapter's settings is PEFT's, and its tensors are named so", () => {
    const config = readLoraConfig(file("adapter_config.json", example("Folder of an adapter")));
    expect(config).toMatchObject({ r: 16, alpha: 32, dropout: 0.05 });
    expect(section("Folder of an adapter")).toContain(
      `\`${adapterTensorName("model.layers.0.self_attn.q_proj", "A")}\``,
    );
  });

  test("are all of the page", () => {
    const blocks = codeOf(page).blocks.filter(({ language }) => language === "json");
    // Trajectory 1, other rows 3, bundle 1, pairs 2, ids 2, episode 1, log line 1, adapter 1.
    expect(blocks).toHaveLength(12);
    for (const outcome of OUTCOMES) expect(section("Trajectory")).toContain(`\`${outcome}\``);
  });
});

/** Names in the table of a section: `a`, `b` in the first column. */
function tableOf(heading: string): string[] {
  return [...section(heading).matchAll(/^\| (`.*?) \|/gm)]
    .flatMap(([, cell]) => [...cell!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!))
    .sort();
}

/** What lies in a folder, in the page's words. */
function contents(path: string): string[] {
  return readdirSync(path, { withFileTypes: true })
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .map((name) =>
      name.replace(/^checkpoint-\d+/, "checkpoint-<step>").replace(/^\w+-\d{3}\.json$/, "<id>.json"),
    )
    .filter((name) => !name.startsWith(".lock"))
    .filter((name, i, names) => names.indexOf(name) === i)
    .sort();
}

describe("the tables", () => {
  const stage = openStage(temporaryFolder());
  tinyBase(join(stage.folder, "base"));
  sessions(join(stage.folder, "trajectories.jsonl"));
  heldOut(join(stage.folder, "holdout"));
  const sekft = async (line: string) => {
    const { code, err } = await stage.run(`sekft ${line}`);
    expect({ line, code, ...(code !== 0 && { err }) }).toEqual({ line, code: 0 });
  };

  gpuTest(
    "of a training run and an adapter name what train writes, and the log has these fields",
    async () => {
      await sekft("train --data trajectories.jsonl --base base --out run --max-steps 2 --logging-steps 1");
      expect(contents(join(stage.folder, "run"))).toEqual(tableOf("Folder of a training run"));
      const log = readFileSync(join(stage.folder, "run/log.jsonl"), "utf8").split("\n");
      expect(Object.keys(JSON.parse(log[0]!))).toEqual(
        Object.keys(JSON.parse(example("Folder of a training run"))),
      );
    },
  );

  worldTest("of scenarios and a rollout name what author and rollout write", async () => {
    const world = "--sandbox bubblewrap";
    await sekft(`author --n 1 --archetypes file_create --out scenarios ${world}`);
    const optional = new Set(["rejected/"]);
    expect(contents(join(stage.folder, "scenarios"))).toEqual(
      tableOf("Folder of scenarios").filter((name) => !optional.has(name)),
    );
    await sekft(`rollout --n 1 --archetypes file_create --gates proof --out sessions ${world}`);
    expect(contents(join(stage.folder, "sessions"))).toEqual(tableOf("Folder of a rollout"));
  });

  worldTest("and the bundle beside them passes every gate", async () => {
    writeFileSync(join(stage.folder, "bundle.json"), example("Scenario bundle"));
    await sekft("inspect scenario bundle.json --verify --sandbox bubblewrap");
  });

  const evalTest = bubblewrap === undefined ? worldTest : gpuTest;
  evalTest("of an eval name what eval writes", async () => {
    const few = "--max-steps 1 --max-tokens 2 --n 1 --sandbox bubblewrap";
    await sekft(`eval --base base --scenarios holdout --out results ${few}`);
    expect(contents(join(stage.folder, "results"))).toEqual(tableOf("Folder of an eval"));
  });
});
