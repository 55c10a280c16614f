// The built-in operator in real worlds: it succeeds, it differs from sample to sample, it can be repeated, it errs when asked to.

import { afterAll, test as alone, describe, expect } from "bun:test";
import { defaultEpisodeLimits, type Episode } from "../../src/agent/contract.ts";
import { runEpisode } from "../../src/agent/episode.ts";
import type { Scenario } from "../../src/data/scenario.ts";
import { isLook, writtenFiles } from "../../src/factory/operator/command-shape.ts";
import { builtinOperator, type OperatorSettings } from "../../src/factory/operator/operator.ts";
import { planOfReference } from "../../src/factory/operator/reference-plan.ts";
import { judgeSample } from "../../src/factory/rollout/keep.ts";
import { weighWork } from "../../src/factory/rollout/work-weight.ts";
import { scenarios } from "../agent/recorded-world.ts";
import { need } from "../setup.ts";
import { bubblewrap } from "./bubblewrap.ts";

const test = need("bubblewrap", bubblewrap !== undefined);
afterAll(() => bubblewrap?.[Symbol.asyncDispose]());

const perArchetype = [...Map.groupBy(scenarios.values(), ({ archetype }) => archetype).values()];
const few = perArchetype.flatMap((group) => group.slice(0, 2));
const plain: OperatorSettings = { seed: 5, sample: 0, detours: 0.5, faults: 0 };

async function play(scenario: Scenario, settings: Partial<OperatorSettings> = {}): Promise<Episode> {
  return runEpisode({
    scenario,
    provider: bubblewrap!,
    model: builtinOperator(scenario, { ...plain, ...settings }),
    limits: defaultEpisodeLimits,
    settings: { temperature: 0, topP: 1, seed: undefined },
    stripProse: true,
  });
}

const commandsOf = ({ turns }: Episode) =>
  turns.flatMap(({ role, content }) => (role === "assistant" ? [content] : []));
const directiveTurn = (episode: Episode, scenario: Scenario) =>
  episode.turns.findIndex(
    ({ content, role }) => role === "user" && content.includes(scenario.directive ?? "\0"),
  );

