import { expect } from "bun:test";
import { adamw, gradNorm, gradNormPartials } from "../../src/ops/adamw.ts";
import { dropout, dropoutAdd, uniformNoise } from "../../src/ops/dropout.ts";
import torch from "../golden/adamw/adamw.json";
import { testDevice } from "../gpu.ts";
import {
  type AdamState,
  adamw as adamwReference,
  clipCoefficient,
  gradNorm as normReference,
} from "../reference/adamw.ts";
import { kept, uniform } from "../reference/random.ts";
import { Bench, expectClose, halfUlp, largest, noise, rounded } from "./op-harness.ts";

// Software adapters compile at the first dispatch; on a busy machine that takes a while.
const timeout = 120000;

const settings = { learningRate: 2e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.1 };

for (const tier of ["software", "f16"] as const) {
  const { device, gpuTest: onDevice } = await testDevice({ tier });
  const gpuTest = (name: string, run: () => Promise<void>) =>
    onDevice(`${name} (${tier} kernels)`, run, timeout);

  /** Runs gradNorm on gradients that fill their tensors exactly, and returns its four numbers. */
  async function normOf(gradients: readonly Float32Array[], maxNorm: number, inverseScale: number) {
    const tensors = gradients.map((gradient) => {
      const tensor = device.tensor("test", "gradient", "f32", [gradient.length]);
      device.write(tensor, gradient);
      return tensor;
    });
    await using bench = new Bench(device);
    const partials = bench.output(gradNormPartials(gradients.length));
    const result = bench.output(4);
    bench.run((stream) =>
      gradNorm(stream, { gradients: tensors, partials, result }, { maxNorm, inverseScale }),
    );
    const numbers = [...(await bench.read(result))];
    await bench.read(partials);
    for (const tensor of tensors) device.free(tensor);
    return numbers as [number, number, number, number];
  }

  gpuTest("the norm runs over all tensors, and clips as torch does", async () => {
    for (const lengths of [[1], [3, 70001], [64, 65, 4096, 9], [300000]])
      for (const [maxNorm, inverseScale] of [
        [1, 1],
        [1e4, 1],
        [0.3, 2 ** -10],
        [0, 1],
      ] as const) {
        const gradients = lengths.map((length, i) => noise(i, length, 1 / inverseScale));
        const norm = normReference(gradients, inverseScale);
        const actual = await normOf(gradients, maxNorm, inverseScale);
        const expected = [norm, clipCoefficient(norm, maxNorm), 1, inverseScale];
        expectClose(`norm over ${lengths}`, actual, expected, { absolute: 0, relative: 1e-6 });
      }
  });

  gpuTest("the clip coefficient keeps torch's 1e-6 beside a tiny norm", async () => {
    const [, coefficient] = await normOf([Float32Array.of(3e-6, 4e-6)], 3e-6, 1);
    expect(coefficient).toBeCloseTo(0.5, 5);
  });

  gpuTest("one bad element anywhere makes the step not finite", async () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      for (const at of [0, 17, 1999]) {
        const gradients = [noise(1, 500), noise(2, 2000)];
        gradients[1]![at] = bad;
        expect((await normOf(gradients, 1, 1))[2]).toBe(0);
      }
    expect((await normOf([Float32Array.of(3e38, 3e38)], 1, 1))[2]).toBe(0);
  });

  gpuTest("twenty AdamW updates of part of a tensor follow the paper", async () => {
    await using bench = new Bench(device);
    const [start, count, length] = [5, 203, 230];
    const values = noise(1, length);
    const p = bench.inOut(values);
    const [m, v] = [bench.inOut(new Float32Array(length)), bench.inOut(new Float32Array(length))];
    const norm = bench.inOut([0, 0, 0, 0]);
    let states = [...values].map((value): AdamState => ({ p: value, m: 0, v: 0 }));
    for (let t = 1; t <= 20; t++) {
      // Some gradients are as small as eps, so that it matters.
      const slopes = noise(100 + t, length).map((slope, i) => slope * 10 ** -(i % 9));
      const [coefficient, inverseScale] = [1 / t, 0.25];
      const result = Float32Array.of(9, coefficient, 1, inverseScale);
      device.write(norm, result);
      const g = bench.input(slopes);
      const corrections = { correction1: 1 - settings.beta1 ** t, correction2: 1 - settings.beta2 ** t };
      bench.run((stream) =>
        adamw(stream, { p, g, m, v, norm }, { start, count, ...settings, ...corrections }),
      );
      states = states.map((state, i) =>
        i < start || i >= start + count
          ? state
          : adamwReference(state, slopes[i]! * result[1]! * inverseScale, t, settings),
      );
    }
    for (const [what, tensor, key] of [
      ["m", m, "m"],
      ["v", v, "v"],
      ["p", p, "p"],
    ] as const) {
      const expected = states.map((state) => state[key]);
      expectClose(what, await bench.read(tensor), expected, {
        absolute: key === "p" ? 5e-7 : 1e-30,
        relative: 3e-6,
      });
    }
  });

  gpuTest("a step that is not finite changes nothing", async () => {
    await using bench = new Bench(device);
    const values = noise(1, 40);
    const [p, m, v] = [bench.inOut(values), bench.inOut(values), bench.inOut(values)];
    const t = {
      p,
      m,
      v,
      g: bench.input(new Float32Array(40).fill(Number.NaN)),
      norm: bench.input([1, 1, 0, 1]),
    };
    const sizes = { start: 0, count: 40, ...settings, correction1: 0.1, correction2: 0.001 };
    bench.run((stream) => adamw(stream, t, sizes));
    for (const tensor of [p, m, v]) expect(await bench.read(tensor)).toEqual(values);
  });

  gpuTest("drops what the reference drops, forward and backward", async () => {
    await using bench = new Bench(device);
    const count = 5000;
    const x = noise(1, count).map((value) => value + Math.sign(value));
    for (const [probability, seed, salt] of [
      [0.05, 42, 0],
      [0.5, 0xffffffff, 0x80000001],
      [0, 1, 2],
    ] as const) {
      const y = bench.output(count);
      const sum = bench.inOut(new Float32Array(count).fill(0.5));
      const s = { count, probability, seed, salt };
      bench.run((stream) => {
        dropout(stream, { x: bench.input(x), y }, s);
        dropoutAdd(stream, { x: bench.input(x), y: sum }, s);
      });
      const expected = x.map((value, i) =>
        kept(probability, seed, salt, i) ? value / (1 - probability) : 0,
      );
      expectClose("y", await bench.read(y), expected, { absolute: 0, relative: 2e-7 });
      expectClose(
        "y added",
        await bench.read(sum),
        expected.map((value) => value + 0.5),
        { absolute: 4e-7 },
      );
    }
  });

  gpuTest("drops between storage types", async () => {
    if (tier !== "f16") return;
    await using bench = new Bench(device);
    const x = rounded(noise(1, 301), "f16");
    const s = { count: 301, probability: 0.25, seed: 7, salt: 8 };
    const expected = x.map((value, i) => (kept(0.25, 7, 8, i) ? value / 0.75 : 0));
    for (const dtype of ["f32", "f16"] as const) {
      const y = bench.output(301, dtype);
      bench.run((stream) => dropout(stream, { x: bench.input(x, "f16"), y }, s));
      expectClose("y", await bench.read(y), expected, {
        absolute: 0,
        relative: dtype === "f16" ? halfUlp : 2e-7,
      });
    }
  });

  gpuTest("adds noise by row", async () => {
    await using bench = new Bench(device);
    const [tokens, columns, seed, salt] = [5, 33, 3, 4];
    const before = noise(1, tokens * columns);
    const magnitude = noise(2, tokens);
    const x = bench.inOut(before);
    const t = { x, magnitude: bench.input(magnitude) };
    bench.run((stream) => uniformNoise(stream, t, { tokens, columns, seed, salt }));
    const expected = before.map(
      (value, i) => value + uniform(seed, salt, i) * magnitude[Math.floor(i / columns)]!,
    );
    expectClose("x", await bench.read(x), expected, { absolute: 3e-7 });
  });
}

