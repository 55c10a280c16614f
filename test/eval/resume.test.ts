// kill -9 at ten random moments, then to the end: nothing lost, nothing twice, nothing half-written, nothing left running.

import { expect } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bubblewrap } from "../factory/bubblewrap.ts";
import { need } from "../setup.ts";
import { scratch } from "./run-scripted.ts";
import { heldOut, startOperators } from "./scripted-operators.ts";

const test = need("bubblewrap", bubblewrap !== undefined);
const root = join(import.meta.dir, "../..");
const holdout = join(root, "test/golden/corpus/holdout");

test("an eval that is killed ten times ends with every episode once", async () => {
  using folder = scratch();
  const bundles = join(folder.path, "scenarios");
  mkdirSync(bundles);
  for (const { id } of heldOut)
    writeFileSync(join(bundles, `${id}.json`), readFileSync(join(holdout, `${id}.json`)));
  using server = startOperators(heldOut, 30);
  const out = join(folder.path, "out");
  const log = join(out, "episodes.jsonl");
  const start = () =>
    Bun.spawn(
      [
        process.execPath,
        join(root, "cli.ts"),
        ...["eval", "--url", server.url, "--model", "replays", "talks"],
        ...["--scenarios", bundles, "--samples", "8", "--jobs", "3", "--sandbox", "bubblewrap"],
        ...["--out", out, "--json"],
      ],
      { stdout: "pipe", stderr: "pipe", env: { ...process.env, SEKFT_URL: "", SEKFT_MODEL: "" } },
    );
  const key = (line: string) => {
    const { scenario_id, arm, sample } = JSON.parse(line);
    return `${scenario_id} ${arm} ${sample}`;
  };
  const lines = () => {
    try {
      return readFileSync(log, "utf8").split("\n").slice(0, -1);
    } catch {
      return [];
    }
  };
  let before: string[] = [];
  // What kill -9 leaves in the middle of a file, wherever the ten may hit.
  mkdirSync(out);
  for (const name of ["manifest.json", "result.json", "episodes.jsonl"])
    writeFileSync(join(out, `${name}.part-1`), "{");
  for (let kill = 0; kill < 10; kill++) {
    const run = start();
    await Bun.sleep(350 + Math.random() * 500);
    run.kill("SIGKILL");
    await run.exited;
    // What was there is there still, and each line is whole.
    const now = lines();
    expect(now.slice(0, before.length)).toEqual(before);
    expect(new Set(now.map(key)).size).toBe(now.length);
    before = now;
  }
  const last = start();
  const [code, printed, said] = await Promise.all([
    last.exited,
    new Response(last.stdout).text(),
    new Response(last.stderr).text(),
  ]);
  expect({ code, said: code === 0 ? "" : said }).toEqual({ code: 0, said: "" });
  const result = JSON.parse(printed);
  const all = lines();
  expect(all.slice(0, before.length)).toEqual(before);
  expect(new Set(all.map(key)).size).toBe(32);
  expect(all.length).toBe(32);
  expect(result.arms.replays).toMatchObject({ n: 16, errors: 0, clean: { x: 16, n: 16 } });
  expect(result.arms.talks).toMatchObject({ n: 16, outcomes: { prose_drift: 16 } });
  expect(result.compare[0].metrics.clean).toMatchObject({ b: 16, c: 0 });
  expect(readFileSync(join(out, "report.html"), "utf8")).toEndWith("</html>\n");
  expect(readdirSync(out).sort()).toEqual([
    "broken.jsonl",
    "episodes.jsonl",
    "manifest.json",
    "report.html",
    "report.md",
    "result.json",
  ]);
}, 120_000);
