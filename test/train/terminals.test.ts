// `inspect terminals` against transformers and peft: test/golden/terminals, made by make.py there.

import { expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveOptions } from "../../src/base/resolve.ts";
import { openTerminal } from "../../src/base/terminal.ts";
import { spread } from "../../src/train/terminals/decision-points.ts";
import { measureTerminals, type TerminalArm } from "../../src/train/terminals/measure.ts";
import { pointBatches, scoreToken } from "../../src/train/terminals/score.ts";
import { estimate, median } from "../../src/train/terminals/summary.ts";
import { terminalsOptions } from "../../src/train/terminals/terminals-options.ts";
import expected from "../golden/terminals/expected.json";
import { testDevice } from "../gpu.ts";

setDefaultTimeout(120_000);

const golden = join(import.meta.dir, "..", "golden", "terminals");
const data = join(golden, "sessions.jsonl");
const quiet = openTerminal({ json: false, quiet: true, color: false });
const { gpuTest } = await testDevice();

const measure = (flags: Readonly<Record<string, unknown>>) =>
  measureTerminals(resolveOptions(terminalsOptions, { data, controls: 100, ...flags }), quiet);

type Golden = (typeof expected)["renamed"];

/** f32 on the device against f64: each token's ln P within 1e-3. */
function expectSame(arm: TerminalArm, wanted: Golden): void {
  expect(arm.sessions.length).toBe(wanted.length);
  for (const [i, { id, terminal, final, controls }] of wanted.entries()) {
    const got = arm.sessions[i] as Record<string, number> & { control_logp: number[] };
    expect(got).toMatchObject({ id, terminal, tokens: final.tokens, greedy: final.greedy });
    expect(got.first_rank).toBe(final.first_rank);
    expect(Math.abs(got.logp! - final.logp)).toBeLessThan(1e-3 * final.tokens);
    expect(Math.abs(got.first_logp! - final.first_logp)).toBeLessThan(1e-3);
    expect(got.control_logp.length).toBe(controls.length);
    for (const [k, control] of controls.entries())
      expect(Math.abs(got.control_logp[k]! - control.logp)).toBeLessThan(1e-3 * control.tokens);
  }
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

gpuTest("bases with different tokenizers and an adapter have transformers' log-probabilities", async () => {
  const record = await measure({
    base: [join(golden, "chatml"), join(golden, "brackets")],
    adapter: [join(golden, "adapter")],
  });
  expect(record.arms.map(({ name, base }) => [name, base])).toEqual([
    ["chatml", "chatml"],
    ["adapter", "chatml"],
    ["brackets", "brackets"],
  ]);
  expectSame(record.arms[0]!, expected.chatml);
  expectSame(record.arms[1]!, expected.adapter);
  expectSame(record.arms[2]!, expected.brackets);
  for (const [i, wanted] of [expected.chatml, expected.adapter, expected.brackets].entries()) {
    const { final, control, lift, by_terminal: by } = record.arms[i]!;
    const means = wanted.map(({ controls }) => mean(controls.map(({ logp }) => logp)));
    expect(final.logp.value!).toBeCloseTo(mean(wanted.map((one) => one.final.logp)), 2);
    expect(final.logp_median!).toBeCloseTo(median(wanted.map((one) => one.final.logp))!, 2);
    expect(final.first_rank_median).toBe(median(wanted.map((one) => one.final.first_rank)));
    expect(control.logp.value!).toBeCloseTo(mean(means), 2);
    expect(lift.value!).toBeCloseTo(mean(wanted.map((one, k) => one.final.logp - means[k]!)), 2);
    expect(control.points).toBe(wanted.flatMap(({ controls }) => controls).length);
    expect([by.exit.sessions, by.panic.sessions]).toEqual([4, 2]);
  }
  const of = (name: "chatml" | "brackets") => mean(expected[name].map(({ final }) => final.logp));
  expect(record.ranking).toEqual(
    of("chatml") > of("brackets") ? ["chatml", "brackets"] : ["brackets", "chatml"],
  );
  expect(record.data).toMatchObject({ rows: 6, sessions: 6, refused: 0, unended: 0 });
});

gpuTest("renamed terminals are scored by their new words", async () => {
  const record = await measure({ base: [join(golden, "chatml")], terminals: "exit=leave,panic=stuck" });
  expectSame(record.arms[0]!, expected.renamed);
  expect(record.terminals).toEqual({ exit: "leave", panic: "stuck" });
});

gpuTest("the record is the same in every run, and --limit takes sessions from everywhere", async () => {
  const once = await measure({ base: [join(golden, "chatml")], limit: 3, controls: 1 });
  expect(await measure({ base: [join(golden, "chatml")], limit: 3, controls: 1 })).toEqual(once);
  expect(once.arms[0]!.sessions.map(({ id }) => id)).toEqual([1, 3, 5].map((i) => expected.chatml[i]!.id));
  for (const { control_logp: own } of once.arms[0]!.sessions as readonly { control_logp: number[] }[])
    expect(own.length).toBe(1);
});

test("data without a terminal is refused with the numbers", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sekft-terminals-"));
  try {
    const file = join(folder, "rows.jsonl");
    const turns = [
      { role: "user", content: "a" },
      { role: "assistant", content: "ls" },
    ];
    writeFileSync(file, `${JSON.stringify({ turns })}\n`);
    await expect(measure({ base: [join(golden, "chatml")], data: file })).rejects.toThrow(
      /expected a session that ends in a terminal, got 1 rows: 1 that end otherwise/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("two bases of one name, and an adapter that fits none, are refused", async () => {
  const twice = [join(golden, "chatml"), join(golden, "chatml")];
  await expect(measure({ base: twice })).rejects.toThrow(/expected a name that is free, got chatml again/);
  await expect(
    measure({ base: [join(golden, "../numeric/models/tiny-llama")], adapter: [join(golden, "adapter")] }),
  ).rejects.toThrow(/adapter/);
});

test("a token's log-probability and rank are those of the softmax in f64", () => {
  const logits = Float32Array.of(3, -1, 700, 699.5, 2);
  const sum = Math.exp(0) + Math.exp(-0.5) + Math.exp(-697) + Math.exp(-698) + Math.exp(-701);
  expect(scoreToken(logits, 3)).toEqual({ logp: expect.closeTo(-0.5 - Math.log(sum), 12), rank: 2 });
  expect(scoreToken(logits, 1).rank).toBe(5);
});

test("an interval covers the mean as often as it says", () => {
  // Draws of a uniform distribution, mean 0.5: of 200 intervals about 190 must hold it.
  let state = 1;
  const next = () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  let covered = 0;
  for (let k = 0; k < 200; k++) {
    const { low, high } = estimate(Array.from({ length: 40 }, next));
    if (low! <= 0.5 && 0.5 <= high!) covered++;
  }
  expect(covered).toBeGreaterThan(180);
  expect(covered).toBeLessThan(199);
  expect(estimate([])).toEqual({ value: null, low: null, high: null, n: 0 });
});

test("batches keep their order and their limits; controls are spread evenly", () => {
  const point = (length: number) => ({ inputIds: new Int32Array(length), first: length - 2 });
  const batches = pointBatches([5, 5, 30, 4, 4].map(point), 12);
  expect(batches.map(({ tokens }) => tokens)).toEqual([10, 30, 8]);
  expect(batches.map(({ rows }) => rows)).toEqual([4, 2, 4]);
  expect(spread([0, 1, 2, 3, 4, 5, 6, 7], 2)).toEqual([2, 6]);
  expect(spread([0, 1], 4)).toEqual([0, 1]);
});

test("the golden was made by the committed script from sessions that are beside it", () => {
  expect(readFileSync(data, "utf8").trim().split("\n").length).toBe(expected.chatml.length);
});
