// A run that was killed while a model answered goes on where it stopped.

import { expect, test } from "bun:test";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { scriptedEndpoint } from "../agent/scripted-endpoint.ts";
import { rightAnswer, runBench, samples, temporary } from "./run-bench.ts";

const cli = join(import.meta.dir, "../../cli.ts");
const rows = samples("json");

/** Answers rightly, every third problem wrongly; `stuckAt` requests later never again. */
function model(stuckAt = Number.POSITIVE_INFINITY) {
  const stuck = Promise.withResolvers<void>();
  const asked: string[] = [];
  const endpoint = scriptedEndpoint(
    (n, { body }) => {
      if (n >= stuckAt) {
        stuck.resolve();
        return new Promise<string>(() => undefined);
      }
      const at = rows.findIndex(({ prompt }) => body.messages[0].content.includes(prompt));
      asked.push(`${rows[at]!.id} ${body.seed}`);
      return at % 3 === 0 ? "no JSON" : rightAnswer(rows[at]!).completion;
    },
    { models: ["m"] },
  );
  return {
    url: `${endpoint.url}/v1`,
    asked,
    stuck: stuck.promise,
    [Symbol.dispose]: () => endpoint[Symbol.dispose](),
  };
}

/** Starts the command, kills it while it waits for an answer, and returns what had been asked by then. */
async function killed(out: string, answers: number): Promise<readonly string[]> {
  using dying = model(answers);
  const command = [
    "bun",
    cli,
    "bench",
    "json",
    "--url",
    dying.url,
    "--samples",
    "2",
    "--jobs",
    "1",
    "--out",
    out,
  ];
  const child = Bun.spawn(command, { stdout: "ignore", stderr: "ignore" });
  await dying.stuck;
  child.kill("SIGKILL");
  await child.exited;
  return dying.asked;
}

test("after kill -9 the same command draws only what is missing, and writes what an undisturbed run writes", async () => {
  using folder = temporary();
  using undisturbed = model();
  using living = model();
  const whole = join(folder.path, "whole");
  const { result: expected } = await runBench("json", {
    url: undisturbed.url,
    samples: 2,
    jobs: 1,
    out: whole,
  });
  const out = join(folder.path, "out");
  const before = await killed(out, 7);
  expect(before).toHaveLength(7);
  expect(existsSync(join(out, "json.json"))).toBe(false);
  const journal = join(out, "json.drawn.jsonl");
  // What a power cut leaves of an answer does not count.
  appendFileSync(journal, '{"task_id":"schema/per');
  const started = JSON.parse(readFileSync(journal, "utf8").split("\n")[0]!).started;
  const { result } = await runBench("json", { url: living.url, samples: 2, jobs: 1, out });
  expect([...before, ...living.asked]).toEqual(undisturbed.asked);
  expect(result).toMatchObject({ n: 20, passed: 12, started });
  const timeless = ({ entries }: typeof result) =>
    entries.map((entry) => ({ ...entry, reference_ms: 0, duration_ms: 0 }));
  expect(timeless(result)).toEqual(timeless(expected));
  expect(readFileSync(join(out, "json.completions.jsonl"), "utf8")).toBe(
    readFileSync(join(whole, "json.completions.jsonl"), "utf8"),
  );
  expect(existsSync(journal)).toBe(false);
});

test("answers of other settings or other problems are refused by name, and kept", async () => {
  using folder = temporary();
  using living = model();
  const { url } = living;
  const out = folder.path;
  await killed(out, 3);
  const journal = join(out, "json.drawn.jsonl");
  const kept = readFileSync(journal, "utf8");
  await expect(
    runBench("json", { url, samples: 1, temperature: 0.5, label: "x", jobs: 1, out }),
  ).rejects.toMatchObject({
    exitCode: 2,
    message:
      '--out: expected the settings of the answers in json.drawn.jsonl, got samples 1 (was 2), temperature 0.5 (was 0), label "x" (was "m")',
    hint: expect.stringContaining("goes on with its own settings"),
  });
  const problems = join(out, "p.jsonl");
  writeFileSync(problems, `${JSON.stringify(rows[0])}\n`);
  await expect(runBench("json", { url, samples: 2, problems, out })).rejects.toThrow(
    /^--out: expected the settings of the answers in json\.drawn\.jsonl, got problems "sha256:/,
  );
  expect(readFileSync(journal, "utf8")).toBe(kept);
  expect(living.asked).toEqual([]);
  writeFileSync(journal, "[]\n");
  await expect(runBench("json", { url, samples: 2, out })).rejects.toThrow(
    "json.drawn.jsonl:1: expected the settings",
  );
});

test("a run that drew nothing leaves nothing in the way of other settings", async () => {
  using folder = temporary();
  using living = model();
  const out = folder.path;
  await killed(out, 0);
  expect(existsSync(join(out, "json.drawn.jsonl"))).toBe(true);
  const { result } = await runBench("json", { url: living.url, samples: 1, out });
  expect(result.n).toBe(10);
});

test("of several benchmarks those that were written are not run again, unless something is another", async () => {
  using folder = temporary();
  using living = model();
  const { url } = living;
  const out = folder.path;
  await killed(out, 3);
  const journal = join(out, "json.drawn.jsonl");
  const header = readFileSync(journal, "utf8").split("\n")[0];
  const first = await runBench("json", { url, samples: 2, out });
  expect(living.asked).toHaveLength(17);
  // As `all` leaves it that was killed in a later benchmark.
  writeFileSync(journal, `${header}\n{"finished":true}\n`);
  const again = await runBench("json", { url, samples: 2, out });
  expect(again.result).toEqual(first.result);
  expect(living.asked).toHaveLength(17);
  expect(existsSync(journal)).toBe(false);
  writeFileSync(journal, `${header}\n{"finished":true}\n`);
  const other = await runBench("json", { url, samples: 1, out });
  expect(other.result.n).toBe(10);
  expect(living.asked).toHaveLength(27);
});
