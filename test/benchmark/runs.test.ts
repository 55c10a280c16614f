// Whole runs: a model behind an endpoint, several samples, references that fail, results across checkpoints.

import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { scriptedEndpoint } from "../agent/scripted-endpoint.ts";
import { hasBubblewrap } from "../sandbox/bubblewrap-machine.ts";
import { need } from "../setup.ts";
import { jsonLines, rightAnswer, runBench, samples, temporary } from "./run-bench.ts";

const sandboxed = need("bubblewrap", hasBubblewrap);

test("a model behind an endpoint is asked once a problem, and what it wrote can be scored again", async () => {
  using folder = temporary();
  const rows = samples("json");
  using endpoint = scriptedEndpoint(
    (_, { body }) => {
      const row = rows.find(({ prompt }) => body.messages[0].content.includes(prompt));
      return `Of course!\n\`\`\`json\n${rightAnswer(row!).completion}\n\`\`\``;
    },
    { models: ["m"] },
  );
  const url = `${endpoint.url}/v1`;
  const { result } = await runBench("json", { url, out: folder.path });
  expect(endpoint.received).toHaveLength(rows.length);
  expect(result).toMatchObject({ n: 10, passed: 10, model: { label: "m", kind: "endpoint" } });
  expect(result.figures.bare).toMatchObject({ x: 0, n: 10 });
  const completions = join(folder.path, "json.completions.jsonl");
  const again = await runBench("json", { completions, out: join(folder.path, "again") });
  expect(again.result.entries.map(({ passed }) => passed)).toEqual(
    result.entries.map(({ passed }) => passed),
  );
});

test("when nothing can be taken out of more than half of the answers, that is said", async () => {
  using folder = temporary();
  const rows = samples("json").map((row, i) =>
    i < 6 ? { task_id: row.id, completion: "no" } : rightAnswer(row),
  );
  const { result, warnings } = await runBench("json", {
    completions: jsonLines(join(folder.path, "a.jsonl"), rows),
    out: folder.path,
  });
  expect(result).toMatchObject({ n: 10, passed: 4, extraction_failures: 6 });
  expect(warnings.join("\n")).toContain("nothing to judge could be taken out of 6 of 10 answers");
});

test("several answers to a problem give the unbiased pass@k", async () => {
  using folder = temporary();
  const [first, second] = samples("json");
  const right = (row: typeof first, n: number) => Array.from({ length: n }, () => rightAnswer(row!));
  const wrong = (row: typeof first, n: number) =>
    Array.from({ length: n }, () => ({ task_id: row!.id, completion: "{}" }));
  const problems = jsonLines(join(folder.path, "p.jsonl"), [first, second]);
  const completions = jsonLines(join(folder.path, "a.jsonl"), [
    ...right(first, 1),
    ...wrong(first, 10),
    ...right(second, 12),
  ]);
  const { result } = await runBench("json", { problems, completions, out: folder.path });
  expect(result).toMatchObject({ n: 23, passed: 13 });
  expect(result.pass_at_1).toBeCloseTo((1 / 11 + 1) / 2, 12);
  // 1 - C(10, 10) / C(11, 10)
  expect(result.pass_at["10"]).toBeCloseTo((1 - 1 / 11 + 1) / 2, 12);
  expect(result.pass_at).not.toHaveProperty("100");
  expect(result.entries[0]!.results).toHaveLength(11);
});

test("checkpoints are compared problem by problem with the one before, and the history keeps all of them", async () => {
  using folder = temporary();
  const rows = samples("json");
  const out = join(folder.path, "results");
  const run = (label: string, right: (i: number) => boolean, flags = {}) =>
    runBench("json", {
      label,
      out,
      completions: jsonLines(
        join(folder.path, `${label}.jsonl`),
        rows.map((row, i) => (right(i) ? rightAnswer(row) : { task_id: row.id, completion: "{}" })),
      ),
      ...flags,
    });
  const first = await run("step-100", (i) => i < 3);
  expect(first.result.comparisons).toEqual([]);
  const second = await run("step-200", (i) => i > 0);
  // 7 gained, 1 lost: 2 * (1 + 8) / 2^8
  expect(second.result.comparisons).toMatchObject([
    { against: "step-100", n: 10, lost: ["schema/person"], delta: 0.6, p: 18 / 256 },
  ]);
  expect(second.result.comparisons[0]!.gained).toHaveLength(7);
  // Wilson's interval of 9 of 10.
  expect(second.result.wilson.low).toBeCloseTo(0.5958, 4);
  const kept = join(folder.path, "kept.json");
  await Bun.write(kept, JSON.stringify(first.result));
  const third = await run("step-300", () => true, { against: kept });
  expect(third.result.comparisons).toMatchObject([{ against: "step-100", delta: 0.7 }]);
  const history = readFileSync(join(out, "history.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(history.map(({ label, passed }) => [label, passed])).toEqual([
    ["step-100", 3],
    ["step-200", 9],
    ["step-300", 10],
  ]);
  expect(readFileSync(join(out, "history.md"), "utf8")).toContain(
    "| step-200 | 9/10 90.0 % [59.6 %, 98.2 %] |",
  );
  const chart = readFileSync(join(out, "history.svg"), "utf8");
  expect(chart.match(/<circle /g)).toHaveLength(3);
  await expect(run("step-400", () => true, { against: join(folder.path, "nowhere") })).rejects.toThrow(
    "--against",
  );
});

