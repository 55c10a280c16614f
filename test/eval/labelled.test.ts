// Operators that behave as labelled are given exactly that outcome, in real worlds, for every archetype.

import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MetricName } from "../../src/eval/record.ts";
import type { EvalResult } from "../../src/eval/result.ts";
import { bubblewrap } from "../factory/bubblewrap.ts";
import { need } from "../setup.ts";
import { armsAt, runScripted, scratch } from "./run-scripted.ts";
import { oneOfEach, startOperators } from "./scripted-operators.ts";

const test = need("bubblewrap", bubblewrap !== undefined);

/** What an operator that does nothing but say `word` is given. */
function withoutWork(archetype: string, word: "exit" | "panic"): string {
  // Nothing to do there: leaving at once is right.
  if (archetype === "empty_queue") return word === "exit" ? "success" : "wrong_terminal";
  // Cannot be done; that nothing was broken is all that its checker asks for.
  if (archetype === "blocked") return word === "panic" ? "correct_panic" : "wrong_terminal";
  return word === "exit" ? "premature_exit" : "wrong_terminal";
}

const clean = (archetype: string) => (archetype === "blocked" ? "correct_panic" : "success");
const labels: Readonly<Record<string, (archetype: string) => string>> = {
  replays: clean,
  slow: clean,
  talks: () => "prose_drift",
  exits: (archetype) => withoutWork(archetype, "exit"),
  panics: (archetype) => withoutWork(archetype, "panic"),
  "never-ends": () => "budget_overrun",
  rubbish: () => "incomplete",
  dies: () => "infrastructure_error",
};

