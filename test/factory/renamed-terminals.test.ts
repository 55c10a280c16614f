// The endings renamed from the world to the trained row: operator, episode, record, eval and data set with the same words.

import { test as alone, describe, expect } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defaultEpisodeLimits, type Model } from "../../src/agent/contract.ts";
import { runEpisode } from "../../src/agent/episode.ts";
import { renameScenario } from "../../src/agent/renamed-scenario.ts";
import { resolveOptions } from "../../src/base/resolve.ts";
import { loadDataset } from "../../src/data/dataset.ts";
import { findDefects } from "../../src/data/defects.ts";
import { readTrajectories } from "../../src/data/read-records.ts";
import type { Scenario } from "../../src/data/scenario.ts";
import { serialiseScenario } from "../../src/data/scenario-json.ts";
import { evalOptions } from "../../src/eval/eval-options.ts";
import { type DescribedArm, evaluate } from "../../src/eval/evaluate.ts";
import { writePairs } from "../../src/factory/pairs/write-pairs.ts";
import { openSupply } from "../../src/factory/rollout/open-supply.ts";
import { rolloutOptions } from "../../src/factory/rollout/options.ts";
import { rollout } from "../../src/factory/rollout/rollout.ts";
import { SCAFFOLD, scaffoldFor } from "../../src/factory/rollout/scaffold.ts";
import { playedProvider, scenarioOf } from "../agent/recorded-world.ts";
import { scriptedModel } from "../agent/scripted-model.ts";
import { silent } from "../base/silent-terminal.ts";
import { goldenFormat, temporaryFolder } from "../data/golden-text.ts";
import { testedProviders } from "../sandbox/each-provider.ts";
import { need } from "../setup.ts";

const words = { exit: "leave", panic: "stuck" };
const flag = "exit=leave,panic=stuck";
const chosen = ["file_create", "log_extract", "empty_queue", "blocked"].map(scenarioOf);
const folder = temporaryFolder();
const bundles = join(folder, "bundles.jsonl");
writeFileSync(
  bundles,
  chosen.map((one) => `${JSON.stringify(JSON.parse(serialiseScenario(one)))}\n`).join(""),
);

/** Plays each scenario's reference solution, ending in `ends`. */
function replaying(ends: Readonly<Record<"exit" | "panic", string>>): Model {
  return {
    name: "replay",
    async generate(turns) {
      const shown = turns.map(({ content }) => content).join("\n");
      const scenario = chosen.find(({ announcement }) => shown.includes(announcement.login.trim()))!;
      const step = turns.filter(({ role }) => role === "assistant").length;
      const command = scenario.referenceSolution[step] ?? "true";
      const content = command === "exit" || command === "panic" ? ends[command] : command;
      return { content, finish: "stop", promptTokens: 1, completionTokens: 1 };
    },
  };
}

const arm = (name: string, model: Model): DescribedArm => ({
  name,
  model,
  facts: async () => ({
    kind: "endpoint",
    model: name,
    base_hash: null,
    adapter_hash: null,
    chat_template_hash: null,
    reported: null,
  }),
});

for (const { name, isHere, open } of testedProviders)
  describe(`in ${name}`, () => {
    const test = need(name, isHere);

    test("a rollout ends in the new words, its records say exit and panic, and data sets tell them apart", async () => {
      await using provider = await open();
      const out = join(folder, `rollout-${name}`);
      const roll = (terminals: string | undefined) => {
        const flags = { scenarios: bundles, out, samples: "1", jobs: "2", opModel: "builtin", terminals };
        const options = resolveOptions(rolloutOptions, flags);
        using supply = openSupply(options, provider, silent);
        return rollout(options, supply, provider, silent);
      };
      expect(await roll(flag)).toMatchObject({ finished: 4, kept: 4 });
      for await (const record of readTrajectories(out)) {
        const ending = record.archetype === "blocked" ? "panic" : "exit";
        expect(record).toMatchObject({ keep: true, terminal: ending, terminals: words });
        expect(record.turns.at(-1)!.content).toBe(words[ending]);
        expect(findDefects(record)).toEqual([]);
      }
      await expect(roll(undefined)).rejects.toThrow(/expected the terminals it was begun with/);

      const data = {
        data: out,
        all: false,
        maxLength: 8192,
        overlong: "drop",
        strictPrefix: false,
        specialInContent: "keep",
      } as const;
      const format = goldenFormat("smollm2-135m-instruct");
      const { counts } = await loadDataset({ ...data, terminals: words }, format);
      expect(counts).toMatchObject({ trajectories: 4, terminals: { exit: 3, panic: 1, none: 0 } });
      await expect(loadDataset(data, format)).rejects.toThrow(
        /its endings are called leave and stuck, not exit and panic/,
      );
    });

    test("an eval scores the new words as exit and panic, and the old ones as no command", async () => {
      await using provider = await open();
      const out = join(folder, `eval-${name}`);
      const run = (terminals: string | undefined) =>
        evaluate(
          resolveOptions(evalOptions, { scenarios: bundles, out, terminals, jobs: "2", maxSteps: "12" }),
          {
            arms: [arm("new", replaying(words)), arm("old", replaying({ exit: "exit", panic: "panic" }))],
            scenarios: chosen,
            provider,
            prime: undefined,
          },
          silent,
        );
      const { result } = await run(flag);
      expect(result.arms.new).toMatchObject({ n: 4, terminate: { x: 4 }, clean: { x: 4 } });
      expect(result.arms.old).toMatchObject({ n: 4, terminate: { x: 0 }, clean: { x: 0 } });
      const lines = readFileSync(join(out, "episodes.jsonl"), "utf8").trim().split("\n");
      const old = lines.map((line) => JSON.parse(line)).filter(({ arm: own }) => own === "old");
      for (const { turns, step_log: steps } of old) {
        const said = turns.find(({ content }: { content: string }) => /not found/.test(content));
        expect(said.content).toMatch(/^\/bin\/sh: 1: (exit|panic): not found\n$/);
        expect(steps.some(({ status }: { status: number }) => status === 127)).toBe(true);
      }
      expect(JSON.parse(readFileSync(join(out, "manifest.json"), "utf8")).terminals).toEqual(words);
      await expect(run(undefined)).rejects.toThrow(/terminals null \(was "exit=leave,panic=stuck"\)/);
    });
  });

