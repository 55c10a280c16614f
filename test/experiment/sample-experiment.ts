// The folder of an experiment, small: what is counted and judged is written by the program's own code, adapters are a PEFT run's.

import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Manifest } from "../../src/eval/manifest.ts";
import type { EpisodeRecord } from "../../src/eval/record.ts";
import { evalResult } from "../../src/eval/result.ts";
import { writeResults } from "../../src/eval/write-results.ts";
import type { ExperimentRecord, StageRecord } from "../../src/experiment/record.ts";
import type { ArmSpec, ResolvedSpec } from "../../src/experiment/spec.ts";
import { episodeRecord } from "../eval/episode-record.ts";

const folders: string[] = [];

/** A folder that {@link removeScratch} takes away. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "sekft-experiment-"));
  folders.push(folder);
  return folder;
}

/** For the end of a test file. */
export function removeScratch(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** What a hostile world may print. */
export const hostile =
  "\u001b[31mred\u001b[0m <script>window.hacked=1</script><img src=x onerror='window.hacked=1'> \u202etxt ``` |x|\n";

const trainedRun = join(import.meta.dir, "../golden/numeric/train/linear");

/** One episode; clean when its outcome is success. */
export function episode(arm: string, id: string, outcome: string): EpisodeRecord {
  const broken = outcome === "infrastructure_error";
  const clean = outcome === "success";
  return episodeRecord(arm, id, {
    archetype: id.replace(/-\d+$/, ""),
    outcome,
    verified: broken ? null : clean,
    terminal: broken || outcome === "budget_overrun" ? null : "exit",
    operated: clean,
    discovered: clean,
    turns: [
      { role: "system", content: "Operate this host." },
      { role: "user", content: "login\n" },
      { role: "user", content: "op@sek:~$ " },
      { role: "assistant", content: `work ${id}` },
      { role: "user", content: hostile },
      { role: "user", content: "op@sek:~$ " },
      { role: "assistant", content: "exit" },
    ],
    limits_hit: outcome === "budget_overrun" ? ["max_commands"] : [],
    error: broken ? { kind: "oom", message: "gone" } : null,
    step_log: [{ truncated: true, timed_out: false }],
  });
}

/** Eight scenarios of each archetype, held out or further ones. */
export function scenarioIds(archetypes: readonly string[]): string[] {
  return archetypes.flatMap((name) => Array.from({ length: 8 }, (_, i) => `${name}-${i + 1}`));
}

const heldOut = ["permissions", "text_replace"];
const further = ["cleanup", "symlink"];

function arm(more: Partial<ArmSpec>): ArmSpec {
  return {
    base: "small",
    data: null,
    training: {},
    prime: null,
    terminals: null,
    scenarios: ["heldout"],
    seeds: [],
    compareWith: null,
    prediction: null,
    ...more,
  };
}

const trained = { data: "main", seeds: [1, 2], compareWith: "base" };

/** An experiment of every kind of arm. */
export const spec: ResolvedSpec = {
  name: "sample <b>x</b>",
  bases: { small: "/data/somebody/models/small-base", other: "/data/somebody/models/other" },
  holdout: heldOut,
  sandbox: {},
  data: {
    main: {
      author: { n: 20 },
      trajectories: null,
      from: null,
      without: [],
      replay: { file: "/data/somebody/replay.jsonl", n: 5 },
      seed: 0,
    },
  },
  scenarios: {
    heldout: { author: { n: 16 }, folder: null, n: undefined, archetypes: undefined },
    further: { author: { n: 16 }, folder: null, n: undefined, archetypes: undefined },
  },
  eval: {},
  arms: {
    base: arm({}),
    adapter: arm(trained),
    told: arm({ prime: "/data/somebody/told.json", compareWith: "base" }),
    "further-base": arm({ scenarios: ["further"], prediction: "further_archetypes" }),
    "further-adapter": arm({
      data: "main",
      seeds: [1],
      scenarios: ["further"],
      compareWith: "further-base",
      prediction: "further_archetypes",
    }),
    "renamed-base": arm({ terminals: { exit: "leave", panic: "stuck" }, prediction: "terminal_token" }),
    "adapter-renamed": arm({
      data: "main",
      seeds: [1],
      terminals: { exit: "leave", panic: "stuck" },
      compareWith: "renamed-base",
      prediction: "terminal_token",
    }),
    "adapter-weight-4": arm({
      data: "main",
      seeds: [1],
      training: { terminalWeight: 4 },
      compareWith: "adapter",
      prediction: "terminal_token",
    }),
  } as ResolvedSpec["arms"],
  predictions: ["further_archetypes", "terminal_token", "terminal_ranking"],
};

/** Clean scenarios of each unit, by place of its eval. */
const cleanOf: Readonly<Record<string, number>> = {
  "eval/base": 0,
  "eval/adapter/seed-1": 14,
  "eval/adapter/seed-2": 12,
  "eval/told": 1,
  "eval/further-base": 0,
  "eval/further-adapter/seed-1": 10,
  "eval/renamed-base": 0,
  "eval/adapter-renamed/seed-1": 13,
  "eval/adapter-weight-4/seed-1": 15,
};

function stage(id: string, more: Partial<StageRecord>): StageRecord {
  return {
    id,
    kind: "eval",
    state: "done",
    settings: {},
    inputs: { spec: "ab12" },
    outputs: { what: "cd34" },
    seconds: 61.5,
    sekft: "0.1.0 (abc)",
    machine: { host_cpus: 2, device: "llvmpipe", sandbox: "bubblewrap" },
    facts: {},
    ...more,
  };
}

/** Writes the eval of one unit: the first `clean` scenarios are. */
export function writeEval(folder: string, place: string, ids: readonly string[], clean: number): void {
  const out = join(folder, place);
  mkdirSync(out, { recursive: true });
  const name = place.split("/")[1]!;
  const episodes = ids.map((id, i) =>
    episode(name, id, i < clean ? "success" : i % 2 === 0 ? "premature_exit" : "budget_overrun"),
  );
  const manifest = manifestOf(name, ids);
  writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest));
  writeFileSync(join(out, "episodes.jsonl"), lines(episodes));
  writeResults(out, evalResult(episodes, manifest), episodes);
}