const { device, gpuTest } = await testDevice();

gpuTest("norm, clipping and six AdamW updates are torch's, to the last bits", async () => {
  await using bench = new Bench(device);
  const length = torch.start.length;
  const zeros = new Float32Array(length);
  const [p, m, v] = [bench.inOut(torch.start), bench.inOut(zeros), bench.inOut(zeros)];
  const g = device.tensor("test", "g", "f32", [length]);
  const partials = bench.output(gradNormPartials(1));
  const norm = bench.output(4);
  for (const [i, step] of torch.steps.entries()) {
    device.write(g, Float32Array.from(step.g));
    const sizes = { ...settings, learningRate: step.rate, start: 0, count: length };
    const corrections = { correction1: 1 - 0.9 ** (i + 1), correction2: 1 - 0.999 ** (i + 1) };
    bench.run((stream) => {
      const limits = { maxNorm: torch.max_norm, inverseScale: 1 };
      gradNorm(stream, { gradients: [g], partials, result: norm }, limits);
      adamw(stream, { p, g, m, v, norm }, { ...sizes, ...corrections });
    });
    const ulp = 2 ** -23;
    expectClose("norm", (await bench.read(norm)).subarray(0, 1), [step.norm], {
      absolute: 0,
      relative: 2 * ulp,
    });
    expectClose("m", await bench.read(m), step.m, { absolute: ulp * largest(step.g), relative: 4 * ulp });
    expectClose("v", await bench.read(v), step.v, { absolute: 1e-24, relative: 4 * ulp });
    expectClose("p", await bench.read(p), step.p, { absolute: 2e-9, relative: 2 * ulp });
  }
  device.free(g);
});

gpuTest("the same bits every time", async () => {
  const gradient = device.tensor("test", "gradient", "f32", [100003]);
  device.write(gradient, noise(1, 100003));
  const partials = device.tensor("test", "partials", "f32", [gradNormPartials(1)]);
  const result = device.tensor("test", "result", "f32", [4]);
  const bits: number[] = [];
  for (let i = 0; i < 5; i++) {
    await using bench = new Bench(device);
    bench.run((stream) =>
      gradNorm(stream, { gradients: [gradient], partials, result }, { maxNorm: 1, inverseScale: 1 }),
    );
    bits.push((await device.readWords(result))[0]!);
  }
  expect(new Set(bits).size).toBe(1);
  for (const tensor of [gradient, partials, result]) device.free(tensor);
});

gpuTest("refuses a probability of 1", async () => {
  await using bench = new Bench(device);
  const t = { x: bench.input([1]), y: bench.output(1) };
  const s = { count: 1, probability: 1, seed: 0, salt: 0 };
  expect(() => bench.run((stream) => dropout(stream, t, s))).toThrow("probability must be in [0, 1), got 1");
});
