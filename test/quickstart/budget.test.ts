import { describe, expect, test } from "bun:test";
import { UserError } from "../../src/base/errors.ts";
import { type BudgetQuestion, planBudget } from "../../src/quickstart/budget.ts";
import { type Recipe, recipeFor } from "../../src/quickstart/recipe.ts";

const recipe: Recipe = {
  ...recipeFor("embedded"),
  sessions: { wanted: 1000, least: 100 },
  replayShare: 0.5,
  expected: { sessionTokens: 300, sessionCost: 400, replayTokens: 200, episodeTokens: 1000 },
};
const question: BudgetQuestion = { recipe, minutes: 10, scenarios: 16, tokensPerSecond: 1000, cpus: 2 };

describe("the budget", () => {
  // 600 s less 5 s of start, less twice the eval (5 + 16 s) = 553 s at 1000 tok/s; a session and its half row of replay are 500 tokens.
  test("trains on as many sessions as the minutes hold beside both evals", () => {
    expect(planBudget({ ...question, tokensPerSecond: 1000 }).sessions).toBe(1000);
    const slow = planBudget({ ...question, tokensPerSecond: 500 });
    // 600 - 5 - 2 * (5 + 32) = 521 s, at 1 s a session.
    expect(slow.sessions).toBe(520);
    expect(slow.replay).toBe(260);
    expect(slow.steps).toBe(195);
    expect(slow.seconds.training).toBeCloseTo(5 + 520, 6);
    expect(slow.seconds.training + 2 * slow.seconds.eval).toBeLessThanOrEqual(600);
  });

  test("trains on no more than the recipe wants, on a fast device and without a limit", () => {
    expect(planBudget({ ...question, tokensPerSecond: 1e6 }).sessions).toBe(1000);
    const endless = planBudget({ ...question, minutes: undefined, tokensPerSecond: 10 });
    expect(endless.sessions).toBe(1000);
    // 500 tokens a session at 10 tok/s, and the start.
    expect(endless.seconds.training).toBeCloseTo(50_005, 6);
  });

  test("says the least where the minutes show nothing", () => {
    // 100 sessions at 100 tok/s: 505 s, and twice 5 + 160 s: 835 s are 14 minutes.
    const few = { ...question, tokensPerSecond: 100 };
    expect(() => planBudget(few)).toThrow(/^--minutes: expected at least 14 on this device .* got 10$/);
    expect(planBudget({ ...few, minutes: 14 }).sessions).toBeGreaterThanOrEqual(100);
    try {
      planBudget(few);
    } catch (error) {
      expect(error).toBeInstanceOf(UserError);
    }
  });
});
