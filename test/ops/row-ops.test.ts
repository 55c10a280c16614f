import { expect } from "bun:test";
import { add, addBias } from "../../src/ops/add.ts";
import { crossEntropy } from "../../src/ops/cross-entropy.ts";
import { embed } from "../../src/ops/embed.ts";
import { rmsNormBackward, rmsNormForward } from "../../src/ops/rms-norm.ts";
import { rope } from "../../src/ops/rope.ts";
import { rowMean, scaleRows } from "../../src/ops/row-factors.ts";
import { gatherRows, scatterRows } from "../../src/ops/rows.ts";
import { swigluBackward, swigluForward } from "../../src/ops/swiglu.ts";
import { testDevice } from "../gpu.ts";
import {
  crossEntropyBackward as crossEntropySlope,
  crossEntropy as crossEntropyValue,
} from "../reference/cross-entropy.ts";
import * as rmsNorm from "../reference/rms-norm.ts";
import * as ropeReference from "../reference/rope.ts";
import * as swiglu from "../reference/swiglu.ts";
import { Bench, expectClose, halfUlp, largest, noise, rounded } from "./op-harness.ts";

// Software adapters compile at the first dispatch; on a busy machine that takes a while.
const timeout = 120000;

for (const tier of ["software", "f16"] as const) {
  const { device, gpuTest: onDevice } = await testDevice({ tier });
  const gpuTest = (name: string, run: () => Promise<void>) =>
    onDevice(`${name} (${tier} kernels)`, run, timeout);
  const types = tier === "f16" ? (["f32", "f16"] as const) : (["f32"] as const);
  const looseness = (dtype: "f32" | "f16") => (dtype === "f16" ? halfUlp : 2e-6);

  for (const [rows, columns, scale] of [
    [1, 1, 1],
    [3, 8, 1],
    [17, 24, 1e-3],
    [9, 129, 1e-3],
    [5, 576, 1],
    [2, 8197, 1],
    [3, 1030, 1e-4],
  ] as const)
    gpuTest(`normalises ${rows} rows of ${columns}, inputs up to ${scale}, and back`, async () => {
      for (const dtype of types) {
        await using bench = new Bench(device);
        const eps = 1e-5;
        const x = rounded(noise(1, rows * columns, scale), "f32");
        const weight = rounded(noise(2, columns), "f32");
        const expected = rmsNorm.rmsNormForward(x, weight, rows, columns, eps);
        const y = bench.output(x.length, dtype);
        const rstd = bench.output(rows);
        const t = { x: bench.input(x), weight: bench.input(weight) };
        bench.run((stream) => rmsNormForward(stream, { ...t, y, rstd }, { rows, columns, eps }));
        expectClose("y", await bench.read(y), expected.y, { absolute: 1e-6, relative: looseness(dtype) });
        expectClose("rstd", await bench.read(rstd), expected.rstd, { absolute: 0, relative: 2e-6 });

        const dy = rounded(noise(3, x.length), "f32");
        const xs = rounded(x, dtype);
        const slope = rmsNorm.rmsNormBackward(dy, xs, weight, expected.rstd, rows, columns);
        const before = rounded(noise(4, x.length), "f32");
        const back = { x: bench.input(xs, dtype), weight: t.weight, rstd: bench.input(expected.rstd) };
        const given = bench.input(dy);
        const [fresh, sum, inPlace] = [bench.output(x.length), bench.inOut(before), bench.inOut(dy)];
        const sizes = { rows, columns, accumulate: false };
        bench.run((stream) => {
          rmsNormBackward(stream, { ...back, dy: given, dx: fresh }, sizes);
          rmsNormBackward(stream, { ...back, dy: given, dx: sum }, { ...sizes, accumulate: true });
          rmsNormBackward(stream, { ...back, dy: inPlace, dx: inPlace }, sizes);
        });
        const bound = { absolute: 4e-6 * largest(slope) + 1e-7 };
        expectClose("dx", await bench.read(fresh), slope, bound);
        expectClose("dx in place", await bench.read(inPlace), slope, bound);
        const added = slope.map((value, i) => value + before[i]!);
        expectClose("dx added", await bench.read(sum), added, { absolute: bound.absolute + 1e-6 });
      }
    });

  gpuTest("embeds from shards, each token from the shard that has it", async () => {
    for (const dtype of types) {
      await using bench = new Bench(device);
      const [tokens, columns, vocab] = [13, 7, 10];
      const table = rounded(noise(1, vocab * columns), dtype);
      const ids = Array.from({ length: tokens }, (_, i) => (i * 7) % vocab);
      const x = bench.output(tokens * columns);
      const words = bench.words(ids);
      bench.run((stream) => {
        for (const [rowFrom, rows] of [
          [4, 6],
          [0, 4],
        ] as const) {
          const shard = bench.input(table.subarray(rowFrom * columns, (rowFrom + rows) * columns), dtype);
          embed(stream, { ids: words, table: shard, x }, { tokens, columns, rowFrom, rows });
        }
      });
      const expected = ids.flatMap((id) => [...table.subarray(id * columns, (id + 1) * columns)]);
      expect([...(await bench.read(x))]).toEqual(expected);
    }
  });

  for (const [tokens, heads, headDim] of [
    [1, 1, 2],
    [7, 3, 20],
    [11, 2, 24],
    [5, 4, 64],
  ] as const)
    gpuTest(`rotates ${tokens} tokens of ${heads} heads of ${headDim}, and back`, async () => {
      for (const dtype of types) {
        await using bench = new Bench(device);
        const s = { tokens, heads, headDim };
        const x = rounded(noise(1, tokens * heads * headDim), "f32");
        const tables = ropeReference.ropeTables(90, headDim, 10000);
        const cos = rounded(tables.cos, "f32");
        const sin = rounded(tables.sin, "f32");
        const positions = Array.from({ length: tokens }, (_, i) => (i * 37) % 90);
        const expected = ropeReference.rope(x, positions, { cos, sin }, s, 1);
        const t = { positions: bench.words(positions), cos: bench.input(cos), sin: bench.input(sin) };
        const y = bench.output(x.length, dtype);
        const same = bench.inOut(x);
        const back = bench.output(x.length);
        bench.run((stream) => {
          rope(stream, { x: same, y, ...t }, { ...s, inverse: false });
          rope(stream, { x: same, y: same, ...t }, { ...s, inverse: false });
          rope(stream, { x: same, y: back, ...t }, { ...s, inverse: true });
        });
        expectClose("y", await bench.read(y), expected, { absolute: 5e-7, relative: looseness(dtype) });
        expectClose("in place", await bench.read(same), expected, { absolute: 5e-7 });
        expectClose("there and back", await bench.read(back), x, { absolute: 1e-6 });
      }
    });

  for (const count of [1, 63, 1000])
    gpuTest(`gates ${count} elements, and back`, async () => {
      for (const dtype of types) {
        await using bench = new Bench(device);
        const gate = rounded(noise(1, count, 12), dtype);
        gate[0] = -100;
        const up = rounded(noise(2, count, 3), dtype);
        const dh = rounded(noise(3, count), "f32");
        const t = { gate: bench.input(gate, dtype), up: bench.input(up, dtype) };
        const h = bench.output(count, dtype);
        const [dgate, dup, dgate2] = [bench.output(count), bench.output(count), bench.output(count)];
        const inPlace = bench.inOut(dh);
        bench.run((stream) => {
          swigluForward(stream, { ...t, h }, { count });
          swigluBackward(stream, { ...t, dh: bench.input(dh), dgate, dup }, { count });
          swigluBackward(stream, { ...t, dh: inPlace, dgate: dgate2, dup: inPlace }, { count });
        });
        const values = gate.map((g, i) => swiglu.swiglu(g, up[i]!));
        const slopes = [...gate].map((g, i) => swiglu.swigluBackward(g, up[i]!, dh[i]!));
        expectClose("h", await bench.read(h), values, { absolute: 1e-6, relative: looseness(dtype) });
        for (const [what, tensor, key] of [
          ["dgate", dgate, "dg"],
          ["dgate beside dup in place", dgate2, "dg"],
          ["dup", dup, "du"],
          ["dup in place", inPlace, "du"],
        ] as const)
          expectClose(
            what,
            await bench.read(tensor),
            slopes.map((slope) => slope[key]),
            {
              absolute: 2e-6,
              relative: 2e-6,
            },
          );
      }
    });

  for (const [rows, vocab, scale] of [
    [1, 1, 1],
    [3, 5, 10],
    [9, 300, 10],
    [2, 152064, 3],
    [3, 1000, 300],
  ] as const)
    gpuTest(`loss and gradient of ${rows} rows of ${vocab} logits up to ${scale}`, async () => {
      await using bench = new Bench(device);
      const rowOffset = 4;
      const logits = rounded(noise(1, rows * vocab, scale), "f32");
      // A row whose target is almost certain: its small loss must keep its digits.
      logits[(rows - 1) * vocab + (vocab - 1)] = scale + 18;
      const targets = Array.from({ length: rows }, (_, r) => (r === rows - 1 ? vocab - 1 : (r * 31) % vocab));
      const weights = rounded(noise(2, rows, 0.5), "f32");
      const skipped = new Float32Array(rowOffset).fill(-7);
      const t = {
        targets: bench.words([...skipped.fill(0), ...targets]),
        weights: bench.input([...skipped, ...weights]),
      };
      const keep = bench.inOut(logits);
      const replaced = bench.inOut(logits);
      const losses = [bench.output(rowOffset + rows), bench.output(rowOffset + rows)];
      const s = { rows, vocab, rowOffset };
      bench.run((stream) => {
        crossEntropy(stream, { ...t, logits: keep, loss: losses[0]! }, { ...s, gradient: false });
        crossEntropy(stream, { ...t, logits: replaced, loss: losses[1]! }, { ...s, gradient: true });
      });
      const row = (r: number) => logits.subarray(r * vocab, (r + 1) * vocab);
      const expected = targets.map((target, r) => crossEntropyValue(row(r), target));
      for (const loss of losses) {
        const actual = await bench.read(loss);
        expect([...actual.subarray(0, rowOffset)]).toEqual(Array(rowOffset).fill(Number.NaN));
        expectClose("loss", actual.subarray(rowOffset), expected, { absolute: 3e-7, relative: 2e-6 });
      }
      expect([...(await bench.read(keep))]).toEqual([...logits]);
      const slopes = targets.flatMap((target, r) => [...crossEntropySlope(row(r), target, weights[r]!)]);
      expectClose("dlogits", await bench.read(replaced), slopes, { absolute: 1e-7, relative: 1e-5 });
    });

  gpuTest("a target beyond the vocabulary costs nothing and teaches nothing", async () => {
    await using bench = new Bench(device);
    const logits = bench.inOut(noise(1, 12));
    const loss = bench.output(2);
    const t = { logits, loss, targets: bench.words([6, 0xffffff9c]), weights: bench.input([1, 1]) };
    bench.run((stream) => crossEntropy(stream, t, { rows: 2, vocab: 6, rowOffset: 0, gradient: true }));
    expect([...(await bench.read(loss))]).toEqual([0, 0]);
    expect((await bench.read(logits)).every((slope) => slope === 0)).toBe(true);
  });

  gpuTest("gathers rows and scatters them back, leaving the others", async () => {
    for (const dtype of types) {
      await using bench = new Bench(device);
      const [rows, columns, indexOffset] = [3, 13, 2];
      const x = rounded(noise(1, 5 * columns), dtype);
      const picked = [4, 0, 3];
      const index = bench.words([9999, 9999, ...picked]);
      const out = bench.output(rows * columns, dtype);
      const back = bench.inOut(new Float32Array(5 * columns).fill(2), dtype);
      bench.run((stream) => {
        gatherRows(stream, { x: bench.input(x, dtype), index, out }, { rows, columns, indexOffset });
        scatterRows(stream, { x: out, index, out: back }, { rows, columns, indexOffset });
      });
      const row = (r: number) => [...x.subarray(r * columns, (r + 1) * columns)];
      expect([...(await bench.read(out))]).toEqual(picked.flatMap(row));
      const two = Array(columns).fill(2);
      expect([...(await bench.read(back))]).toEqual([...row(0), ...two, ...two, ...row(3), ...row(4)]);
    }
  });

  for (const [rows, columns] of [
    [1, 1],
    [3, 130],
    [2, 49153],
  ] as const)
    gpuTest(`takes the mean of ${rows} rows of ${columns}, and multiplies each row`, async () => {
      await using bench = new Bench(device);
      const x = rounded(noise(1, rows * columns), "f32");
      const factors = rounded(noise(2, rows), "f32");
      const mean = bench.output(2 + rows);
      const scaled = bench.inOut(x);
      bench.run((stream) => {
        rowMean(stream, { x: bench.input(x), mean }, { rows, columns, rowOffset: 2 });
        scaleRows(stream, { x: scaled, factors: bench.input(factors) }, { rows, columns });
      });
      const means = Array.from({ length: rows }, (_, r) => {
        const row = x.subarray(r * columns, (r + 1) * columns);
        return row.reduce((sum, value) => sum + value, 0) / columns;
      });
      expectClose("mean", (await bench.read(mean)).subarray(2), means, { absolute: 2e-8, relative: 2e-6 });
      const products = [...x].map((value, i) => Math.fround(value * factors[Math.floor(i / columns)]!));
      expectClose("scaled", await bench.read(scaled), products, { absolute: 0, relative: 1e-7 });
    });

  gpuTest("adds tensors, and a bias to every row", async () => {
    for (const dtype of types) {
      await using bench = new Bench(device);
      const x = rounded(noise(1, 77), dtype);
      const bias = rounded(noise(2, 11), "f32");
      const [sum, biased] = [bench.inOut(bias), bench.inOut(x, dtype)];
      bench.run((stream) => {
        add(stream, { x: bench.input(noise(3, 11)), y: sum }, { count: 11 });
        addBias(stream, { x: biased, bias: bench.input(bias) }, { rows: 7, columns: 11 });
      });
      const other = rounded(noise(3, 11), "f32");
      expectClose(
        "sum",
        await bench.read(sum),
        bias.map((value, i) => value + other[i]!),
        { absolute: 1e-7 },
      );
      const expected = x.map((value, i) => value + bias[i % 11]!);
      expectClose("biased", await bench.read(biased), expected, {
        absolute: 1e-7,
        relative: looseness(dtype),
      });
    }
  });

  gpuTest("clamps what f16 cannot hold", async () => {
    if (tier !== "f16") return;
    await using bench = new Bench(device);
    const h = bench.output(2, "f16");
    const t = { gate: bench.input([300, -300], "f16"), up: bench.input([300, 300], "f16"), h };
    bench.run((stream) => swigluForward(stream, t, { count: 2 }));
    const [high, low] = await bench.read(h);
    expect(high).toBe(65504);
    expect(low).toBeCloseTo(0, 5);
  });
}

const { device, gpuTest } = await testDevice();

gpuTest("normalises more rows than one grid dimension has workgroups", async () => {
  await using bench = new Bench(device);
  const [rows, columns] = [65535 * 9, 2];
  const x = noise(1, rows * columns);
  const y = bench.output(x.length);
  const t = { x: bench.input(x), weight: bench.input([1, 2]), y, rstd: bench.output(rows) };
  bench.run((stream) => rmsNormForward(stream, t, { rows, columns, eps: 1e-5 }));
  const expected = rmsNorm.rmsNormForward(x, [1, 2], rows, columns, 1e-5);
  expectClose("y", await bench.read(y), expected.y, { absolute: 2e-6 });
});

gpuTest("adds more elements than one grid dimension has workgroups", async () => {
  await using bench = new Bench(device);
  const count = 65535 * 64 + 100;
  const y = bench.inOut(new Float32Array(count).fill(1));
  bench.run((stream) => add(stream, { x: bench.input(new Float32Array(count).fill(2)), y }, { count }));
  expect((await bench.read(y)).every((value) => value === 3)).toBe(true);
});
