// Choices from known logits: what may be chosen, how often, and that a seed repeats them.

import { expect, test } from "bun:test";
import type { GenerateOptions } from "../../src/generate/options.ts";
import { Sampler } from "../../src/generate/sampler.ts";

const probabilities = [0.4, 0.25, 0.15, 0.1, 0.06, 0.04];
// A shift of all logits changes nothing.
const logits = Float32Array.from(probabilities, (p) => Math.log(p) + 3);

/** How often each id is chosen. */
function shares(options: Partial<GenerateOptions>, tokens: number[] = [], rounds = 20000): number[] {
  const sampler = new Sampler({ maxTokens: 1, temperature: 1, seed: 11, ...options });
  const counts = new Array<number>(probabilities.length).fill(0);
  for (let i = 0; i < rounds; i++) counts[sampler.choose(logits, tokens).id]!++;
  return counts.map((count) => count / rounds);
}

/** Four standard deviations of a share of 20000 draws, at most. */
const slack = 4 * Math.sqrt(0.25 / 20000);

function expectShares(actual: number[], weights: number[]): void {
  const total = weights.reduce((a, b) => a + b);
  for (const [i, weight] of weights.entries()) {
    if (weight === 0) expect({ i, share: actual[i] }).toEqual({ i, share: 0 });
    else expect(Math.abs(actual[i]! - weight / total)).toBeLessThan(slack);
  }
}

test("tokens come as often as the model says", () => expectShares(shares({}), probabilities));
test("temperature flattens and sharpens", () => {
  for (const temperature of [0.5, 2])
    expectShares(
      shares({ temperature }),
      probabilities.map((p) => p ** (1 / temperature)),
    );
});
test("top-k leaves the k likeliest", () => expectShares(shares({ topK: 2 }), [0.4, 0.25, 0, 0, 0, 0]));
test("top-p leaves the fewest that reach it", () => {
  expectShares(shares({ topP: 0.7 }), [0.4, 0.25, 0.15, 0, 0, 0]);
  expectShares(shares({ topP: 0.01 }), [1, 0, 0, 0, 0, 0]);
});
test("top-p counts what top-k left", () => expectShares(shares({ topK: 2, topP: 0.6 }), [1, 0, 0, 0, 0, 0]));
test("min-p is a share of the likeliest", () =>
  expectShares(shares({ minP: 0.2 }), [0.4, 0.25, 0.15, 0.1, 0, 0]));
test("a repetition penalty divides logits above 0 and multiplies those below", () => {
  const penalised = Array.from(logits, (x, i) => (i === 0 || i === 5 ? (x < 0 ? x * 2 : x / 2) : x));
  expectShares(shares({ repetitionPenalty: 2 }, [0, 5, 0]), penalised.map(Math.exp));
});
test("no temperature takes the likeliest, after the penalty", () => {
  expect(shares({ temperature: 0 }, [], 3)[0]).toBe(1);
  expect(shares({ temperature: 0, repetitionPenalty: 2 }, [0], 3)[1]).toBe(1);
});
test("a seed repeats the choices; another makes others", () => {
  const choices = (seed: number) => {
    const sampler = new Sampler({ maxTokens: 1, temperature: 1, seed });
    return Array.from({ length: 50 }, () => sampler.choose(logits, []).id).join();
  };
  expect(choices(1)).toBe(choices(1));
  expect(choices(1)).not.toBe(choices(2));
});
test("log probabilities are the model's own, whatever was sampled", () => {
  const options = { maxTokens: 1, temperature: 0.3, topK: 1, repetitionPenalty: 3, logprobs: 3, seed: 1 };
  const { id, logprob, top } = new Sampler(options).choose(logits, [0]);
  expect(logprob).toBeCloseTo(Math.log(probabilities[id]!), 5);
  expect(top!.map(([i]) => i)).toEqual([0, 1, 2]);
  for (const [i, value] of top!) expect(value).toBeCloseTo(Math.log(probabilities[i]!), 5);
});
test("a logit that is not a number is refused", () => {
  const broken = logits.slice();
  broken[3] = Number.NaN;
  expect(() => new Sampler({ maxTokens: 1 }).choose(broken, [])).toThrow(/finite/);
});
