import { expect, setDefaultTimeout } from "bun:test";
import { Stream } from "../../src/gpu/stream.ts";
import { matmul } from "../../src/ops/matmul.ts";
import type { Matmul } from "../../src/ops/matmul-plan.ts";
import { testDevice } from "../gpu.ts";
import { need } from "../setup.ts";
import { expectProduct } from "./matmul-cases.ts";

// Software drivers compile a kernel for seconds where the machine is busy.
setDefaultTimeout(120_000);

const modes = ["nt", "nn", "tn"] as const;
const { device, gpuTest } = await testDevice();

for (const tier of ["software", "f32", "f16", "matrix"] as const) {
  const { device, gpuTest: runs } = await testDevice({ tier });
  const tierTest = tier === "matrix" ? need("matrix units", runs === gpuTest) : runs;

  tierTest(`${tier}: multiplies ragged shapes in every layout, and keeps to them`, async () => {
    const lengths = [1, 7, 8, 9, 15, 16, 17, 31, 33];
    for (const mode of modes) {
      for (const m of lengths) await expectProduct(device, { mode, m, n: 19, k: 23 });
      for (const n of lengths) await expectProduct(device, { mode, m: 11, n, k: 13 });
      for (const k of lengths) await expectProduct(device, { mode, m: 10, n: 21, k });
    }
  });

  tierTest(`${tier}: multiplies aligned shapes with ragged edges, in whole tiles and in parts`, async () => {
    for (const mode of modes)
      for (const [m, n, k] of [
        [30, 28, 4],
        [32, 32, 8],
        [31, 60, 12],
        [33, 64, 16],
        [65, 92, 20],
        [61, 128, 44],
        [128, 32, 100],
        [32, 32, 2060],
      ] as const) {
        await expectProduct(device, { mode, m, n, k });
        const extraK = mode === "tn" ? 0 : 8;
        await expectProduct(device, {
          mode,
          m,
          n,
          k,
          pad: 4,
          offset: 4,
          accumulate: true,
          alpha: 0.3,
          extraK,
        });
      }
  });

  tierTest(`${tier}: multiplies shards of larger matrices by offsets and strides`, async () => {
    for (const mode of modes)
      for (const [m, n, k] of [
        [9, 17, 8],
        [16, 48, 64],
        [37, 61, 43],
      ] as const)
        await expectProduct(device, { mode, m, n, k, pad: 5, offset: 3 });
  });

  tierTest(`${tier}: scales the product, not what it adds to`, async () => {
    for (const mode of modes)
      for (const accumulate of [false, true])
        await expectProduct(device, { mode, m: 18, n: 35, k: 27, alpha: -0.37, accumulate, pad: 1 });
  });

  tierTest(`${tier}: adds a LoRA delta without alpha`, async () => {
    for (const mode of ["nt", "nn"] as const)
      for (const extraK of [1, 4, 16, 21])
        for (const accumulate of [false, true])
          await expectProduct(device, {
            mode,
            m: 13,
            n: 34,
            k: 40,
            extraK,
            alpha: 0.5,
            accumulate,
            offset: 2,
          });
  });

  tierTest(`${tier}: multiplies the skinny shapes of LoRA, split along k where that is long`, async () => {
    await expectProduct(device, { mode: "nt", m: 256, n: 16, k: 384 });
    await expectProduct(device, { mode: "nn", m: 256, n: 16, k: 384 });
    await expectProduct(device, { mode: "tn", m: 16, n: 384, k: 256 });
    await expectProduct(device, {
      mode: "tn",
      m: 64,
      n: 16,
      k: 770,
      accumulate: true,
      alpha: 0.1,
      offset: 1,
    });
    await expectProduct(device, { mode: "nt", m: 20, n: 24, k: 777, extraK: 5, accumulate: true, pad: 2 });
    await expectProduct(device, { mode: "tn", m: 1, n: 1, k: 1009 });
  });

  if (tier === "f16" || tier === "matrix") {
    tierTest(`${tier}: multiplies f16 and mixed operands, and sums in f32`, async () => {
      for (const [mode, aType, bType, outType] of [
        ["nt", "f16", "f16", "f16"],
        ["nt", "f16", "f16", "f32"],
        ["nt", "f16", "f32", "f32"],
        ["nn", "f32", "f16", "f32"],
        ["tn", "f32", "f16", "f32"],
      ] as const) {
        const types = { mode, aType, bType, outType };
        await expectProduct(device, { ...types, m: 19, n: 23, k: 45, pad: 1, offset: 2 });
        const extraK = mode === "tn" ? 0 : 4;
        await expectProduct(device, { ...types, m: 17, n: 32, k: 300, extraK, accumulate: true });
      }
    });

    tierTest(`${tier}: clamps to f16's range, and keeps NaN`, async () => {
      const a = device.tensor("test", "a", "f16", [3]);
      const b = device.tensor("test", "b", "f16", [1]);
      const out = device.tensor("test", "out", "f16", [3]);
      device.write(a, new Float16Array([1e4, -1e4, Number.NaN]));
      device.write(b, new Float16Array([100]));
      const stream = new Stream(device);
      matmul(stream, { a, b, out }, { mode: "nt", m: 3, n: 1, k: 1 });
      stream.submit();
      expect([...(await device.read(out))]).toEqual([65504, -65504, Number.NaN]);
    });
  }

  tierTest(`${tier}: gives the same bits twice`, async () => {
    const a = device.tensor("test", "a", "f32", [64, 600]);
    device.write(
      a,
      Float32Array.from({ length: a.length }, (_, i) => Math.sin(i)),
    );
    const run = async (sizes: Matmul) => {
      const out = device.tensor("test", "out", "f32", [64, 64]);
      const stream = new Stream(device);
      matmul(stream, { a, b: a, out }, sizes);
      stream.submit();
      return device.readWords(out);
    };
    for (const mode of modes) {
      const sizes = { mode, m: 64, n: 64, k: 600 };
      expect(await run(sizes)).toEqual(await run(sizes));
    }
  });

  tierTest(`${tier}: leaves zeros where there is nothing to sum`, async () => {
    const a = device.tensor("test", "a", "f32", [4]);
    const out = device.tensor("test", "out", "f32", [2, 2]);
    device.write(out, new Float32Array(4).fill(Number.NaN));
    const stream = new Stream(device);
    matmul(stream, { a, b: a, out }, { mode: "nt", m: 2, n: 2, k: 0 });
    stream.submit();
    expect([...(await device.read(out))]).toEqual([0, 0, 0, 0]);
  });
}

gpuTest("refuses operands that are too small, by name", () => {
  const a = device.tensor("test", "small", "f32", [4, 4]);
  const out = device.tensor("test", "out", "f32", [8, 4]);
  const stream = new Stream(device);
  expect(() => matmul(stream, { a, b: a, out }, { mode: "nt", m: 8, n: 4, k: 4 })).toThrow(
    "expected a (small)",
  );
  expect(() => matmul(stream, { a, b: a, out }, { mode: "nn", m: 4, n: 8, k: 4 })).toThrow(
    "expected b (small)",
  );
  expect(() => matmul(stream, { a, b: a, out }, { mode: "nt", m: 4, n: 4, k: 4, extraK: 2 })).toThrow(
    "expected extraA",
  );
});
