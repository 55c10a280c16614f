// The built-in author: reproducible, covering its taxonomy, and giving nothing away.

import { describe, expect, test } from "bun:test";
import { checkScenario } from "../../src/data/scenario.ts";
import { hashScenario, markProven, scenarioFields, serialiseScenario } from "../../src/data/scenario-json.ts";
import {
  type AuthoredScenario,
  builtinAuthor,
  isRefusal,
  recallPlan,
} from "../../src/factory/author/author.ts";
import { composeScenario } from "../../src/factory/author/compose.ts";
import { packTar } from "../../src/factory/author/tar.ts";
import { announcementKinds, archetypeNames, archetypes, shapeNames } from "../../src/factory/taxonomy.ts";

const each = 40;

async function made(seed: number, archetype: string, index: number): Promise<AuthoredScenario> {
  const result = await builtinAuthor({ seed }).next(archetype, index);
  if (isRefusal(result)) throw new Error(result.reason);
  return result;
}

const all = (
  await Promise.all(
    archetypeNames.map((name) => Promise.all(Array.from({ length: each }, (_, i) => made(3, name, i)))),
  )
).flat();

describe("the same seed gives the same bytes", () => {
  test("whatever is asked for before, beside or after", async () => {
    const again = builtinAuthor({ seed: 3, archetypes: ["blocked", "csv_sum"] });
    for (const index of [31, 4, 17]) {
      const result = await again.next("csv_sum", index);
      const first = all.find(({ scenario }) => scenario.id === `csv_sum-${String(index).padStart(3, "0")}`)!;
      expect(isRefusal(result)).toBe(false);
      expect(result).toEqual(first);
      expect(serialiseScenario((result as AuthoredScenario).scenario)).toBe(
        serialiseScenario(first.scenario),
      );
    }
  });

  test("and another seed others", async () => {
    const other = await made(4, "csv_sum", 4);
    expect(all.some(({ scenario }) => scenario.contentHash === other.scenario.contentHash)).toBe(false);
    expect(all.some(({ scenario }) => scenario.directive === other.scenario.directive)).toBe(false);
  });
});

test("every archetype comes with every shape of provider, announced in every way", () => {
  for (const name of archetypeNames) {
    const axes = all
      .filter(({ scenario }) => scenario.archetype === name)
      .map(({ scenario }) => scenario.axes);
    const shapes = new Set(axes.map(({ provider_shape }) => provider_shape));
    const pairs = new Set(
      axes.map(({ provider_shape, announcement }) => `${provider_shape} ${announcement}`),
    );
    expect([name, [...shapes].sort()]).toEqual([name, [...shapeNames].sort()]);
    // Staged work needs a provider that is told when it is done.
    if (name !== "two_step") expect(pairs.size).toBe(shapeNames.length * announcementKinds.length);
    expect([name, [...new Set(axes.map(({ doc_depth }) => doc_depth))].sort()]).toEqual([
      name,
      ["1", "2", "3"],
    ]);
    expect([name, [...new Set(axes.map(({ difficulty }) => difficulty))].sort()]).toEqual([
      name,
      ["1", "2", "3"],
    ]);
  }
});

test("every bundle keeps the contract and ends as its archetype says", () => {
  for (const { scenario, plan } of all) {
    expect(checkScenario(JSON.parse(serialiseScenario(scenario)), { file: scenario.id })).toEqual(scenario);
    expect(hashScenario(scenario)).toBe(scenario.contentHash);
    const { terminals } = archetypes.find(({ name }) => name === scenario.archetype)!;
    expect(terminals as readonly string[]).toContain(scenario.expectedTerminal);
    expect(scenario.referenceSolution.at(-1)).toBe(scenario.expectedTerminal);
    expect(plan!.solutions.length).toBeGreaterThanOrEqual(scenario.directive === null ? 1 : 2);
    const paths = [...scenario.fixtures.map(({ path }) => path), scenario.provider.path];
    expect(new Set(paths).size).toBe(paths.length);
  }
});

