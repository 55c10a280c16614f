// Every label of the candidates that people labelled, with and without a sandbox.

import { describe, expect, test } from "bun:test";
import { LABELS } from "../../src/critic/candidate.ts";
import { judge } from "../../src/critic/judge.ts";
import { toCandidate } from "../../src/critic/normalise.ts";
import type { ProgramRunner } from "../../src/critic/run-program/contract.ts";
import { need } from "../setup.ts";
import { labelledCandidates, runner } from "./here.ts";

const settings = { allowedSecrets: new Set<string>(), required: [], testTimeoutMs: 10_000 };
const all = labelledCandidates();

async function disagreements(where: ProgramRunner | undefined): Promise<string[]> {
  const said: string[] = [];
  const work = async (rows: typeof all) => {
    for (const row of rows) {
      const { labels, evidence } = await judge(
        toCandidate(row, { file: "candidates", line: 1 }),
        where,
        settings,
      );
      for (const label of LABELS)
        if (labels[label] !== row.expect[label])
          said.push(
            `${row.id} ${label}: expected ${row.expect[label]}, got ${labels[label]} (${evidence[label]})`,
          );
    }
  };
  await Promise.all([work(all.filter((_, i) => i % 2 === 0)), work(all.filter((_, i) => i % 2 === 1))]);
  return said;
}

test("there are 200 candidates and more, at least 20 of them hard for each label", () => {
  expect(all.length).toBeGreaterThanOrEqual(200);
  for (const label of LABELS)
    expect(all.filter(({ hard }) => hard === label).length).toBeGreaterThanOrEqual(20);
});

describe("the critic agrees with the people", () => {
  need("programs", runner !== undefined)("on every label of every candidate", async () => {
    expect(await disagreements(runner)).toEqual([]);
  });

  test("offline, on every label that it gives, but for indentation by tabs and blanks together", async () => {
    const said = await disagreements(undefined);
    const given = said.filter((line) => !line.includes("got null"));
    // What is refused by tests alone is accepted by nobody; what only CPython can tell is null or listed here.
    expect(given.filter((line) => !/ (accepted): /.test(line)).map((line) => line.split(":")[0])).toEqual([
      "syntax_pass-17 syntax_pass",
    ]);
  });
});