test("every operator has the outcome of its label, and the numbers are those of the episodes", async () => {
  expect(oneOfEach.length).toBe(9);
  using folder = scratch();
  using server = startOperators();
  const arms = await armsAt(server.url, Object.keys(labels));
  const { result, episodes } = await runScripted(folder.path, arms, oneOfEach, { maxSteps: 12 });
  const seen = episodes.map(({ arm, archetype, outcome }) => `${arm} ${archetype} ${outcome}`).sort();
  const expected = Object.entries(labels).flatMap(([arm, label]) =>
    oneOfEach.map(({ archetype }) => `${arm} ${archetype} ${label(archetype)}`),
  );
  expect(seen).toEqual(expected.sort());

  for (const episode of episodes.filter(({ arm }) => arm === "replays")) {
    const scenario = oneOfEach.find(({ id }) => id === episode.scenario_id)!;
    expect(episode.scenario_hash).toBe(scenario.contentHash);
    expect(episode).toMatchObject({
      verified: true,
      terminal: scenario.expectedTerminal,
      operated: true,
      discovered: true,
      steps: scenario.referenceSolution.length,
      error: null,
    });
    expect(episode.turns.filter(({ role }) => role === "assistant").map(({ content }) => content)).toEqual([
      ...scenario.referenceSolution,
    ]);
  }
  for (const episode of episodes.filter(({ arm }) => arm === "dies"))
    expect(episode).toMatchObject({ verified: null, error: { kind: "api_error" } });
  for (const episode of episodes.filter(({ arm }) => arm === "never-ends"))
    expect(episode.limits_hit).toContain("steps");

  // Counted once more, by hand, from the file alone.
  const rows = readFileSync(join(folder.path, "episodes.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const written: EvalResult = JSON.parse(readFileSync(join(folder.path, "result.json"), "utf8"));
  expect(written).toEqual(JSON.parse(JSON.stringify(result)));
  for (const [name, arm] of Object.entries(written.arms)) {
    const own = rows.filter((row) => row.arm === name);
    const scored = own.filter((row) => row.outcome !== "infrastructure_error");
    expect(arm.n).toBe(scored.length);
    expect(arm.errors).toBe(own.length - scored.length);
    const counts: Record<string, number> = {
      operate: scored.filter((row) => row.operated).length,
      discover: scored.filter((row) => row.discovered).length,
      terminate: scored.filter((row) => row.terminal === "exit" || row.terminal === "panic").length,
      verified: scored.filter((row) => row.verified).length,
      clean: scored.filter((row) => ["success", "correct_panic"].includes(row.outcome)).length,
    };
    for (const [metric, x] of Object.entries(counts)) {
      expect(arm[metric as MetricName]).toMatchObject({ x, n: scored.length });
      if (scored.length === 0)
        expect(arm[metric as MetricName]).toEqual({ x: 0, n: 0, rate: null, low: null, high: null });
      else expect(arm[metric as MetricName].rate).toBe(x / scored.length);
    }
    for (const [outcome, count] of Object.entries(arm.outcomes))
      expect(own.filter((row) => row.outcome === outcome).length).toBe(count);
  }
  const against = (first: string, second: string) =>
    written.compare.find(({ arms: pair }) => pair[0] === first && pair[1] === second)!;
  const flipped = rows.filter(
    (row) => row.arm === "exits" && !["success", "correct_panic"].includes(row.outcome),
  );
  expect(against("replays", "exits").metrics.clean).toMatchObject({ b: flipped.length, c: 0, both: 1 });
  expect(
    against("replays", "exits")
      .flips.map((flip) => flip.scenario_id)
      .sort(),
  ).toEqual(flipped.map((row) => row.scenario_id).sort());
  expect(against("replays", "dies")).toMatchObject({ n: 0, excluded: { infrastructure: 9 } });
}, 120_000);

test("an endpoint that goes away in the middle leaves errors, which the same command runs again", async () => {
  using folder = scratch();
  const scenarios = oneOfEach.slice(0, 4);
  const server = startOperators();
  const port = new URL(server.url).port;
  const arms = await armsAt(server.url, ["replays"]);
  let finished = 0;
  const stopping = {
    ...arms[0]!,
    model: {
      ...arms[0]!.model,
      generate: async (...request: Parameters<(typeof arms)[0]["model"]["generate"]>) => {
        if (finished++ === 9) server[Symbol.dispose]();
        return arms[0]!.model.generate(...request);
      },
    },
  };
  const first = await runScripted(folder.path, [stopping], scenarios, { jobs: 1 });
  expect(first.result.arms.replays!.errors).toBeGreaterThan(0);
  expect(first.result.arms.replays!.n).toBeGreaterThan(0);
  expect(first.episodes.length).toBe(4);

  using again = startOperators();
  const second = await runScripted(folder.path, await armsAt(again.url, ["replays"]), scenarios, { jobs: 1 });
  expect(port).not.toBe(new URL(again.url).port);
  expect(second.result.arms.replays).toMatchObject({ n: 4, errors: 0, clean: { x: 4 } });
  expect(second.episodes.map(({ scenario_id }) => scenario_id).sort()).toEqual(
    scenarios.map(({ id }) => id).sort(),
  );
  const broken = readFileSync(join(folder.path, "broken.jsonl"), "utf8").trim().split("\n");
  expect(broken.length).toBe(first.result.arms.replays!.errors);
}, 60_000);

test("a reply that comes after the wall is an overrun, not an error", async () => {
  using folder = scratch();
  using server = startOperators(oneOfEach, 3000);
  const { episodes } = await runScripted(
    folder.path,
    await armsAt(server.url, ["replays"]),
    oneOfEach.slice(0, 1),
    { wallSeconds: 1 },
  );
  expect(episodes[0]).toMatchObject({ outcome: "budget_overrun", limits_hit: ["wall"], error: null });
}, 30_000);

test("a folder goes on with its own settings only", async () => {
  using folder = scratch();
  using server = startOperators();
  const arms = await armsAt(server.url, ["exits"]);
  const scenarios = oneOfEach.slice(0, 2);
  await runScripted(folder.path, arms, scenarios);
  const asked = server.received.length;
  await runScripted(folder.path, arms, scenarios);
  expect(server.received.length).toBe(asked);
  const other = (change: () => Promise<unknown>) => expect(change()).rejects;
  await other(() => runScripted(folder.path, arms, scenarios, { maxSteps: 5 })).toThrow(
    "limits.max_steps 5 (was 30)",
  );
  await other(() => runScripted(folder.path, arms, scenarios.slice(1))).toThrow("scenarios");
  await other(() => runScripted(folder.path, arms, scenarios, { temperature: 0.5 })).toThrow(
    "sampling.temperature 0.5 (was 0)",
  );
  await other(async () => runScripted(folder.path, await armsAt(server.url, ["panics"]), scenarios)).toThrow(
    "arms",
  );
}, 60_000);
