// The file of a mix: what it may say, and where a mistake is told to be.

import { describe, expect, test } from "bun:test";
import { DataError } from "../../src/base/errors.ts";
import { largestRemainder } from "../../src/mix/quotas.ts";
import { parseMix } from "../../src/mix/read-spec.ts";

const shares = (yaml: string) => parseMix(yaml, "mix.yaml").sources.map(({ share }) => share);

/** Message and hint of the mistake in a file. */
function mistake(yaml: string): string {
  try {
    parseMix(yaml, "mix.yaml");
  } catch (error) {
    if (error instanceof DataError) return [error.message, error.hint].filter(Boolean).join(" | ");
    throw error;
  }
  throw new Error("expected a mistake, got none");
}

const two = (a: string, b: string) => `sources:\n  a: { path: a.jsonl, ${a} }\n  b: { path: b.jsonl, ${b} }`;

describe("shares", () => {
  test("may be written as percent, as parts of 100 and as parts of 1", () => {
    for (const yaml of [
      two("share: 70 %", "share: 30 %"),
      two("share: 70", "share: 30"),
      two("share: 0.7", "share: 0.3"),
    ])
      expect(shares(yaml)).toEqual([0.7, 0.3]);
    // Thirds and tenths have no exact binary form.
    expect(
      shares(
        `sources: {${[1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((i) => `s${i}: {path: x, share: 0.1}`).join(", ")}}`,
      ),
    ).toHaveLength(10);
  });

  test("are those of the plan where none is stated: 45, 20, 15, 10 and 10 percent", () => {
    const kinds = ["code", "edits", "tools", "administration", "chat"];
    expect(shares(`sources: { ${kinds.map((kind) => `${kind}: { path: x }`).join(", ")} }`)).toEqual([
      0.45, 0.2, 0.15, 0.1, 0.1,
    ]);
    expect(
      shares(
        `sources: { py: { path: x, kind: code }, ts: { path: x, kind: code }, ${kinds
          .slice(1)
          .map((kind) => `${kind}: { path: x }`)
          .join(", ")} }`,
      ),
    ).toEqual([0.225, 0.225, 0.2, 0.15, 0.1, 0.1]);
  });

  test("that do not add up are refused with their sum", () => {
    expect(mistake(two("share: 45", "share: 50"))).toBe(
      "mix.yaml:1: sources: expected shares that add up to 100, got 95 (a 45 + b 50)",
    );
    expect(mistake(two("share: 0.5", "share: 0.6"))).toContain("add up to 1 or 100, got 1.1");
    expect(mistake(two("share: 45", "kind: chat"))).toContain("mix.yaml:3: sources.b: expected a share");
    expect(mistake("sources: { code: { path: x }, edits: { path: x } }")).toContain(
      "got none for tools, administration, chat (15 %, 10 %, 10 % of the plan)",
    );
    expect(mistake("sources: { coed: { path: x } }")).toContain("did you mean code?");
    expect(mistake(two("share: 0", "share: 100"))).toContain(
      "mix.yaml:2: sources.a.share: expected a share above 0",
    );
    expect(mistake(two("holdout: all, share: 5", "share: 95"))).toContain("held out whole");
  });

  test("become whole numbers as Hamilton's method has them", () => {
    // The worked example of Wikipedia's article on the largest remainder method: 100,000 votes, 10 seats, Hare quota.
    expect(largestRemainder([0.47, 0.16, 0.158, 0.12, 0.061, 0.031], 10)).toEqual([5, 2, 1, 1, 1, 0]);
    for (const total of [1, 7, 99, 100, 12345, 2_000_003])
      expect(largestRemainder([0.45, 0.2, 0.15, 0.1, 0.1], total).reduce((sum, one) => sum + one, 0)).toBe(
        total,
      );
    expect(largestRemainder([0.29, 0.71], 100)).toEqual([29, 71]);
  });
});

describe("a mistake in the file is told with line and field", () => {
  const fine = two("share: 50", "share: 50");
  for (const [what, yaml, told] of [
    [
      "an unknown key",
      `sed: 3\n${fine}`,
      /^mix\.yaml:1: sed: expected one of seed, .* got "sed" \| did you mean seed\?$/,
    ],
    [
      "an unknown key of a source",
      two("share: 50, oversampel: 2", "share: 50"),
      /^mix\.yaml:2: sources\.a\.oversampel: .*did you mean oversample\?$/,
    ],
    [
      "an unknown key of a part",
      `${fine}\ndedup:\n  treshold: 0.9`,
      /^mix\.yaml:5: dedup\.treshold: .*did you mean threshold\?$/,
    ],
    [
      "another unit",
      `by: token\n${fine}`,
      /^mix\.yaml:1: by: expected .*rows, tokens, characters; got "token" \| did you mean tokens\?$/,
    ],
    ["tokens without a base", `by: tokens\n${fine}`, /^mix\.yaml:1: by: expected base beside by: tokens/],
    [
      "another action",
      `${fine}\ncontamination: { archetypes: [x], action: delete }`,
      /^mix\.yaml:4: contamination\.action: expected what happens to such rows: refuse, drop, list; got "delete"/,
    ],
    [
      "nothing to be contaminated with",
      `${fine}\ncontamination: { action: drop }`,
      /^mix\.yaml:4: contamination: expected against or archetypes/,
    ],
    ["a source without a path", "sources:\n  a: { share: 100 }", /^mix\.yaml:2: sources\.a: expected path/],
    ["no sources", "seed: 1", /expected sources, got none/],
    [
      "a broken number",
      `total: many\n${fine}`,
      /^mix\.yaml:1: total: expected a whole number of at least 1, got "many"/,
    ],
    [
      "a threshold out of range",
      `${fine}\ndedup: { threshold: 80 }`,
      /^mix\.yaml:4: dedup\.threshold: expected a number from 0\.5 to 1, got 80/,
    ],
    [
      "a holdout out of range",
      `holdout: 120 %\n${fine}`,
      /^mix\.yaml:1: holdout: expected a part from 0 to 1/,
    ],
    [
      "a path that stands twice",
      "sources: { a: { path: [x.jsonl, x.jsonl], share: 100 } }",
      /expected each once, got "x\.jsonl" twice/,
    ],
    ["no YAML", "sources: [", /^mix\.yaml:1: expected YAML/],
  ] as const)
    test(what, () => expect(mistake(yaml)).toMatch(told));
});

test("keys may be written in kebab and camel case", () => {
  expect(parseMix(`groupBy: repo\n${two("share: 50", "share: 50")}`, "mix.yaml").groupBy).toBe("repo");
  expect(parseMix(`group-by: repo\n${two("share: 50", "share: 50")}`, "mix.yaml").groupBy).toBe("repo");
});
