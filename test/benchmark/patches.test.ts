import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { judgePatch } from "../../src/bench/diff/apply-patch.ts";

interface Case {
  readonly name: string;
  readonly before: Record<string, string>;
  readonly patch: string;
  readonly git_reads: boolean;
  readonly git_applies: boolean;
  readonly git_offset: boolean;
  readonly git_after: Record<string, string> | null;
  readonly gnu_applies: boolean;
  readonly gnu_offset: boolean;
  readonly gnu_after: Record<string, string> | null;
}

const cases: Case[] = JSON.parse(readFileSync(join(import.meta.dir, "../golden/patches/cases.json"), "utf8"));

/** Both programs pass over lines behind a hunk that its counts leave out; a strict reading does not. */
const countsLie = new Set(["both counts one too small", "a count of the first hunk wrong"]);

test("there are 60 patches, and no verdict is the same for all", () => {
  expect(cases).toHaveLength(60);
  for (const key of ["git_reads", "git_applies", "gnu_applies", "git_offset", "gnu_offset"] as const)
    expect(new Set(cases.map((one) => one[key]))).toEqual(new Set([true, false]));
});

for (const one of cases) {
  test(`${one.name}: verdicts and files are those of git apply and GNU patch`, () => {
    const verdict = judgePatch(one.patch, one.before);
    const exact = one.git_applies && one.gnu_applies && !one.git_offset && !one.gnu_offset;
    expect({
      parses: verdict.parses,
      git: verdict.git,
      loose: verdict.loose,
      strict: verdict.strict,
    }).toEqual({
      parses: one.git_reads,
      git: one.git_applies,
      loose: one.gnu_applies,
      strict: exact && !countsLie.has(one.name),
    });
    if (one.git_applies || one.gnu_applies)
      expect(verdict.after).toEqual(one.git_applies ? one.git_after : one.gnu_after);
    expect(verdict.reason === null).toBe(verdict.strict);
  });
}

test("a change that the counts leave out is lost in silence by both programs, and is not strict", () => {
  const verdict = judgePatch("--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n+d\n", { f: "a\nb\n" });
  expect(verdict).toMatchObject({
    parses: true,
    git: true,
    loose: true,
    strict: false,
    after: { f: "a\nc\n" },
  });
  expect(verdict.reason).toContain("more lines than its header counts");
});
