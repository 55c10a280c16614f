// The references that judge the kernels are judged here: their gradients against central differences of their values.
import { expect, test } from "bun:test";
import { noise } from "../ops/op-harness.ts";
import { adamw } from "./adamw.ts";
import { attentionBackward, attentionForward } from "./attention.ts";
import { crossEntropy, crossEntropyBackward } from "./cross-entropy.ts";
import { kept, randomBits, uniform } from "./random.ts";
import { rmsNormBackward, rmsNormForward, rmsNormWeightBackward } from "./rms-norm.ts";
import { rope, ropeTables } from "./rope.ts";
import { swiglu, swigluBackward } from "./swiglu.ts";

const step = 1e-5;

/** Compares a gradient with the central differences of `value` in each element of `at`. */
function expectGradient(
  gradient: ArrayLike<number>,
  at: Float64Array,
  value: (point: Float64Array) => number,
): void {
  const scale = Math.max(...Array.from(gradient, Math.abs));
  at.forEach((_, i) => {
    const moved = (by: number) => {
      const point = Float64Array.from(at);
      point[i]! += by;
      return value(point);
    };
    const difference = (moved(step) - moved(-step)) / (2 * step);
    expect(Math.abs(gradient[i]! - difference)).toBeLessThan(1e-6 * scale + 1e-9);
  });
}

const inner = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((sum, value, i) => sum + value * b[i]!, 0);
const numbers = (seed: number, length: number) => Float64Array.from(noise(seed, length));

test("RMSNorm", () => {
  const [rows, columns, eps] = [3, 5, 0.05];
  const [x, weight, dy] = [numbers(1, 15), numbers(2, 5), numbers(3, 15)];
  const { rstd } = rmsNormForward(x, weight, rows, columns, eps);
  expectGradient(rmsNormBackward(dy, x, weight, rstd, rows, columns), x, (point) =>
    inner(dy, rmsNormForward(point, weight, rows, columns, eps).y),
  );
  expectGradient(rmsNormWeightBackward(dy, x, rstd, rows, columns), weight, (point) =>
    inner(dy, rmsNormForward(x, point, rows, columns, eps).y),
  );
});

test("rotary embedding", () => {
  const s = { tokens: 3, heads: 2, headDim: 6 };
  const tables = ropeTables(20, 6, 100);
  const positions = [0, 7, 19];
  const [x, dy] = [numbers(1, 36), numbers(2, 36)];
  expectGradient(rope(dy, positions, tables, s, -1), x, (point) =>
    inner(dy, rope(point, positions, tables, s, 1)),
  );
});

test("attention over intervals with grouped queries", () => {
  const s = { tokens: 6, heads: 4, kvHeads: 2, headDim: 3, scale: 0.7 };
  const lo = [0, 0, 2, 2, 3, 5];
  const [q, k, v, dout] = [numbers(1, 72), numbers(2, 36), numbers(3, 36), numbers(4, 72)];
  const { dq, dk, dv } = attentionBackward(q, k, v, lo, dout, s);
  expectGradient(dq, q, (point) => inner(dout, attentionForward(point, k, v, lo, s).out));
  expectGradient(dk, k, (point) => inner(dout, attentionForward(q, point, v, lo, s).out));
  expectGradient(dv, v, (point) => inner(dout, attentionForward(q, k, point, lo, s).out));
});

test("SwiGLU", () => {
  for (const [g, u] of [
    [0.3, -2],
    [-4, 1.5],
    [6, 0.1],
  ] as const) {
    const { dg, du } = swigluBackward(g, u, 1.7);
    const value = (point: Float64Array) => 1.7 * swiglu(point[0]!, point[1]!);
    expectGradient([dg, du], Float64Array.of(g, u), value);
  }
});

test("cross-entropy", () => {
  const logits = numbers(1, 9);
  expectGradient(crossEntropyBackward(logits, 4, 0.3), logits, (point) => 0.3 * crossEntropy(point, 4));
});

test("AdamW's first step has the size of the rate, whatever the gradient", () => {
  const o = { learningRate: 0.01, beta1: 0.9, beta2: 0.999, eps: 0, weightDecay: 0 };
  for (const g of [1e-3, -7])
    expect(adamw({ p: 1, m: 0, v: 0 }, g, 1, o).p).toBeCloseTo(1 - 0.01 * Math.sign(g), 12);
  expect(adamw({ p: 1, m: 0, v: 0 }, 0, 1, { ...o, eps: 1e-8, weightDecay: 0.1 }).p).toBeCloseTo(0.999, 12);
});

test("random bits are even, and one salt or seed says nothing about another", () => {
  const count = 20000;
  const share = (of: (i: number) => boolean) =>
    Array.from({ length: count }, (_, i) => of(i)).filter(Boolean).length / count;
  const near = (actual: number, p: number) =>
    expect(Math.abs(actual - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / count));
  for (const [seed, salt] of [
    [42, 0],
    [42, 1],
    [0, 0],
    [7, 123456789],
  ] as const) {
    for (const p of [0.05, 0.5])
      near(
        share((i) => !kept(p, seed, salt, i)),
        p,
      );
    const dropped = (i: number, s: number = seed, t: number = salt) => !kept(0.3, s, t, i);
    near(
      share((i) => dropped(i) && dropped(i + 1)),
      0.09,
    );
    near(
      share((i) => dropped(i) && dropped(i, seed, salt + 1)),
      0.09,
    );
    near(
      share((i) => dropped(i) && dropped(i, seed + 1)),
      0.09,
    );
    for (let bit = 0; bit < 32; bit++)
      near(
        share((i) => ((randomBits(seed, salt, i) >>> bit) & 1) === 1),
        0.5,
      );
    const values = Array.from({ length: count }, (_, i) => uniform(seed, salt, i));
    expect(Math.abs(values.reduce((sum, value) => sum + value, 0) / count)).toBeLessThan(0.025);
    expect(values.every((value) => value >= -1 && value < 1)).toBe(true);
  }
});
