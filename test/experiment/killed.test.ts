// An experiment that is killed at random moments and goes on: it ends with the files of one that nobody disturbed.

import { expect } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Rng } from "../../src/base/rng.ts";
import { readEpisodes } from "../../src/eval/episode-log.ts";
import { readRecord } from "../../src/experiment/folder.ts";
import { temporaryFolder } from "../data/golden-text.ts";
import { bubblewrap } from "../factory/bubblewrap.ts";
import { testDevice } from "../gpu.ts";
import { need } from "../setup.ts";
import { tinyBase } from "./tiny-base.ts";

const { gpuTest } = await testDevice();
const test = bubblewrap === undefined || process.platform !== "linux" ? need("bubblewrap", false) : gpuTest;
const folder = temporaryFolder();
const root = join(import.meta.dir, "../..");
const KILLS = 5;
const STAGES = 6;

const file = join(folder, "exp.yaml");
writeFileSync(
  file,
  `name: killed
base: ${tinyBase(join(folder, "base"))}
holdout: [text_replace]
sandbox: bubblewrap
data:
  main:
    # With this seed no session asks what time it is.
    author: { n: 8, seed: 5, samples: 1, archetypes: [file_create, file_copy], trim: true }
training:
  { max_steps: 6, gradient_accumulation_steps: 2, max_length: 256, overlong: truncate-left, save_steps: 2, lora_r: 4 }
seeds: [1]
scenarios: { heldout: { author: { n: 2, seed: 1003, archetypes: [text_replace] } } }
eval: { max_steps: 2, max_tokens: 4, ctx_budget: 1024 }
arms: { base: {}, adapter: { data: main } }
`,
);

function start(out: string) {
  return Bun.spawn(["bun", "cli.ts", "experiment", "run", file, "--out", out, "--json", "--quiet"], {
    cwd: root,
    stdout: "pipe",
    stderr: "pipe",
  });
}

function stagesOf(out: string) {
  return existsSync(join(out, "experiment.json")) ? readRecord(out).stages : [];
}

/** Everything that must not depend on when it was done, or how often it was stopped. */
function resultOf(out: string) {
  const bytes = (path: string) =>
    createHash("sha256")
      .update(readFileSync(join(out, path)))
      .digest("hex");
  const episodes = (path: string) =>
    readEpisodes(join(out, path))
      .map(({ scenario_id, sample, outcome, turns }) =>
        JSON.stringify({ scenario_id, sample, outcome, turns }),
      )
      .sort();
  const { stages, spec } = readRecord(out);
  return {
    spec,
    stages: stages.map(({ seconds: _, machine: __, sekft: ___, ...stage }) => stage),
    adapter: bytes("models/adapter/seed-1/adapter_model.safetensors"),
    rows: bytes("data/main/rows.jsonl"),
    episodes: [episodes("eval/base"), episodes("eval/adapter/seed-1")],
  };
}

test("killed at five random moments, an experiment ends as if nothing had happened", async () => {
  const calm = join(folder, "calm");
  const first = start(calm);
  expect([await first.exited, await new Response(first.stderr).text()]).toEqual([0, ""]);

  const out = join(folder, "killed");
  const rng = new Rng("kill -9 an experiment");
  const places = new Set<string>();
  // What kill -9 leaves in the middle of a file, wherever the five may hit.
  const leaveHalf = (name: string) => {
    mkdirSync(dirname(join(out, name)), { recursive: true });
    writeFileSync(join(out, `${name}.part-1`), "{");
  };
  leaveHalf("experiment.json");
  for (let kill = 0; kill < KILLS; kill++) {
    const run = start(out);
    // Somewhere in a stage that lies further on each time; one that has ended by then is killed in a later one.
    const begun = Math.ceil(((kill + 1) * STAGES) / (KILLS + 1));
    while (run.exitCode === null && stagesOf(out).length < begun) await Bun.sleep(5);
    await Promise.race([run.exited, Bun.sleep(rng.int(0, 300))]);
    run.kill("SIGKILL");
    await run.exited;
    if (kill === 0) leaveHalf("data/main/rows.jsonl");
    places.add(
      stagesOf(out)
        .map(({ id, state }) => `${id} ${state}`)
        .join(),
    );
  }
  const last = start(out);
  expect([await last.exited, await new Response(last.stderr).text()]).toEqual([0, ""]);
  expect(stagesOf(out).length).toBe(STAGES);
  expect(resultOf(out)).toEqual(resultOf(calm));
  expect(readdirSync(out, { recursive: true }).filter((name) => String(name).includes(".part-"))).toEqual([]);
  // It was in different stages when it was killed.
  expect(places.size).toBeGreaterThan(2);

  // Nothing is left to do: the same command changes nothing.
  const before = readFileSync(join(out, "experiment.json"), "utf8");
  const again = start(out);
  expect([await again.exited, await new Response(again.stderr).text()]).toEqual([0, ""]);
  expect(readFileSync(join(out, "experiment.json"), "utf8")).toBe(before);
}, 400_000);
