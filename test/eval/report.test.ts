import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chooseScenarios } from "../../src/eval/choose-scenarios.ts";
import { compareArms } from "../../src/eval/compare.ts";
import { compareRuns } from "../../src/eval/compare-runs.ts";
import type { Manifest } from "../../src/eval/manifest.ts";
import type { EpisodeRecord } from "../../src/eval/record.ts";
import { evalResult } from "../../src/eval/result.ts";
import { writeResults } from "../../src/eval/write-results.ts";
import { bubblewrap } from "../factory/bubblewrap.ts";
import { need } from "../setup.ts";
import { episodeRecord } from "./episode-record.ts";
import { armsAt, runScripted, scratch } from "./run-scripted.ts";
import { oneOfEach, startOperators } from "./scripted-operators.ts";

const inWorlds = need("bubblewrap", bubblewrap !== undefined);

function episode(arm: string, id: string, outcome: string, more: Partial<EpisodeRecord> = {}): EpisodeRecord {
  const broken = outcome === "infrastructure_error";
  return episodeRecord(arm, id, {
    outcome,
    verified: broken ? null : outcome === "success",
    terminal: broken ? null : "exit",
    operated: true,
    discovered: outcome === "success",
    turns: [
      { role: "system", content: "orientation" },
      { role: "user", content: "login" },
      { role: "user", content: "a@sek:~$ " },
      { role: "assistant", content: "exit" },
    ],
    error: broken ? { kind: "oom", message: "gone" } : null,
    ...more,
  });
}

function manifest(arms: readonly string[], samples = 1): Manifest {
  return {
    version: 1,
    sekft: { version: "0.1.0", commit: "abc" },
    started: "2026-01-01T00:00:00.000Z",
    arms: Object.fromEntries(
      arms.map((name) => [
        name,
        {
          kind: "endpoint",
          model: name,
          base_hash: null,
          adapter_hash: null,
          chat_template_hash: null,
          reported: null,
        },
      ]),
    ),
    scenarios: [],
    sampling: { temperature: 0, top_p: 1, seed: 0, samples },
    limits: { max_steps: 30 },
    sandbox: { provider: "bubblewrap", version: "0.8.0", image: "sha256:1", properties: {}, limits: {} },
    prime_hash: null,
  };
}

describe("a comparison", () => {
  const base = ["a-1", "a-2", "b-1", "b-2", "b-3"].map((id) => episode("base", id, "premature_exit"));
  const tuned = [
    episode("tuned", "a-1", "success"),
    episode("tuned", "a-2", "success"),
    episode("tuned", "b-1", "premature_exit"),
    episode("tuned", "b-2", "infrastructure_error"),
    episode("tuned", "b-4", "success"),
  ];
  const got = compareArms({ name: "base", records: base }, { name: "tuned", records: tuned }, 0);

  test("leaves out pairs that the machinery broke on one side, and counts episodes without a partner", () => {
    expect(got).toMatchObject({ n: 3, archetypes: 2, excluded: { infrastructure: 1, unpaired: 2 } });
    expect(got.metrics.clean).toMatchObject({ both: 0, b: 0, c: 2, neither: 1, delta: 2 / 3 });
    expect(got.metrics.clean.mcnemar.p).toBe(0.5);
  });
  test("lists flips with the outcomes on both sides", () =>
    expect(got.flips).toEqual(
      ["a-1", "a-2"].map((scenario_id) => ({
        scenario_id,
        sample: 0,
        archetype: "a",
        direction: "gained" as const,
        first: "premature_exit",
        second: "success",
      })),
    ));
  test("does not pair a scenario with another one of the same name", () => {
    const renewed = tuned.map((record) => ({ ...record, scenario_hash: "sha256:other" }));
    expect(compareArms({ name: "base", records: base }, { name: "t", records: renewed }, 0).n).toBe(0);
  });
  test("needs six pairs that differ, and says what it could have found", () => {
    expect(got.needs_discordant).toBe(6);
    expect(got.metrics.clean.mde).toBeNull();
  });
});

describe("results", () => {
  const records = [
    ...[0, 1, 2, 3].map((sample) => episode("m", "a-1", sample < 1 ? "success" : "incomplete", { sample })),
    ...[0, 1, 2, 3].map((sample) => episode("m", "a-2", sample < 3 ? "success" : "incomplete", { sample })),
  ];
  test("estimate pass@k and pass^k over scenarios", () => {
    const { arms } = evalResult(records, manifest(["m"], 4));
    expect(Object.keys(arms.m!.pass_at_k)).toEqual(["1", "2", "4"]);
    expect(arms.m!.pass_at_k["1"]).toBeCloseTo(0.5, 12);
    // 1 of 4 and 3 of 4: 1 - C(3,2)/C(4,2) = 1/2, and 1.
    expect(arms.m!.pass_at_k["2"]).toBeCloseTo((0.5 + 1) / 2, 12);
    expect(arms.m!.pass_hat_k["2"]).toBeCloseTo((0 + 0.5) / 2, 12);
    expect(arms.m!.pass_at_k["4"]).toBe(1);
    expect(arms.m!.pass_hat_k["4"]).toBe(0);
  });
  test("over nothing are null", () => {
    const { arms } = evalResult([episode("m", "a-1", "infrastructure_error")], manifest(["m"]));
    expect(arms.m).toMatchObject({
      n: 0,
      errors: 1,
      clean: { x: 0, n: 0, rate: null, low: null, high: null },
      outcomes: { infrastructure_error: 1 },
      error_kinds: { oom: 1 },
    });
  });
  test("are written the same from the same episodes", () => {
    using folder = scratch();
    const files = ["one", "two"].map((name) => {
      const at = join(folder.path, name);
      mkdirSync(at);
      writeResults(at, evalResult(records, manifest(["m"], 4)), records);
      return ["result.json", "report.md", "report.html"].map((file) => readFileSync(join(at, file), "utf8"));
    });
    expect(files[0]).toEqual(files[1]!);
  });
});

