// `sekft author` and `sekft inspect scenario` as processes: the same bytes whatever happens on the way.

import { test as always, expect } from "bun:test";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readScenarios } from "../../src/data/scenario-files.ts";
import { archetypeNames } from "../../src/factory/taxonomy.ts";
import { temporaryFolder } from "../data/golden-text.ts";
import { need } from "../setup.ts";
import { bubblewrap } from "./bubblewrap.ts";

const test = need("bubblewrap", bubblewrap !== undefined);
const folder = temporaryFolder();
const root = join(import.meta.dir, "../..");

function start(...args: string[]) {
  return Bun.spawn(["bun", "cli.ts", ...args], { cwd: root, stdout: "pipe", stderr: "pipe" });
}

async function sekft(...args: string[]) {
  const run = start(...args);
  const [out, err, code] = await Promise.all([
    new Response(run.stdout).text(),
    new Response(run.stderr).text(),
    run.exited,
  ]);
  return { out, err, code };
}

/** Runs what must succeed; what it said is shown when it does not. */
async function made(...args: string[]): Promise<void> {
  const { code, err } = await sekft(...args);
  expect({ code, said: code === 0 ? "" : err }).toEqual({ code: 0, said: "" });
}

/** Every file of a folder and what is in it; the commit of a checkout that others work on is left out. */
function contents(path: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(path, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((file) => [file.slice(path.length), readFileSync(file, "utf8").replace(/"commit": ".*"/, "")]),
  );
}

const few = [
  "--archetypes",
  "file_create,cleanup,blocked",
  "--n",
  "6",
  "--seed",
  "11",
  "--sandbox",
  "bubblewrap",
];

test("the same seed makes the same bytes, whatever --jobs, and through kill -9", async () => {
  const [one, four, killed] = [join(folder, "one"), join(folder, "four"), join(folder, "killed")];
  await made("author", "--out", one, ...few, "--jobs", "1");
  await made("author", "--out", four, ...few, "--jobs", "4");
  expect(contents(four)).toEqual(contents(one));
  expect(readScenarios(one)).toHaveLength(6);
  for (let kills = 0; kills < 3; kills++) {
    const run = start("author", "--out", killed, ...few, "--jobs", "2");
    const wanted = kills + 1;
    while (run.exitCode === null) {
      const journal = join(killed, ".author.jsonl");
      if (existsSync(journal) && readFileSync(journal, "utf8").split("\n").length > wanted) break;
      await Bun.sleep(20);
    }
    run.kill(9);
    await run.exited;
  }
  await made("author", "--out", killed, ...few, "--jobs", "2", "--json");
  expect(contents(killed)).toEqual(contents(one));
  await made("author", "--out", one, ...few);
  expect(contents(one)).toEqual(contents(killed));
}, 300_000);

test("a folder made with other settings, or with something else in it, is refused and left alone", async () => {
  const out = join(folder, "one");
  const before = contents(out);
  const other = await sekft("author", "--out", out, ...few, "--seed", "12");
  expect(other.code).toBe(2);
  expect(other.err).toContain("expected a folder made with the same seed (12), got one made with 11");
  expect(contents(out)).toEqual(before);
  const foreign = join(folder, "foreign");
  mkdirSync(foreign);
  writeFileSync(join(foreign, "letter.txt"), "dear");
  const refused = await sekft("author", "--out", foreign, ...few);
  expect(refused.code).toBe(2);
  expect(refused.err).toContain("expected an empty folder or one that author made");
  expect(Object.keys(contents(foreign)).filter((name) => !name.includes(".lock"))).toEqual(["/letter.txt"]);
}, 60_000);

always(
  "a run that kill -9 caught in the middle of a file goes on, and leaves nothing half-written",
  async () => {
    const [calm, cut] = [join(folder, "calm"), join(folder, "cut")];
    const flags = [...few.slice(0, 6), "--no-sandbox"];
    await made("author", "--out", calm, ...flags);
    // What is there at the earliest: half of the manifest.
    mkdirSync(cut);
    writeFileSync(join(cut, "manifest.json.part-12"), '{ "kind"');
    await made("author", "--out", cut, ...flags);
    expect(contents(cut)).toEqual(contents(calm));
    mkdirSync(join(cut, "rejected"), { recursive: true });
    for (const name of ["blocked-000.json", "summary.json", "manifest.json", "rejected/cleanup-001.json"])
      writeFileSync(join(cut, `${name}.part-34`), "{");
    writeFileSync(join(cut, "letter.part-1"), "dear");
    await made("author", "--out", cut, ...flags);
    expect(contents(cut)).toEqual({ ...contents(calm), "/letter.part-1": "dear" });
  },
  60_000,
);

