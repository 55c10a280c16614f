import { describe, expect, test } from "bun:test";
import { parseSpec } from "../../src/experiment/read-spec.ts";
import { archetypeNames } from "../../src/factory/taxonomy.ts";
import { experimentText } from "../../src/quickstart/experiment-text.ts";
import { heldOut, recipeFor } from "../../src/quickstart/recipe.ts";

const parts = { budget: { sessions: 100, replay: 50 }, scenarios: 16, seed: 7, sandbox: "bubblewrap" };
const own = parseSpec(
  experimentText({ ...parts, base: "embedded", recipe: recipeFor("embedded") }),
  "experiment.yaml",
);

describe("the experiment that a quickstart is", () => {
  test("is a file that the experiment reader takes, with what was settled", () => {
    expect(own.bases).toEqual({ base: "embedded" });
    expect(own.sandbox).toEqual({ sandbox: "bubblewrap" });
    expect(own.data.main).toMatchObject({
      author: { n: 100, seed: 7, samples: 1, gates: "proof", trim: true },
      replay: { file: "embedded", n: 50 },
    });
    expect(own.arms.adapter).toMatchObject({ base: "base", data: "main", seeds: [7], compareWith: "base" });
    expect(own.arms.adapter!.training).toEqual({ ...recipeFor("embedded").training });
    expect(own.arms.base).toMatchObject({ data: null, seeds: [] });
    expect(own.eval).toMatchObject({ temperature: 0, samples: 1, maxSteps: 14 });
  });

  test("trains on seven kinds of work and asks for two others, from another seed", () => {
    expect(own.holdout).toEqual(["text_replace", "permissions"]);
    const trained = own.data.main!.author!.archetypes as string[];
    const asked = own.scenarios.heldout!.author!;
    expect(new Set(trained).size).toBe(7);
    expect(trained.filter((name) => heldOut.some((held) => held === name))).toEqual([]);
    expect(asked.archetypes).toEqual(["text_replace", "permissions"]);
    expect(asked.seed).not.toBe(own.data.main!.author!.seed);
    expect(asked.n).toBe(16);
    for (const name of [...trained, ...heldOut]) expect(archetypeNames).toContain(name as "blocked");
  });

  test("has no replay for a base from elsewhere, whose path may hold anything", () => {
    const base = 'my "own": base #1';
    const other = parseSpec(
      experimentText({ ...parts, budget: { sessions: 100, replay: 0 }, base, recipe: recipeFor(base) }),
      "experiment.yaml",
    );
    expect(other.bases).toEqual({ base });
    expect(other.data.main!.replay).toBeNull();
    expect(other.arms.adapter!.training.learningRate).toBe(5e-4);
  });
});