function manifestOf(name: string, ids: readonly string[]): Manifest {
  return {
    version: 1,
    sekft: { version: "0.1.0", commit: "abc" },
    started: "2026-01-01T00:00:00.000Z",
    arms: {
      [name]: {
        kind: "base",
        model: name === "told" ? "<img src=x onerror='window.hacked=1'>" : "/data/somebody/models/small-base",
        base_hash: "sha256:1",
        adapter_hash: null,
        chat_template_hash: null,
        reported: null,
      },
    },
    scenarios: ids.map((id) => ({ id, archetype: id.replace(/-\d+$/, ""), hash: `sha256:${id}` })),
    sampling: { temperature: 0, top_p: 1, seed: 0, samples: 1 },
    limits: { max_steps: 14 },
    sandbox: { provider: "bubblewrap", version: "0.8.0", image: "sha256:1", properties: {}, limits: {} },
    prime_hash: null,
  };
}

/** A training run's folder: the adapter and the log of a run of PEFT and transformers. */
function writeTraining(folder: string, place: string, seed: number): void {
  const out = join(folder, place);
  mkdirSync(out, { recursive: true });
  cpSync(join(trainedRun, "final"), out, { recursive: true });
  const state = JSON.parse(readFileSync(join(trainedRun, "trainer_state.json"), "utf8"));
  writeFileSync(join(out, "trainer_state.json"), JSON.stringify(state));
  writeFileSync(join(out, "log.jsonl"), lines(state.log_history));
  const options = { base: "/data/somebody/models/small-base", learning_rate: 0.002 * seed, seed };
  writeFileSync(join(out, "options.json"), JSON.stringify(options));
  const manifest = {
    format: 1,
    sekft: { version: "0.1.0", commit: "abc" },
    base: { path: "/data/somebody/models/small-base", fingerprint: "sha256:12" },
    data: { path: "/data/rows.jsonl", sha256: "sha256:34", sequences: 14, tokens: 2000, labels: 500 },
    evalData: null,
    tier: "f32",
    device: { name: "llvmpipe" },
    totalSteps: state.max_steps,
    options,
  };
  writeFileSync(join(out, "manifest.json"), JSON.stringify(manifest));
}

