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
const KILLS = 8;
const STAGES = 14;

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
arms:
  base: {}
  adapter: { data: main }
  preferred:
    dpo: { of: adapter, with_data: true, rollout: { samples: 2, limit: 2 } }
    training: { max_steps: 4, gradient_accumulation_steps: 1, save_steps: 1, max_length: 1500 }
  star: { star: { of: adapter, rollout: { samples: 1, limit: 2 } } }
`,
);

function start(out: string) {
  return Bun.spawn(["bun", "cli.ts", "experiment", "run", file, "--out", out, "--json", "--quiet"], {
    cwd: root,
    stdout: "pipe",
    stderr: "pipe",
  });
}

/** It ends without a complaint; that a random base has no clean session to learn from is none. */
async function endsWell(run: ReturnType<typeof start>): Promise<void> {
  const said = (await new Response(run.stderr).text()).split("\n");
  const complaints = said.filter((line) => !line.includes("no session of the student is added"));
  expect([await run.exited, complaints.join("\n")]).toEqual([0, ""]);
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
    adapters: ["adapter", "preferred", "star"].map((arm) =>
      bytes(`models/${arm}/seed-1/adapter_model.safetensors`),
    ),
    rows: ["data/main/rows", "loops/preferred/seed-1/pairs", "loops/star/seed-1/round-1/rows"].map((name) =>
      bytes(`${name}.jsonl`),
    ),
    episodes: ["base", "adapter/seed-1", "preferred/seed-1", "star/seed-1"].map((name) =>
      episodes(`eval/${name}`),
    ),
  };
}

test("killed at eight random moments, an experiment ends as if nothing had happened", async () => {
  const calm = join(folder, "calm");
  const first = start(calm);
  await endsWell(first);

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
  await endsWell(last);
  expect(stagesOf(out).length).toBe(STAGES);
  expect(resultOf(out)).toEqual(resultOf(calm));
  expect(readdirSync(out, { recursive: true }).filter((name) => String(name).includes(".part-"))).toEqual([]);
  // It was in different stages when it was killed.
  expect(places.size).toBeGreaterThan(2);

  // Nothing is left to do: the same command changes nothing.
  const before = readFileSync(join(out, "experiment.json"), "utf8");
  const again = start(out);
  await endsWell(again);
  expect(readFileSync(join(out, "experiment.json"), "utf8")).toBe(before);
}, 400_000);
