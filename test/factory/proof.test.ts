// Scenarios for training data: proven by less than an eval wants, and saying so; sessions that go straight to work.

import { expect } from "bun:test";
import { defaultEpisodeLimits } from "../../src/agent/contract.ts";
import { runEpisode } from "../../src/agent/episode.ts";
import { markProven, passedAllGates, withoutProof } from "../../src/data/scenario-json.ts";
import { recallPlan } from "../../src/factory/author/author.ts";
import { composeScenario } from "../../src/factory/author/compose.ts";
import { judge } from "../../src/factory/gates/judge.ts";
import { isLook, programOf } from "../../src/factory/operator/command-shape.ts";
import { builtinOperator } from "../../src/factory/operator/operator.ts";
import type { SandboxProvider } from "../../src/sandbox/contract.ts";
import { need } from "../setup.ts";
import { bubblewrap } from "./bubblewrap.ts";

const test = need("bubblewrap", bubblewrap !== undefined);

/** The provider, counting worlds. */
function counting(): { provider: SandboxProvider; worlds: () => number } {
  let worlds = 0;
  const provider = new Proxy(bubblewrap!, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (name === "open") worlds++;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { provider, worlds: () => worlds };
}

test("proof asks for no-op and reference only, in two worlds, and refuses what cannot be solved or is solved already", async () => {
  const { scenario } = composeScenario(11, "file_create", 0);
  const { provider, worlds } = counting();
  const good = await judge(scenario, { provider, gates: "proof" });
  expect(good.results.map(({ gate, passed }) => [gate, passed])).toEqual([
    ["structure", true],
    ["no_op", true],
    ["reference", true],
  ]);
  expect(worlds()).toBe(2);
  const solved = await judge({ ...scenario, checker: "true" }, { provider, gates: "proof" });
  expect(solved.results.at(-1)).toMatchObject({ gate: "no_op", passed: false });
  const hopeless = await judge({ ...scenario, checker: "false" }, { provider, gates: "proof" });
  expect(hopeless.results.at(-1)).toMatchObject({ gate: "reference", passed: false });
  expect(hopeless.admitted).toBe(false);
}, 60_000);

test("a bundle says which gates it went through, and the author's plan of it is found all the same", () => {
  const { scenario, plan } = composeScenario(11, "file_copy", 1);
  const whole = markProven(scenario, true);
  const weak = markProven(scenario, true, "proof");
  expect([passedAllGates(whole), passedAllGates(weak)]).toEqual([true, false]);
  expect(weak.contentHash).not.toBe(whole.contentHash);
  expect(weak.axes.gates).toBe("proof");
  expect(withoutProof(weak)).toEqual(withoutProof(whole));
  expect(recallPlan(weak)).toEqual(plan!);
  // All gates later: nothing of the weaker proof stays.
  expect(markProven(weak, true)).toEqual(whole);
});

test("a trimmed session looks at nothing between directive and work that the work does not need", async () => {
  let looks = 0;
  let trimmedLooks = 0;
  for (const archetype of ["text_replace", "csv_sum", "find_file", "head_tail"] as const)
    for (const trim of [false, true]) {
      const { scenario } = composeScenario(5, archetype, 3);
      const episode = await runEpisode({
        scenario,
        provider: bubblewrap!,
        model: builtinOperator(scenario, { seed: 2, sample: 0, detours: 1, trim, faults: 0 }),
        limits: { ...defaultEpisodeLimits, maxSteps: 40 },
        settings: { temperature: 0, topP: 1, seed: undefined },
      });
      expect([archetype, trim, episode.outcome]).toEqual([archetype, trim, "success"]);
      const flat = (text: string) => text.replace(/\s+/g, " ").trim();
      const wanted = flat(scenario.directive!);
      const told = episode.turns.findIndex(
        ({ role, content }) => role === "user" && flat(content).includes(wanted.slice(0, 40)),
      );
      const after = episode.turns
        .slice(told)
        .filter(({ role }) => role === "assistant")
        .map(({ content }) => content);
      const act = after.findIndex((command) => !isLook(command) && programOf(command) !== "cd");
      if (trim) trimmedLooks += act;
      else looks += act;
    }
  // What is left are looks that the work rests on.
  expect(looks).toBeGreaterThan(2 * trimmedLooks);
}, 120_000);