sandboxed(
  "a problem whose reference fails its own tests, or whose tests ask for nothing, is left out by name",
  async () => {
    using folder = temporary();
    const [good, bad] = samples("humaneval");
    const broken = { ...bad, canonical_solution: "    return None\n" };
    const problems = jsonLines(join(folder.path, "p.jsonl"), [good, broken]);
    const completions = jsonLines(join(folder.path, "a.jsonl"), [good!, bad!].map(rightAnswer));
    const { result, warnings } = await runBench("humaneval", { problems, completions, out: folder.path });
    expect(result).toMatchObject({ n: 1, passed: 1, excluded: [{ task_id: "Own/1" }] });
    expect(warnings.join("\n")).toContain("Own/1 is left out: its reference failed");
    const idle = { ...samples("diff")[0], tests: { language: "python", source: "assert True\n" } };
    const edits = jsonLines(join(folder.path, "d.jsonl"), [idle]);
    const answers = jsonLines(join(folder.path, "da.jsonl"), [rightAnswer(idle)]);
    const diff = await runBench("diff", { problems: edits, completions: answers, out: folder.path });
    expect(diff.result).toMatchObject({
      n: 0,
      pass_at_1: null,
      excluded: [{ reason: "its tests pass without any change" }],
    });
  },
);

sandboxed("a slow reference gives its answers more time", async () => {
  using folder = temporary();
  const [row] = samples("humaneval");
  const slow = {
    ...row,
    canonical_solution: `    import time\n    time.sleep(0.3)\n${row!.canonical_solution}`,
  };
  const slower = `    import time\n    time.sleep(0.75)\n${row!.canonical_solution}`;
  const problems = jsonLines(join(folder.path, "p.jsonl"), [slow]);
  const completions = jsonLines(join(folder.path, "a.jsonl"), [
    { task_id: row!.task_id, completion: slower },
  ]);
  // Six calls: the reference takes 1.8 s, the answer 4.5 s, which is more than the least limit of 4 s.
  const { result } = await runBench("humaneval", { problems, completions, out: folder.path });
  expect(result.entries[0]!.reference_ms).toBeGreaterThan(1800);
  expect(result.entries[0]!).toMatchObject({ passed: true, result: "passed" });
});

test("a folder of results belongs to one process at a time, and its files are whole", async () => {
  using folder = temporary();
  const completions = jsonLines(join(folder.path, "a.jsonl"), samples("json").map(rightAnswer));
  const out = join(folder.path, "results");
  const runs = await Promise.allSettled([1, 2].map(() => runBench("json", { completions, out })));
  expect(runs.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  expect(existsSync(join(out, "json.json"))).toBe(true);
});

test("a schema that is none leaves its problem out, and formats count", async () => {
  using folder = temporary();
  const day = { type: "string", format: "date" };
  const problems = jsonLines(join(folder.path, "p.jsonl"), [
    { id: "bad", prompt: "?", schema: { type: "strange" } },
    { id: "day", prompt: "?", schema: day },
    { id: "no-day", prompt: "?", schema: day },
  ]);
  const completions = jsonLines(join(folder.path, "a.jsonl"), [
    { task_id: "day", completion: '"2024-02-29"' },
    { task_id: "no-day", completion: '"2023-02-29"' },
  ]);
  const { result } = await runBench("json", { problems, completions, out: folder.path });
  expect(result.excluded.map(({ task_id }) => task_id)).toEqual(["bad"]);
  expect(result.entries.map(({ passed }) => passed)).toEqual([true, false]);
});
