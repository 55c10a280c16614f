import { expect, test } from "bun:test";
import { join } from "node:path";
import { InitialBase } from "../../src/formats/initial-base.ts";

const models = join(import.meta.dir, "../golden/numeric/models");
const open = (model: string, seed = 1) => new InitialBase(join(models, model), seed);

test("random weights are normal with the config's deviation, norms 1, biases 0", () => {
  using base = open("tiny-qwen2");
  const values = base.readF32("model.embed_tokens.weight", 0, 288);
  const moment = (power: number) => values.reduce((sum, x) => sum + x ** power, 0) / values.length;
  const range = base.config.raw.initializer_range as number;
  expect(Math.abs(moment(1) / range)).toBeLessThan(0.03);
  expect(Math.abs(moment(2) / range ** 2 - 1)).toBeLessThan(0.04);
  // A normal distribution's fourth moment is three times its variance squared.
  expect(Math.abs(moment(4) / (3 * range ** 4) - 1)).toBeLessThan(0.1);
  expect([...base.readF32("model.norm.weight", 0, 64)]).toEqual(new Array(64).fill(1));
  expect([...base.readF32("model.layers.1.self_attn.q_proj.bias", 0, 64)]).toEqual(new Array(64).fill(0));
  expect(base.tensors.has("lm_head.weight")).toBe(false);
});

test("rows are the same however they are read, and others for another tensor or seed", () => {
  using base = open("tiny-llama");
  const name = "model.layers.0.self_attn.q_proj.weight";
  const all = base.readF32(name, 0, 64);
  expect(base.readF32(name, 10, 12)).toEqual(all.slice(10 * 64, 12 * 64));
  expect(base.readF32(name, 0, 1)).not.toEqual(base.readF32("model.layers.1.self_attn.q_proj.weight", 0, 1));
  using other = open("tiny-llama", 2);
  expect(other.readF32(name, 0, 1)).not.toEqual(base.readF32(name, 0, 1));
  expect(other.fingerprint()).not.toBe(base.fingerprint());
  expect(open("tiny-llama").fingerprint()).toBe(base.fingerprint());
});

test("a shape that is quantised is refused", () => {
  expect(() => open("tiny-mistral-nf4")).toThrow(
    "expected a shape for random weights, got one that is quantised",
  );
});
