import { expect, test } from "bun:test";
import { columnSum, rmsNormWeightBackward } from "../../src/ops/column-sums.ts";
import { convert } from "../../src/ops/convert.ts";
import { embedBackward, tokensById } from "../../src/ops/embed.ts";
import { testDevice } from "../gpu.ts";
import * as rmsNorm from "../reference/rms-norm.ts";
import { Bench, expectClose, noise, rounded } from "./op-harness.ts";

// Software adapters compile at the first dispatch; on a busy machine that takes a while.
const timeout = 120000;

for (const tier of ["software", "f16"] as const) {
  const { device, gpuTest: onDevice } = await testDevice({ tier });
  const gpuTest = (name: string, run: () => Promise<void>) =>
    onDevice(`${name} (${tier} kernels)`, run, timeout);
  const types = tier === "f16" ? (["f32", "f16"] as const) : (["f32"] as const);

  for (const [rows, columns] of [
    [1, 1],
    [7, 33],
    [8, 32],
    [300, 70],
    [5, 1030],
  ] as const) {
    gpuTest(`adds the sums of ${columns} columns over ${rows} rows to what is there`, async () => {
      await using bench = new Bench(device);
      const x = rounded(noise(1, rows * columns), "f32");
      const before = rounded(noise(2, columns), "f32");
      const y = bench.inOut(before);
      bench.run((stream) => columnSum(stream, { x: bench.input(x), y }, { rows, columns }));
      const expected = before.map((value, c) => {
        let sum = value;
        for (let r = 0; r < rows; r++) sum += x[r * columns + c]!;
        return sum;
      });
      expectClose("y", await bench.read(y), expected, { absolute: 2e-6 * Math.sqrt(rows) });
    });

    gpuTest(`gradient of a norm's weight, ${rows} rows of ${columns}`, async () => {
      for (const dtype of types) {
        await using bench = new Bench(device);
        const dy = rounded(noise(3, rows * columns), "f32");
        const x = rounded(noise(4, rows * columns), dtype);
        const rstd = rounded(noise(5, rows), "f32").map((value) => 1 + Math.abs(value));
        const before = rounded(noise(6, columns), "f32");
        const dweight = bench.inOut(before);
        const t = { dy: bench.input(dy), x: bench.input(x, dtype), rstd: bench.input(rstd), dweight };
        bench.run((stream) => rmsNormWeightBackward(stream, t, { rows, columns }));
        const sums = rmsNorm.rmsNormWeightBackward(dy, x, Float32Array.from(rstd), rows, columns);
        const expected = sums.map((value, c) => value + before[c]!);
        expectClose("dweight", await bench.read(dweight), expected, { absolute: 4e-6 * Math.sqrt(rows) });
      }
    });
  }

  gpuTest("adds each token's gradient to its id's row, repeated ids and shards included", async () => {
    const [vocab, columns, tokens] = [13, 5, 200];
    const ids = Uint32Array.from(noise(7, tokens), (value) => Math.floor(((value + 1) / 2) * vocab) % 11);
    const dx = rounded(noise(8, tokens * columns), "f32");
    const before = rounded(noise(9, vocab * columns), "f32");
    const expected = Float64Array.from(before);
    ids.forEach((id, t) => {
      for (let c = 0; c < columns; c++) expected[id * columns + c]! += dx[t * columns + c]!;
    });
    const { order, starts } = tokensById(ids);
    for (const [rowFrom, rows] of [
      [0, vocab],
      [0, 4],
      [4, 9],
    ] as const) {
      await using bench = new Bench(device);
      const slice = (values: Float64Array) => values.subarray(rowFrom * columns, (rowFrom + rows) * columns);
      const dtable = bench.inOut(slice(before));
      const t = {
        ids: bench.words(ids),
        order: bench.words(order),
        starts: bench.words(starts),
        dx: bench.input(dx),
        dtable,
      };
      const distinct = starts.length - 1;
      bench.run((stream) => embedBackward(stream, t, { tokens, distinct, columns, rowFrom, rows }));
      expectClose("dtable", await bench.read(dtable), slice(expected), { absolute: 1e-5 });
    }
  });

  gpuTest("copies a master weight into what the kernels read", async () => {
    for (const dtype of types) {
      await using bench = new Bench(device);
      const x = noise(10, 131, 3);
      const y = bench.output(131, dtype);
      bench.run((stream) => convert(stream, { x: bench.input(x), y }, { count: 131 }));
      expectClose("y", await bench.read(y), rounded(x, dtype), { absolute: 0, relative: 5e-4 });
    }
  });
}

test("tokens are grouped by id, equal ones in their order", () => {
  const { order, starts } = tokensById(Uint32Array.of(7, 2, 7, 0, 2, 7));
  expect([...order]).toEqual([3, 1, 4, 0, 2, 5]);
  expect([...starts]).toEqual([0, 1, 3, 6]);
  expect([...tokensById(new Uint32Array(0)).starts]).toEqual([0]);
});
