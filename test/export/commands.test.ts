import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "../../src/base/program.ts";
import { commands } from "../../src/commands/index.ts";
import { commit, startHub } from "../hub/hub-server.ts";
import { listener } from "../hub/listener.ts";

const numeric = join(import.meta.dir, "../golden/numeric");
const folder = mkdtempSync(join(tmpdir(), "sekft-commands-"));
const before = { ...process.env };
afterAll(() => {
  process.env = before;
  rmSync(folder, { recursive: true });
});

async function run(...argv: string[]) {
  const terminal = { ...listener(), json: true };
  const identity = { name: "sekft", summary: "", groups: {}, version: () => "" };
  await runProgram(argv, commands, identity, terminal);
  return JSON.parse(terminal.lines.at(-1)!);
}

test("the export commands write what their options say, and tell a program about it", async () => {
  const out = (name: string) => join(folder, name);
  const adapter = ["--adapter", join(numeric, "lora/llama-qkvo")];
  const base = ["--base", join(numeric, "models/tiny-llama")];
  const gguf = ["export", "gguf", ...adapter, ...base, "--outtype", "f16", "--out", out("a.gguf")];
  expect(await run(...gguf)).toMatchObject({ architecture: "llama", alpha: 8, tensors: 16 });
  await expect(run(...gguf)).rejects.toThrow(/expected a new file/);
  await run(...gguf, "--force");
  await expect(run(...gguf, "--outtype", "q4_0")).rejects.toThrow(/outtype/);
  const merged = ["export", "merged", ...adapter, ...base, "--out", out("merged")];
  expect(await run(...merged, "--max-shard-size", "90KB")).toMatchObject({ merged: 8, dtype: "float32" });
  expect(await run("export", "card", ...adapter, "--out", out("card.md"))).toMatchObject({
    path: out("card.md"),
  });
  await expect(run("export", "merged", ...adapter, "--out", out("x"))).rejects.toThrow(/--base/);
  expect(existsSync(out("x"))).toBe(false);
});

test("a repository is pulled by its bare name, and is a base wherever a path is", async () => {
  await using hub = await startHub({ files: [{ path: "config.json", content: Buffer.from("{}") }] });
  Object.assign(process.env, { HF_HOME: join(folder, "home"), HF_ENDPOINT: hub.endpoint });
  const lock = ["--lock", join(folder, "sekft.lock")];
  expect(await run("pull", "org/name", ...lock)).toMatchObject({ repo: "org/name", commit, files: 1 });
  expect(await run("pull", "--repo", "org/name", "--offline", ...lock)).toMatchObject({ commit });
  await expect(run("pull", "org/name", "again")).rejects.toThrow(
    /expected one word and options, got "again"/,
  );
  await expect(run("pull")).rejects.toThrow(/got nothing/);
  // The empty config of the snapshot is what is complained about: the name was understood.
  const adapter = ["--adapter", join(numeric, "lora/llama-qkvo")];
  await expect(
    run("export", "gguf", ...adapter, "--base", "org/name", "--out", join(folder, "b.gguf")),
  ).rejects.toThrow(new RegExp(`snapshots/${commit}/config.json: model_type`));
});