describe("the built-in operator", () => {
  test("is kept in every archetype, straight or wandering", async () => {
    for (const scenario of few)
      for (const detours of [0, 1]) {
        const sample = judgeSample(await play(scenario, { detours }), scenario, 0);
        expect([scenario.id, sample.keep, sample.reason]).toEqual([scenario.id, true, undefined]);
      }
  }, 60_000);

  test("does the same again from the same seed, and other things in another sample", async () => {
    const seen = new Map<string, Set<string>>();
    for (const scenario of few.slice(0, 8)) {
      const again = await Promise.all([play(scenario), play(scenario)]);
      expect(again[0]!.turns).toEqual(again[1]!.turns);
      const others = await Promise.all([1, 2].map((sample) => play(scenario, { sample, detours: 1 })));
      seen.set(scenario.id, new Set([again[0]!, ...others].map((one) => JSON.stringify(commandsOf(one)))));
    }
    const different = [...seen.values()].map(({ size }) => size);
    expect(different.filter((size) => size >= 2).length).toBeGreaterThanOrEqual(different.length - 1);
    expect(different.reduce((sum, size) => sum + size)).toBeGreaterThanOrEqual(2.4 * different.length);
  }, 60_000);

  test("of one routine goes to its directive by the reference's commands, and works in more than one way", async () => {
    const ways = new Map<string, Set<string>>();
    for (const scenario of few.slice(0, 8))
      for (const sample of [0, 1]) {
        const episode = await play(scenario, { sample, detours: 1, oneRoutine: true });
        const told = directiveTurn(episode, scenario);
        const before = commandsOf({ ...episode, turns: episode.turns.slice(0, told) });
        if (told >= 0) expect(before).toEqual(scenario.referenceSolution.slice(0, before.length));
        const work = commandsOf({ ...episode, turns: episode.turns.slice(told) });
        ways.set(scenario.id, (ways.get(scenario.id) ?? new Set()).add(JSON.stringify(work)));
      }
    expect([...ways.values()].some(({ size }) => size > 1)).toBe(true);
  }, 60_000);

  test("calls the provider only when something has spoken of it, and does the work only when it was told", async () => {
    for (const scenario of few) {
      const episode = await play(scenario, { detours: 1, sample: 1 });
      const first = episode.turns.findIndex(
        ({ role, content }) => role === "assistant" && content.includes(scenario.provider.name),
      );
      const before = episode.turns.slice(0, first).map(({ content }) => content);
      expect(before.join("\n")).toContain(scenario.provider.name);
      if (scenario.directive === null) continue;
      const told = directiveTurn(episode, scenario);
      const acts = episode.turns
        .slice(0, told)
        .filter(({ role, content }) => role === "assistant" && writtenFiles(content).length > 0);
      expect(acts).toEqual([]);
    }
  }, 60_000);

  test("seldom looks between the directive and the first act", async () => {
    const withWork = few.filter(
      ({ directive, expectedTerminal }) => directive !== null && expectedTerminal === "exit",
    );
    let looks = 0;
    for (const scenario of withWork)
      for (const sample of [0, 1]) {
        const episode = await play(scenario, { sample });
        const next = episode.turns
          .slice(directiveTurn(episode, scenario) + 1)
          .find(({ role }) => role === "assistant");
        if (isLook(next!.content)) looks++;
      }
    expect(looks).toBeLessThanOrEqual(Math.floor(withWork.length * 2 * 0.35));
  }, 60_000);

  test("makes the mistakes it is asked for, and says so in its name", async () => {
    const expected: Readonly<Record<string, readonly string[]>> = {
      premature_exit: ["premature_exit"],
      skipped_step: ["premature_exit", "success"],
      wrong_terminal: ["wrong_terminal"],
      prose: ["prose_drift"],
    };
    const seen = new Set<string>();
    for (const scenario of few)
      for (const sample of [0, 1, 2]) {
        const episode = await play(scenario, { sample, faults: 1 });
        const fault = /^builtin\+(\w+)$/.exec(episode.model)?.[1] ?? "none";
        expect([fault, ...(expected[fault] ?? [])]).toContain(episode.outcome);
        seen.add(fault);
        if (episode.outcome !== "success") expect(judgeSample(episode, scenario, sample).keep).toBe(false);
      }
    expect([...seen].sort()).toEqual(Object.keys(expected).sort());
  }, 90_000);
});

alone("a reference is taken apart into finding, learning, fetching and working", () => {
  const scenario = scenarios.get("log_extract-000")!;
  const plan = planOfReference(scenario);
  expect(plan.help).toEqual([["/opt/gal/taskturzan --help"]]);
  expect(plan.fetch).toEqual([["/opt/gal/taskturzan -n"]]);
  expect(plan.discover[0]).toEqual(["cat ~/ASSIGNMENTS"]);
  expect(plan.solutions[0]!.map(({ kind }) => kind)).toEqual(["look", "act", "verify"]);
  expect(plan.terminal).toBe("exit");
});

alone("looks are told from acts by what they write", () => {
  for (const look of [
    "ls -l /srv",
    "cat a | sort | uniq -c",
    "grep -c x *.conf 2>/dev/null",
    "find /srv -name '*.txt'",
    "sed -n 1p a",
  ])
    expect([look, isLook(look)]).toEqual([look, true]);
  for (const act of [
    "echo a > b",
    "sed -i s/a/b/ f",
    "find . -name x -exec rm {} +",
    "rm a",
    "cat a >> b",
    "sort -o a a",
    "tee f < g",
  ])
    expect([act, isLook(act)]).toEqual([act, false]);
});

test("the weight of the work is on what is done between the directive and the ending, and on nothing else", async () => {
  for (const scenario of few) {
    const episode = await play(scenario);
    const record = judgeSample(episode, scenario, 0);
    const { turns } = weighWork(record, scenario, 0.25);
    const told = directiveTurn(episode, scenario);
    const assistants = turns.flatMap(({ role }, i) => (role === "assistant" ? [i] : []));
    for (const [i, turn] of turns.entries()) {
      const isWork = scenario.directive !== null && i > told && i !== assistants.at(-1);
      expect(turn.weight).toBe(turn.role === "assistant" && isWork ? 0.25 : undefined);
      expect(turn.content).toBe(record.turns[i]!.content);
    }
    expect(weighWork(record, scenario, 1)).toBe(record);
  }
}, 60_000);