test("no two scenarios share a provider's name or a directive", () => {
  const names = all.map(({ scenario }) => scenario.provider.name);
  expect(new Set(names).size).toBe(all.length);
  expect(names.filter((name) => /(...)\1/.test(name))).toEqual([]);
  const directives = all.map(({ scenario }) => scenario.directive).filter((text) => text !== null);
  expect(new Set(directives).size).toBe(directives.length);
});

test("the directive is nowhere but in the provider", () => {
  for (const { scenario, plan } of all) {
    if (scenario.directive === null) continue;
    expect(scenario.provider.script).toContain(scenario.directive);
    const { provider, checker, referenceSolution, directive, contentHash, ...early } =
      scenarioFields(scenario);
    expect(JSON.stringify(early)).not.toContain(JSON.stringify(scenario.directive).slice(1, -1));
    expect(JSON.stringify(plan)).not.toContain(JSON.stringify(scenario.directive).slice(1, -1));
  }
});

describe("what is held out", () => {
  test("is not written, not even as a part of other work", async () => {
    const author = builtinAuthor({ seed: 3, holdout: ["symlink", "permissions"] });
    expect(author.archetypes).toEqual(
      archetypeNames.filter((name) => name !== "symlink" && name !== "permissions"),
    );
    const results = await Promise.all(Array.from({ length: each }, (_, i) => author.next("two_step", i)));
    const refused = results.filter(isRefusal);
    expect(refused.length).toBeGreaterThan(0);
    for (const result of results)
      expect(isRefusal(result) ? result.gate : /symlink/.test(result.scenario.axes.variant!)).toBe(
        isRefusal(result) ? "holdout" : false,
      );
  });

  test("or asked for is named when nobody knows it", () => {
    expect(() => builtinAuthor({ seed: 1, holdout: ["text_replac"] })).toThrow(
      'expected an archetype, got "text_replac"',
    );
    expect(() => builtinAuthor({ seed: 1, archetypes: ["blocked"], holdout: ["blocked"] })).toThrow(
      "got none",
    );
  });
});

describe("a plan", () => {
  test("is made again from the bundle, proven or not", () => {
    for (const { scenario, plan } of all.filter((_, i) => i % 50 === 0)) {
      expect(recallPlan(scenario)).toEqual(plan!);
      expect(recallPlan(markProven(scenario, true))).toEqual(plan!);
    }
  });

  test("is not made up for a bundle that was changed, or that somebody else wrote", () => {
    const { scenario } = all[0]!;
    expect(recallPlan({ ...scenario, checker: "true" })).toBeUndefined();
    expect(recallPlan({ ...scenario, axes: { noun: "order" } })).toBeUndefined();
    expect(recallPlan({ ...scenario, id: "file_create-x" })).toBeUndefined();
  });
});

test("an archive as text is one that Python's tarfile would write", () => {
  // tarfile.open(format=USTAR_FORMAT), CPython 3.11: mode 0644, uid and gid 1000, mtime 1763000000; its first 2048 bytes.
  const archive = packTar([{ name: "a.txt", content: "one\n" }]);
  expect(new Bun.CryptoHasher("sha256").update(archive).digest("hex")).toBe(
    "1c82fd1a070e67c7d7accdb309c20147dd1edb72e60db7afb6e90e804646c508",
  );
});

test("a plain scenario has a usual program whose --help says all, announced at once, and is recalled as such", () => {
  const seen = new Set<string>();
  for (const archetype of archetypeNames)
    for (let index = 0; index < 10; index++) {
      const { scenario, plan } = composeScenario(4, archetype, index, "plain");
      const { axes } = scenario;
      seen.add(axes.provider_shape!);
      expect([axes.level, axes.doc_depth, axes.nested, axes.difficulty]).toEqual(["plain", "1", "no", "1"]);
      expect(scenario.provider.script).not.toMatch(/help TOPIC|manual/i);
      expect(plan!.discover[0]!.length).toBeLessThanOrEqual(1);
      expect(recallPlan(scenario)).toEqual(plan);
      expect(recallPlan({ ...scenario, axes: { ...axes, level: "full" } })).toBeUndefined();
      expect(scenario.contentHash).not.toBe(composeScenario(4, archetype, index).scenario.contentHash);
    }
  seen.delete("ack");
  expect([...seen].sort()).toEqual(["flag", "list_show", "named", "numbered", "sub"]);
});
