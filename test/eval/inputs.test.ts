// What an eval is given: refused, warned of, or shown to the model.

import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashContent } from "../../src/data/content-hash.ts";
import { findLeakage } from "../../src/eval/leakage.ts";
import { readPrime } from "../../src/eval/prime.ts";
import { bubblewrap } from "../factory/bubblewrap.ts";
import { need } from "../setup.ts";
import { armsAt, runScripted, scratch } from "./run-scripted.ts";
import { heldOut, oneOfEach, startOperators } from "./scripted-operators.ts";

const inWorlds = need("bubblewrap", bubblewrap !== undefined);
const root = join(import.meta.dir, "../..");

function sekft(...args: string[]) {
  const env = { ...process.env, SEKFT_URL: "", SEKFT_MODEL: "", SEKFT_RESIDENT: "" };
  const done = Bun.spawnSync([process.execPath, join(root, "cli.ts"), ...args], { env });
  return { code: done.exitCode, err: done.stderr.toString() };
}

test("an adapter that was trained on the archetypes asked for is warned of", async () => {
  using folder = scratch();
  const data = join(folder.path, "rows.jsonl");
  const row = (archetype: string, scenario_id: string) =>
    JSON.stringify({
      version: 1,
      id: `${scenario_id}.s0`,
      scenario_id,
      archetype,
      sample: 0,
      model: "m",
      turns: [
        { role: "user", content: "x" },
        { role: "assistant", content: "exit" },
      ],
      outcome: "success",
      verified: true,
      terminal: "exit",
      keep: true,
      limits_hit: [],
    });
  writeFileSync(data, `${row("permissions", heldOut[0]!.id)}\n${row("cleanup", "cleanup-9")}\n`);
  const run = join(folder.path, "run");
  mkdirSync(join(run, "checkpoint-5"), { recursive: true });
  writeFileSync(join(run, "options.json"), JSON.stringify({ data }));
  for (const directory of [run, join(run, "checkpoint-5")])
    expect(await findLeakage("ckpt", directory, heldOut)).toBe(
      "adapter ckpt: expected archetypes that its training never saw, got permissions, and on 1 of these very scenarios; the numbers are not about held-out tasks",
    );
  expect(await findLeakage("ckpt", run, heldOut.slice(1))).toBeUndefined();
  expect(await findLeakage("ckpt", folder.path, heldOut)).toBeUndefined();
});

inWorlds(
  "--prime is shown before every session and is no part of its record",
  async () => {
    using folder = scratch();
    const file = join(folder.path, "earlier.jsonl");
    const turns = [
      { role: "system", content: "another orientation" },
      { role: "user", content: "an earlier screen" },
      { role: "assistant", content: "exit" },
    ];
    writeFileSync(file, JSON.stringify({ turns }));
    expect(await readPrime(file)).toEqual(turns.slice(1) as never);
    const text = join(folder.path, "screen.txt");
    writeFileSync(text, "$ ls\nnotes\n");
    expect(await readPrime(text)).toEqual([{ role: "user", content: "$ ls\nnotes\n" }]);

    using server = startOperators();
    const arms = await armsAt(server.url, ["exits"]);
    const out = join(folder.path, "out");
    const { episodes, result } = await runScripted(out, arms, heldOut.slice(0, 1), {}, await readPrime(file));
    const sent = server.received[0]!.body.messages.map(({ content }: { content: string }) => content).join(
      "\n",
    );
    expect(sent).toContain("an earlier screen");
    expect(sent).not.toContain("another orientation");
    expect(JSON.stringify(episodes)).not.toContain("an earlier screen");
    expect(result.manifest.prime_hash).toMatch(/^sha256:[0-9a-f]{64}$/);
  },
  30_000,
);

test("bad input is refused in one line that names it, and nothing is written", () => {
  using folder = scratch();
  const bundle = JSON.parse(
    readFileSync(join(root, "test/golden/corpus/holdout", `${heldOut[0]!.id}.json`), "utf8"),
  );
  const write = (name: string, value: object) => {
    const path = join(folder.path, name);
    writeFileSync(path, JSON.stringify(value));
    return path;
  };
  const out = join(folder.path, "out");
  const run = (scenarios: string, ...more: string[]) =>
    sekft(
      "eval",
      "--url",
      "http://127.0.0.1:1",
      "--model",
      "m",
      "--scenarios",
      scenarios,
      "--out",
      out,
      ...more,
    );
  const { content_hash: _, ...content } = bundle;
  const unproven = { ...content, proven: false };
  const cases: [string, string][] = [
    [
      write("unproven.json", { ...unproven, content_hash: hashContent(unproven) }),
      "expected proven scenarios",
    ],
    [write("changed.json", { ...bundle, checker: "true" }), "changed.json: content_hash: "],
    [write("lacking.json", { ...bundle, checker: undefined }), "lacking.json: checker: missing"],
    [join(folder.path, "nowhere"), "got nothing there"],
  ];
  for (const [path, complaint] of cases) {
    const { code, err } = run(path);
    expect({ code, says: err.includes(complaint) ? complaint : err }).toEqual({ code: 2, says: complaint });
  }
  const good = write("good.json", bundle);
  expect(run(good, "--archetypes", "cleanup").err).toContain("--archetypes: expected archetypes of");
  writeFileSync(join(folder.path, "notes"), "");
  expect(sekft("eval", "--scenarios", good).err).toContain("expected --base, --resident or --url");
  expect(Bun.file(join(out, "manifest.json")).size).toBe(0);
}, 60_000);

inWorlds("a folder of something else is not written to", async () => {
  using folder = scratch();
  using server = startOperators();
  writeFileSync(join(folder.path, "precious"), "");
  const run = async () =>
    runScripted(folder.path, await armsAt(server.url, ["exits"]), oneOfEach.slice(0, 1));
  await expect(run()).rejects.toThrow("expected an empty folder or one of an eval");
});