alone("an episode shows its scenario with the new words and opens its world with them", async () => {
  const [scenario] = chosen as [Scenario];
  const spoken: Scenario = {
    ...scenario,
    system: "Type 'exit' when you are done, or panic.",
    announcement: { ...scenario.announcement, login: "Leave by exit or panic.\n" },
  };
  const world = playedProvider(() => ({ terminal: { word: "exit", status: 0 } }));
  const asked: unknown[] = [];
  const model = scriptedModel(["leave"]);
  const episode = await runEpisode({
    scenario: spoken,
    provider: {
      ...world,
      open: (opened, options) => {
        asked.push(opened.announcement.login, options?.terminals);
        return world.open(opened, options);
      },
    },
    model,
    limits: defaultEpisodeLimits,
    settings: { temperature: 0, topP: 1, seed: 0 },
    terminals: words,
  });
  expect(asked).toEqual(["Leave by leave or stuck.\n", words]);
  expect(episode.turns.slice(0, 2).map(({ content }) => content)).toEqual([
    "Type 'leave' when you are done, or panic.",
    "Leave by leave or stuck.\n",
  ]);
  expect(episode).toMatchObject({ terminal: "exit", outcome: "success", scenarioHash: scenario.contentHash });
});

alone("a scenario whose files have one of the words as a name is refused", () => {
  const [scenario] = chosen as [Scenario];
  const named = { ...scenario, provider: { ...scenario.provider, name: "leave" } };
  expect(() => renameScenario(named, words)).toThrow(
    /expected words that no file of a scenario is called, got leave/,
  );
  expect(renameScenario(named, { exit: "exit", panic: "panic" })).toBe(named);
});

alone("pairs are renamed when asked, keep the words of their rows, and are never made of both", async () => {
  const row = (sample: number, last: string, keep: boolean, more: object = {}) => ({
    version: 1,
    id: `a.s${sample}`,
    scenario_id: "a",
    scenario_hash: "sha256:a",
    archetype: "cleanup",
    sample,
    model: "m",
    turns: [
      { role: "user", content: "x$ " },
      { role: "assistant", content: last },
    ],
    outcome: keep ? "success" : "incomplete",
    verified: keep,
    terminal: keep ? "exit" : null,
    keep,
    limits_hit: [],
    ...more,
  });
  const file = join(folder, "pairs-in.jsonl");
  const out = join(folder, "pairs-out.jsonl");
  const write = (...rows: object[]) =>
    writeFileSync(file, rows.map((one) => `${JSON.stringify(one)}\n`).join(""));
  const chosen = () => JSON.parse(readFileSync(out, "utf8")).chosen;
  write(row(0, "exit", true), row(1, "ls", false));
  expect(await writePairs(file, out, 0, words)).toMatchObject({ pairs: 1, chosen_terminal: 1 });
  expect(chosen()).toEqual([{ role: "assistant", content: "leave" }]);
  write(row(0, "leave", true, { terminals: words }), row(1, "ls", false, { terminals: words }));
  expect(await writePairs(file, out, 0)).toMatchObject({ pairs: 1, chosen_terminal: 1 });
  expect(chosen()).toEqual([{ role: "assistant", content: "leave" }]);
  write(row(0, "leave", true, { terminals: words }), row(1, "ls", false));
  await expect(writePairs(file, out, 0)).rejects.toThrow(
    /a.s1: expected sessions that end in leave or stuck/,
  );
});

alone("a teacher is told the new words", () => {
  expect(scaffoldFor(words)).toContain("reply with: leave\n");
  expect(scaffoldFor(words)).toContain("reply with: stuck\n");
  expect(scaffoldFor(words)).not.toMatch(/: (exit|panic)\n/);
  expect(scaffoldFor({ exit: "exit", panic: "panic" })).toBe(SCAFFOLD);
});
