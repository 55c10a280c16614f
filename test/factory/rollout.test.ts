// Rollouts in real worlds with operators that are scripted behind a real endpoint: what is kept, what is not and why, what goes on.

import { afterAll, test as alone, describe, expect } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Terminal } from "../../src/base/command.ts";
import { resolveOptions } from "../../src/base/resolve.ts";
import { findDefects } from "../../src/data/defects.ts";
import { encodeTrajectory } from "../../src/data/encode-trajectory.ts";
import { readTrajectories } from "../../src/data/read-records.ts";
import type { Scenario } from "../../src/data/scenario.ts";
import { readScenarios } from "../../src/data/scenario-files.ts";
import { markProven, serialiseScenario } from "../../src/data/scenario-json.ts";
import { openSupply } from "../../src/factory/rollout/open-supply.ts";
import { rolloutOptions } from "../../src/factory/rollout/options.ts";
import { rollout } from "../../src/factory/rollout/rollout.ts";
import { SCAFFOLD } from "../../src/factory/rollout/scaffold.ts";
import { findTrace } from "../../src/factory/rollout/wrapper-traces.ts";
import { scenarioOf } from "../agent/recorded-world.ts";
import { type Received, type Script, scriptedEndpoint } from "../agent/scripted-endpoint.ts";
import { silent } from "../base/silent-terminal.ts";
import { goldenFormat, temporaryFolder } from "../data/golden-text.ts";
import { need } from "../setup.ts";
import { bubblewrap } from "./bubblewrap.ts";

const test = need("bubblewrap", bubblewrap !== undefined);
afterAll(() => bubblewrap?.[Symbol.asyncDispose]());

const folder = temporaryFolder();
let folders = 0;
const fresh = () => join(folder, `out-${folders++}`);

const chosen = ["file_create", "log_extract", "empty_queue", "blocked"].map(scenarioOf);
const bundles = join(folder, "bundles.jsonl");
writeFileSync(
  bundles,
  chosen.map((one) => `${JSON.stringify(JSON.parse(serialiseScenario(one)))}\n`).join(""),
);

async function run(flags: Record<string, unknown>, terminal: Terminal = silent) {
  const options = resolveOptions(rolloutOptions, {
    scenarios: bundles,
    samples: "1",
    jobs: "2",
    retries: "0",
    ...flags,
  });
  using supply = openSupply(options, bubblewrap!, terminal);
  return await rollout(options, supply, bubblewrap!, terminal);
}

