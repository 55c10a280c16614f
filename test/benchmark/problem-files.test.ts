// Problems as `sekft pull` brings them: Parquet as pyarrow writes it, folders of splits and configurations, names on the Hub.

import { afterAll, expect, test } from "bun:test";
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { readProblems } from "../../src/bench/suites/index.ts";
import { resolveProblems } from "../../src/commands/resolve-inputs.ts";
import { silent } from "../base/silent-terminal.ts";
import { commit, startHub } from "../hub/hub-server.ts";
import { hasBubblewrap } from "../sandbox/bubblewrap-machine.ts";
import { need } from "../setup.ts";
import { jsonLines, rightAnswer, runBench, samples, temporary } from "./run-bench.ts";

const before = { ...process.env };
afterAll(() => {
  process.env = before;
});
const golden = join(import.meta.dir, "../golden/bench");
const humaneval = join(golden, "openai_humaneval");
const mbpp = join(golden, "mbpp");
const sandboxed = need("bubblewrap", hasBubblewrap);

const read = async (name: "humaneval" | "mbpp", path: string) => {
  const { problems, file } = await readProblems(name, path);
  return { ids: problems.map(({ id }) => id), file, problems };
};

test("a pulled HumanEval is read from its folder, and has the problems of the JSON lines", async () => {
  const { problems, file } = await read("humaneval", humaneval);
  expect(problems).toEqual([...(await readProblems("humaneval", undefined)).problems]);
  expect(file).toBe(join(humaneval, "openai_humaneval/test-00000-of-00001.parquet"));
});

test("of a pulled MBPP the test split of the full configuration is read, or the one that is named", async () => {
  const whole = await read("mbpp", mbpp);
  expect(whole.ids).toEqual(["2", "3", "4"]);
  expect(whole.file).toBe(join(mbpp, "full/test-00000-of-00001.parquet"));
  const shipped = (await readProblems("mbpp", undefined)).problems;
  expect(whole.problems).toEqual(shipped.slice(1, 4));
  const sanitized = await read("mbpp", join(mbpp, "sanitized"));
  expect(sanitized.file).toBe(join(mbpp, "sanitized/test-00000-of-00001.parquet"));
  // The same tasks in the other shape ask for the same.
  const same = ({ id, prompt, kind }: (typeof shipped)[number]) => ({ id, prompt, kind });
  const clean = shipped.slice(1, 4).filter(({ id }) => sanitized.ids.includes(id));
  expect(clean.length).toBeGreaterThan(0);
  expect(sanitized.problems.map(same)).toEqual(clean.map(same));
  expect((await read("mbpp", join(mbpp, "full/train-00000-of-00001.parquet"))).ids).toEqual(["5"]);
});

test("of one's own folder every file is read, in the order of their paths, and twins are named with both", async () => {
  using folder = temporary();
  const rows = samples("humaneval");
  mkdirSync(join(folder.path, "b"));
  jsonLines(join(folder.path, "b/two.jsonl"), rows.slice(0, 2));
  writeFileSync(join(folder.path, "a.jsonl.gz"), Bun.gzipSync(`${JSON.stringify(rows[2])}\n`));
  for (const aside of ["dataset_infos.json", ".hidden.jsonl", "README.md"])
    writeFileSync(join(folder.path, aside), "{}");
  const { ids, file } = await read("humaneval", folder.path);
  expect(ids).toEqual(["Own/2", "Own/0", "Own/1"]);
  expect(file).toBe(folder.path);
  jsonLines(join(folder.path, "z.jsonl"), rows.slice(1, 2));
  await expect(read("humaneval", folder.path)).rejects.toMatchObject({
    message: expect.stringMatching(/z\.jsonl:1: duplicate problem Own\/1 \(first in .*two\.jsonl\)$/),
    hint: expect.stringContaining("name one file or folder"),
  });
});

test("a folder without problems, one of another benchmark and a damaged file are refused by name", async () => {
  using folder = temporary();
  await expect(read("mbpp", folder.path)).rejects.toThrow(
    `--problems ${folder.path}: expected a folder of problems (.parquet, .jsonl, .jsonl.gz or .json), got none of these`,
  );
  await expect(read("mbpp", humaneval)).rejects.toThrow(
    /parquet: no column test_list; found task_id, prompt/,
  );
  const whole = readFileSync(join(mbpp, "full/test-00000-of-00001.parquet"));
  writeFileSync(join(folder.path, "test.parquet"), whole.subarray(0, whole.length - 50));
  await expect(read("mbpp", folder.path)).rejects.toThrow("test.parquet: parquet footer missing or damaged");
});

test("org/name is a data set of the Hub, org/name/folder a part of it, a file's name never one", async () => {
  using folder = temporary();
  const files = readdirSync(mbpp, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".parquet"))
    .map((path) => ({ path, content: readFileSync(join(mbpp, path)), lfs: true }));
  files.push({ path: "README.md", content: Buffer.from("---\n---\n"), lfs: false });
  await using hub = await startHub({ repo: "google/mbpp", type: "dataset", files });
  const here = process.cwd();
  process.chdir(folder.path);
  try {
    Object.assign(process.env, { HF_HOME: folder.path, HF_ENDPOINT: hub.endpoint });
    const snapshot = await resolveProblems("google/mbpp", silent);
    expect(basename(snapshot)).toBe(commit);
    expect((await read("mbpp", snapshot)).ids).toEqual(["2", "3", "4"]);
    const asked = hub.log.length;
    const sanitized = await resolveProblems("google/mbpp/sanitized/", silent);
    expect(sanitized).toBe(join(snapshot, "sanitized"));
    expect((await read("mbpp", sanitized)).file).toStartWith(sanitized);
    for (const path of ["data/none.jsonl", "./a/b", "../a/b", "/a/b", "name"])
      expect(await resolveProblems(path, silent)).toBe(path);
    expect(hub.log).toHaveLength(asked);
    await expect(resolveProblems("google/none", silent)).rejects.toThrow("google/none");
  } finally {
    process.chdir(here);
  }
});

sandboxed("canonical solutions of pulled problems pass", async () => {
  using folder = temporary();
  for (const [name, problems] of [
    ["humaneval", humaneval],
    ["mbpp", join(mbpp, "sanitized")],
  ] as const) {
    const copy = join(folder.path, `copy of ${name}`);
    cpSync(problems, copy, { recursive: true });
    const { ids } = await read(name, copy);
    const rows = samples(name).filter((row) => ids.includes(String(row.task_id)));
    const completions = jsonLines(join(folder.path, "a.jsonl"), rows.map(rightAnswer));
    const { result } = await runBench(name, { problems: copy, completions, out: folder.path });
    expect(result).toMatchObject({ n: ids.length, passed: ids.length, excluded: [] });
  }
});