/** The whole experiment, done. */
export function writeExperiment(folder: string): ExperimentRecord {
  for (const [place, clean] of Object.entries(cleanOf))
    writeEval(folder, place, scenarioIds(place.includes("further") ? further : heldOut), clean);
  const models = Object.keys(cleanOf)
    .filter((place) => place.includes("seed-"))
    .map((place) => place.replace(/^eval/, "models"));
  for (const place of models) writeTraining(folder, place, Number(place.at(-1)));
  const sessions = {
    samples: null,
    goal: 20,
    finished: 25,
    kept: 20,
    yield: 0.8,
    outcomes: { success: 20, premature_exit: 5 },
    archetypes: { count: { finished: 13, kept: 11 }, file_create: { finished: 12, kept: 9 } },
    models: { builtin: { finished: 25, kept: 20 } },
    reasons: { "outcome premature_exit": 4, "<script>window.hacked=1</script>": 1 },
    failures: 0,
    failure_kinds: {},
  };
  const rows = {
    rows: 25,
    trajectories: 20,
    replay: 5,
    left_out: { "not kept": 5 },
    archetypes: { count: 11, file_create: 9 },
    checked_against: { holdout: heldOut, scenarios: 16 },
    sha256: "ef56".repeat(16),
  };
  mkdirSync(join(folder, "data/main/sessions"), { recursive: true });
  writeFileSync(join(folder, "data/main/sessions/summary.json"), JSON.stringify(sessions));
  writeFileSync(join(folder, "data/main/rows.json"), JSON.stringify(rows));
  mkdirSync(join(folder, "terminals"), { recursive: true });
  for (const [base, logp] of Object.entries({ small: -9.5, other: -4.25 }))
    writeFileSync(join(folder, `terminals/${base}.json`), JSON.stringify(terminalsOf(base, logp)));
  const record: ExperimentRecord = {
    version: 1,
    name: spec.name,
    spec,
    spec_sha256: "0123abcd",
    sekft: "0.1.0 (abc)",
    stages: [
      stage("data/main/sessions", { kind: "sessions", set: "main", facts: { ...sessions } }),
      stage("data/main/rows", { kind: "rows", set: "main", facts: rows }),
      stage("scenarios/heldout", { kind: "scenarios", set: "heldout", facts: { n: 16 } }),
      ...models.map((id) =>
        stage(id, {
          kind: "model",
          facts: {
            tokens: 2000,
            trained_tokens: 500,
            data: {
              rows: 25,
              taken: 25,
              refused: {},
              truncated: 1,
              truncated_tokens: 40,
              terminals: { exit: 25 },
            },
          },
        }),
      ),
      ...Object.keys(cleanOf).map((id) =>
        stage(id, { facts: { prompt_tokens: 160, completion_tokens: 32, from: "/data/somebody/bundles" } }),
      ),
    ],
  };
  writeRecord(folder, record);
  return record;
}

function terminalsOf(name: string, logp: number): object {
  const value = { value: logp, low: logp - 1, high: logp + 1, n: 12 };
  const points = { points: 12, logp: value, first_logp: value };
  return {
    version: 1,
    kind: "terminals",
    data: { sessions: 12 },
    arms: [{ name, base: name, adapter: null, final: points, control: points, lift: value }],
    ranking: [name],
  };
}

/** Writes experiment.json. */
export function writeRecord(folder: string, record: ExperimentRecord): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "experiment.json"), JSON.stringify(record));
}

/** JSON lines. */
function lines(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join("");
}

/** Damages logs: a line in the middle and one that was cut short. */
export function damage(folder: string): void {
  const log = join(folder, "eval/adapter/seed-1/episodes.jsonl");
  const [first, , ...rest] = readFileSync(log, "utf8").split("\n");
  writeFileSync(log, [first, "{nonsense", ...rest].join("\n"));
  appendFileSync(join(folder, "models/adapter/seed-2/log.jsonl"), '{"step": 9, "lo');
}