always(
  "author --no-sandbox composes all archetypes, says that nothing is proven, and keeps those held out apart",
  async () => {
    const [out, held] = [join(folder, "unproven"), join(folder, "unproven-holdout")];
    const flags = [
      "--holdout",
      "text_replace,permissions",
      "--holdout-out",
      held,
      "--no-sandbox",
      "--json",
      "--jobs",
      "3",
    ];
    const run = await sekft("author", "--n", "100", "--out", out, ...flags);
    expect(run.code).toBe(0);
    expect(run.err).toContain("unproven");
    const summary = JSON.parse(run.out);
    expect(summary).toMatchObject({ n: 100, admitted: 100, proven: false, holdout_out: held });
    const made = readScenarios(out);
    expect(made).toHaveLength(100);
    expect(made.every(({ proven }) => proven === false)).toBe(true);
    const archetypes = new Set(made.map(({ archetype }) => archetype));
    expect([...archetypes].sort()).toEqual(
      archetypeNames.filter((name) => !["text_replace", "permissions"].includes(name)).sort(),
    );
    expect(new Set(readScenarios(held).map(({ archetype }) => archetype))).toEqual(
      new Set(["text_replace", "permissions"]),
    );
    const second = join(folder, "unproven-2");
    const other = await sekft(
      "author",
      "--n",
      "100",
      "--out",
      second,
      "--holdout",
      "permissions,text_replace",
      "--no-sandbox",
      "--jobs",
      "1",
    );
    expect(other.code).toBe(0);
    const bundles = (path: string) =>
      Object.entries(contents(path)).filter(([name]) => /^\/\w+-\d+\.json$/.test(name));
    expect(bundles(second)).toEqual(bundles(out));
  },
  120_000,
);

always(
  "author refuses options that do not fit together",
  async () => {
    const within = await sekft(
      "author",
      "--out",
      join(folder, "x"),
      "--holdout",
      "permissions",
      "--holdout-out",
      join(folder, "x/held"),
      "--no-sandbox",
    );
    expect([within.code, within.err]).toEqual([2, expect.stringContaining("expected a folder beside --out")]);
    const without = await sekft(
      "author",
      "--out",
      join(folder, "x"),
      "--holdout-out",
      join(folder, "y"),
      "--no-sandbox",
    );
    expect([without.code, without.err]).toEqual([2, expect.stringContaining("expected --holdout with it")]);
    const unknown = await sekft(
      "author",
      "--out",
      join(folder, "z"),
      "--archetypes",
      "knitting",
      "--no-sandbox",
    );
    expect([unknown.code, unknown.err]).toEqual([2, expect.stringContaining('got "knitting"')]);
    const model = await sekft("author", "--out", join(folder, "z"), "--model", "m", "--no-sandbox");
    expect([model.code, model.err]).toEqual([2, expect.stringContaining("expected --url with it")]);
  },
  60_000,
);

test("inspect scenario shows a bundle, verifies a folder, and names the gate that refuses", async () => {
  const out = join(folder, "one");
  const shown = await sekft("inspect", "scenario", join(out, "cleanup-000.json"));
  expect(shown.code).toBe(0);
  for (const part of [
    "announcement",
    "provider /",
    "directive:",
    "checker:",
    "reference solution:",
    "sha256:",
  ])
    expect(shown.out).toContain(part);
  const verified = await sekft("inspect", "scenario", out, "--verify", "--sandbox", "bubblewrap", "--json");
  expect(verified.code).toBe(0);
  const report = JSON.parse(verified.out);
  expect(report).toMatchObject({ n: 6, admitted: 6 });
  expect(report.scenarios[0].gates.map(({ gate }: { gate: string }) => gate)).toContain("cheats");

  const broken = join(folder, "broken");
  mkdirSync(broken);
  const bundle = JSON.parse(readFileSync(join(out, "file_create-000.json"), "utf8"));
  const { hashScenario } = await import("../../src/data/scenario-json.ts");
  const weak = { ...readScenarios(join(out, "file_create-000.json"))[0]!, checker: "true" };
  writeFileSync(
    join(broken, "weak.json"),
    JSON.stringify({ ...bundle, checker: "true", content_hash: hashScenario(weak) }),
  );
  cpSync(join(out, "blocked-000.json"), join(broken, "blocked-000.json"));
  const refused = await sekft("inspect", "scenario", broken, "--verify", "--sandbox", "bubblewrap");
  expect(refused.code).toBe(1);
  expect(refused.out).toContain("file_create-000: initial_state: the untouched world passes the checker");
  expect(refused.out).toContain("1 of 2 pass every gate");
  expect(refused.err).toContain("got 1 of 2 that do not");

  writeFileSync(join(broken, "weak.json"), JSON.stringify({ ...bundle, checker: "true" }));
  const wrong = await sekft("inspect", "scenario", join(broken, "weak.json"));
  expect([wrong.code, wrong.err]).toEqual([
    2,
    expect.stringContaining("content_hash does not fit the content"),
  ]);
  const { id: _, ...nameless } = bundle;
  writeFileSync(join(broken, "weak.json"), JSON.stringify(nameless));
  const missing = await sekft("inspect", "scenario", join(broken, "weak.json"));
  expect([missing.code, missing.err]).toEqual([2, expect.stringContaining("weak.json: id: missing")]);
}, 120_000);