test("scenarios are chosen evenly over archetypes, the same ones every time", () => {
  const chosen = chooseScenarios(oneOfEach, 4).map(({ archetype }) => archetype);
  expect(chosen).toEqual([...new Set(oneOfEach.map(({ archetype }) => archetype))].sort().slice(0, 4));
  expect(chooseScenarios([...oneOfEach].reverse(), 4).map(({ archetype }) => archetype)).toEqual(chosen);
  expect(chooseScenarios(oneOfEach, 99).length).toBe(9);
});

inWorlds(
  "what a program prints is text in the report, and nothing else",
  async () => {
    using folder = scratch();
    using server = startOperators();
    const arms = await armsAt(server.url, ["injects"]);
    await runScripted(folder.path, arms, oneOfEach.slice(0, 2));
    const html = readFileSync(join(folder.path, "report.html"), "utf8");
    expect(html).not.toContain("<script");
    expect(html).not.toContain("<img");
    expect(html).toContain("&#60;script&#62;document.title");
    expect(html).toContain("␛[31m");
    // The element that holds it is closed once only.
    expect(html.split("</details>").length - 1).toBe(html.split("<details>").length - 1);
    expect(html).toContain("default-src 'none'");
    const outside = [...html.matchAll(/<[a-z][^>]*?\s(?:src|href|action)="([^"]*)"/g)].map(([, to]) => to!);
    expect(html).not.toContain("url(");
    expect(outside.filter((to) => !to.startsWith("#") && to !== "data:,")).toEqual([]);
    expect(readFileSync(join(folder.path, "report.md"), "utf8")).not.toContain("<script");
  },
  30_000,
);

describe("two runs", () => {
  function folderOf(path: string, arms: readonly string[], records: readonly EpisodeRecord[], seed = 0) {
    mkdirSync(path);
    const facts = manifest(arms);
    writeFileSync(
      join(path, "manifest.json"),
      JSON.stringify({ ...facts, sampling: { ...facts.sampling, seed } }),
    );
    writeFileSync(
      join(path, "episodes.jsonl"),
      records.map((record) => `${JSON.stringify(record)}\n`).join(""),
    );
    return { folder: path, arm: undefined };
  }
  const six = [1, 2, 3, 4, 5, 6].map((i) => `a-${i}`);

  test("are paired by scenario, and what they differ in is told", () => {
    using folder = scratch();
    const a = folderOf(
      join(folder.path, "a"),
      ["x"],
      six.map((id) => episode("x", id, "incomplete")),
    );
    const b = folderOf(
      join(folder.path, "b"),
      ["y"],
      six.map((id) => episode("y", id, "success")),
      7,
    );
    const { comparisons, differences } = compareRuns(a, b);
    expect(comparisons.length).toBe(1);
    expect(comparisons[0]).toMatchObject({ arms: ["x", "y"], n: 6 });
    expect(comparisons[0]!.metrics.clean).toMatchObject({ b: 0, c: 6 });
    expect(comparisons[0]!.metrics.clean.mcnemar.p).toBeCloseTo(0.03125, 10);
    expect(differences).toEqual([{ kind: "settings", what: "sampling.seed", first: 0, second: 7 }]);
  });
  test("of other scenarios are refused", () => {
    using folder = scratch();
    const a = folderOf(join(folder.path, "a"), ["x"], [episode("x", "a-1", "success")]);
    const b = folderOf(join(folder.path, "b"), ["x"], [episode("x", "a-2", "success")]);
    expect(() => compareRuns(a, b)).toThrow("expected runs over the same scenarios");
    expect(() => compareRuns({ ...a, arm: "z" }, b)).toThrow("expected one of its arms, x, got z");
    expect(existsSync(join(folder.path, "a", "result.json"))).toBe(false);
  });
  test("with a damaged line name it; a line that a kill cut short is passed over", () => {
    using folder = scratch();
    const a = folderOf(join(folder.path, "a"), ["x"], [episode("x", "a-1", "success")]);
    const log = join(a.folder, "episodes.jsonl");
    const whole = readFileSync(log, "utf8");
    writeFileSync(log, `${whole}{"scenario_id": "a-2", "turns": [`);
    expect(compareRuns(a, a).comparisons[0]!.n).toBe(1);
    writeFileSync(log, `${whole}{"scenario_id": "a-2"}\n`);
    expect(() => compareRuns(a, a)).toThrow(`${log}:2: scenario_hash: missing`);
    writeFileSync(log, `${whole}${whole}`);
    expect(() => compareRuns(a, a)).toThrow("a second time (first on line 1)");
  });
});