const linesOf = (out: string, name: string) =>
  readFileSync(join(out, name), "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

/** The scenario of a request, by its login text, and how many commands there were. */
function placeOf({ body }: Received) {
  const shown: string = body.messages[0].content;
  const scenario = chosen.find(({ announcement }) => shown.includes(announcement.login.trim()))!;
  return {
    scenario,
    step: body.messages.filter(({ role }: { role: string }) => role === "assistant").length,
  };
}

const replays: Script = (_, request) => {
  const { scenario, step } = placeOf(request);
  return scenario.referenceSolution[step] ?? "exit";
};

describe("an operator behind an endpoint", () => {
  test("is kept when it follows the reference, and the scaffold it was told is not recorded", async () => {
    using endpoint = scriptedEndpoint(replays);
    const out = fresh();
    const summary = await run({ out, url: endpoint.url, model: "teacher", key: "sk-secret-1", samples: "2" });
    expect(summary).toMatchObject({ finished: 8, kept: 8, failures: 0, yield: 1 });
    expect(endpoint.received[0]!.body.messages[0].content).toContain(SCAFFOLD.slice(0, 60));
    const rows = linesOf(out, "trajectories.jsonl");
    expect(rows.map(({ id }) => id).sort()).toEqual(
      chosen.flatMap(({ id }) => [`${id}.s0`, `${id}.s1`]).sort(),
    );
    for (const row of rows) {
      expect(row.model).toBe("teacher");
      expect(JSON.stringify(row)).not.toContain("The routine of every session");
      expect(row.turns[0].content).toBe(chosen.find(({ id }) => id === row.scenario_id)!.system);
    }
    // Two samples are asked for with two seeds.
    const seeds = new Set(endpoint.received.map(({ body }) => body.seed));
    expect(seeds.size).toBe(8);
    for (const name of ["manifest.json", "summary.json", "episodes.jsonl"])
      expect(readFileSync(join(out, name), "utf8")).not.toContain("sk-secret-1");
  }, 60_000);

  const cases: readonly [string, Script, string, RegExp][] = [
    ["talks", () => "I would like to help you with that.", "prose_drift", /^outcome prose_drift; .*prose in/],
    ["leaves at once", () => "exit", "premature_exit", /^outcome premature_exit; never called the provider/],
    ["gives up at once", () => "panic", "wrong_terminal", /^outcome wrong_terminal/],
    ["never ends", (n) => `ls -l /${n}; true`, "budget_overrun", /limit steps/],
  ];
  for (const [what, script, outcome, reason] of cases)
    test(`that ${what} is recorded as ${outcome} and not kept`, async () => {
      using endpoint = scriptedEndpoint(script);
      const out = fresh();
      await run({ out, url: endpoint.url, model: "m", maxSteps: "4", limit: "1" });
      const [row] = linesOf(out, "trajectories.jsonl");
      expect([row.outcome, row.keep]).toEqual([outcome, false]);
      expect(row.reason).toMatch(reason);
    }, 60_000);

  test("is not kept for words beside its commands, or without ever having seen the directive", async () => {
    using chatty = scriptedEndpoint((n, request) => {
      const command = replays(n, request);
      return placeOf(request).step === 1
        ? `Let me look at the help first.\n\`\`\`sh\n${command}\n\`\`\``
        : command;
    });
    const out = fresh();
    await run({ out, url: chatty.url, model: "m", limit: "1" });
    const [row] = linesOf(out, "trajectories.jsonl");
    expect([row.outcome, row.keep, row.reason]).toEqual([
      "success",
      false,
      expect.stringMatching(/^prose in 1 of/),
    ]);
    expect(JSON.stringify(row.turns)).not.toContain("Let me look");

    const reference = chosen[0]!.referenceSolution;
    const work = reference.slice(reference.findIndex((command) => /^mkdir|^echo .*>|^printf/.test(command)));
    using clairvoyant = scriptedEndpoint((_, request) => work[placeOf(request).step] ?? "exit");
    const blind = fresh();
    await run({ out: blind, url: clairvoyant.url, model: "m", limit: "1" });
    const [guess] = linesOf(blind, "trajectories.jsonl");
    expect([guess.outcome, guess.keep]).toEqual(["success", false]);
    expect(guess.reason).toBe("never called the provider; the directive was never shown");
  }, 60_000);

  test("that dies leaves a failure, never a sample; the same command tries it again", async () => {
    const out = fresh();
    let broken = true;
    using endpoint = scriptedEndpoint((n, request) =>
      broken && placeOf(request).scenario.archetype === "log_extract"
        ? new Response("bad", { status: 400 })
        : replays(n, request),
    );
    const flags = { out, url: endpoint.url, model: "m", jobs: "1" };
    // A request that is refused for good stops the run; what was finished stays.
    await expect(run(flags)).rejects.toMatchObject({ kind: "api_error" });
    const before = linesOf(out, "trajectories.jsonl").map(({ id }) => id);
    expect(before).toEqual([`${chosen[0]!.id}.s0`]);
    expect(linesOf(out, "failures.jsonl")).toMatchObject([
      { id: `${chosen[1]!.id}.s0`, kind: "api_error", attempts: 1 },
    ]);
    expect(JSON.parse(readFileSync(join(out, "summary.json"), "utf8"))).toMatchObject({
      finished: 1,
      failures: 1,
    });
    broken = false;
    expect(await run(flags)).toMatchObject({ finished: 4, kept: 4, failures: 0 });
    expect(new Set(linesOf(out, "trajectories.jsonl").map(({ id }) => id)).size).toBe(4);
  }, 60_000);
});

describe("scenarios", () => {
  const put = (name: string, ...all: readonly Scenario[]) => {
    const file = join(folder, name);
    writeFileSync(file, all.map((one) => `${JSON.stringify(JSON.parse(serialiseScenario(one)))}\n`).join(""));
    return file;
  };

  test("that were never proven are refused before anything is written", async () => {
    const out = fresh();
    const unproven = put("unproven.jsonl", chosen[0]!, markProven(chosen[1]!, false));
    await expect(run({ out, scenarios: unproven })).rejects.toThrow(
      `got 1 that were never run, the first one ${chosen[1]!.id}`,
    );
    expect(existsSync(out)).toBe(false);
  });

  test("of held-out archetypes are passed over; when no other is left, that is an error", async () => {
    const out = fresh();
    const summary = await run({ out, holdout: ["log_extract", "blocked", "empty_queue"] });
    expect(Object.keys(summary.archetypes)).toEqual(["file_create"]);
    await expect(run({ out: fresh(), archetypes: "permissions" })).rejects.toThrow("got 4 of others");
  }, 60_000);

  test("that changed since the folder was begun are refused by name", async () => {
    const out = fresh();
    await run({ out, scenarios: put("before.jsonl", chosen[0]!) });
    const changed = markProven({ ...chosen[0]!, env: { EXTRA: "1" } }, true);
    await expect(run({ out, scenarios: put("after.jsonl", changed) })).rejects.toThrow(
      `expected scenario ${changed.id} as it was`,
    );
  }, 60_000);

  test("are written, judged and used by one command, and found again by the next", async () => {
    const out = fresh();
    const flags = {
      out,
      scenarios: undefined,
      n: "4",
      samples: "2",
      seed: "3",
      archetypes: "file_create,empty_queue",
    };
    expect(await run(flags)).toMatchObject({ kept: 4, goal: 4 });
    const bundles = () => readScenarios(join(out, "scenarios")).map(({ id, proven }) => [id, proven]);
    expect(bundles()).toEqual([
      ["empty_queue-000", true],
      ["file_create-000", true],
    ]);
    const before = readFileSync(join(out, "trajectories.jsonl"), "utf8");
    expect(await run({ ...flags, n: "6" })).toMatchObject({ kept: 6 });
    expect(bundles()).toHaveLength(3);
    expect(readFileSync(join(out, "trajectories.jsonl"), "utf8").slice(0, before.length)).toBe(before);
    await expect(run({ ...flags, archetypes: "file_create" })).rejects.toThrow("same archetypes");
  }, 120_000);
});

test("archetypes share the scenarios by weight; what is no weight is refused", async () => {
  const out = fresh();
  const flags = { out, scenarios: undefined, samples: "1", seed: "3", archetypes: "file_create,empty_queue" };
  const weighted = { ...flags, n: "5", archetypeWeights: "empty_queue=0.25" };
  await run(weighted);
  const written = readScenarios(join(out, "scenarios")).map(({ archetype }) => archetype);
  expect(written.filter((name) => name === "file_create")).toHaveLength(4);
  await expect(run({ ...flags, n: "5" })).rejects.toThrow("archetype_weights");
  const refused = (archetypeWeights: string) => run({ ...flags, out: fresh(), n: "1", archetypeWeights });
  await expect(refused("file_creat=2")).rejects.toThrow("got file_creat");
  await expect(refused("file_create=0")).rejects.toThrow("expected a positive number for file_create, got 0");
}, 120_000);

describe("the folder", () => {
  test("goes on with the same settings and refuses others, naming what differs", async () => {
    const out = fresh();
    await run({ out, limit: "1" });
    const first = readFileSync(join(out, "trajectories.jsonl"), "utf8");
    await expect(run({ out, seed: "9" })).rejects.toThrow("expected the seed it was begun with (0), got 9");
    await expect(run({ out, detours: "0.9" })).rejects.toThrow("detours");
    await expect(run({ out, maxSteps: "5" })).rejects.toThrow("max steps");
    expect(readFileSync(join(out, "trajectories.jsonl"), "utf8")).toBe(first);
    await run({ out, samples: "2", limit: "2" });
    const all = readFileSync(join(out, "trajectories.jsonl"), "utf8");
    expect(all.startsWith(first)).toBe(true);
    expect(linesOf(out, "trajectories.jsonl")).toHaveLength(4);
    const other = fresh();
    writeFileSync(join(folder, "x"), "");
    await Bun.write(join(other, "manifest.json"), JSON.stringify({ kind: "eval" }));
    await expect(run({ out: other })).rejects.toThrow("got one of another kind");
    expect(existsSync(join(other, "trajectories.jsonl"))).toBe(false);
  }, 60_000);

  test("loses its half-written last lines and nothing else", async () => {
    const out = fresh();
    await run({ out, samples: "2" });
    const whole = linesOf(out, "trajectories.jsonl");
    const text = readFileSync(join(out, "trajectories.jsonl"), "utf8");
    // As a kill leaves it: steps are on the disk, the sample's own line only in part.
    writeFileSync(join(out, "trajectories.jsonl"), text.slice(0, -40));
    await run({ out, samples: "2" });
    expect(linesOf(out, "trajectories.jsonl")).toEqual(whole);
    const steps = linesOf(out, "episodes.jsonl").map(({ id }) => id);
    expect([...steps].sort()).toEqual(whole.map(({ id }) => id).sort());
  }, 60_000);

  test("holds trajectories that train takes as they are", async () => {
    const out = fresh();
    await run({ out, samples: "3", detours: "1", faults: "0.3", seed: "4" });
    const rows = await Array.fromAsync(readTrajectories(out));
    const kept = rows.filter(({ keep }) => keep);
    expect(rows).toHaveLength(12);
    expect(kept.length).toBeLessThan(12);
    const format = goldenFormat("smollm2-135m-instruct");
    for (const row of kept) {
      expect(findDefects(row)).toEqual([]);
      expect(findTrace(row.turns)).toBeUndefined();
      const encoded = encodeTrajectory(row, format, {
        maxLength: 4096,
        overlong: "error",
        strictPrefix: true,
        specialInContent: "refuse",
      });
      expect("refused" in encoded).toBe(false);
    }
  }, 60_000);

  test("of a goal holds exactly as many kept trajectories", async () => {
    const out = fresh();
    const summary = await run({ out, n: "4", samples: "3", jobs: "3", faults: "0.3", seed: "2" });
    expect(summary.kept).toBe(4);
    expect(summary.finished).toBeLessThan(12);
  }, 60_000);
});

alone("what only the harness writes is found, and what a session may well show is not", () => {
  const nonce = "0123456789abcdef0123456789abcdef";
  const says = (content: string) => findTrace([{ role: "user", content }]);
  for (const trace of [`alias exit='t${nonce}=exit exit'`, `${nonce}:end`, `s${nonce}='0'`, `${nonce} umask`])
    expect(says(trace)).toBeDefined();
  for (const fine of [
    `${nonce}  file.txt`,
    `sha256:${nonce}${nonce}`,
    "exit",
    "sek 0.1.0 host: sek",
    `${nonce} file`,
  ])
    expect(says(fine)).toBeUndefined();
});
