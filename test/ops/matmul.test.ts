import { expect } from "bun:test";
import { Stream } from "../../src/gpu/stream.ts";
import { matmul } from "../../src/ops/matmul.ts";
import { testDevice } from "../gpu.ts";
import { expectProduct } from "./matmul-cases.ts";

const { device, gpuTest } = await testDevice();
const modes = ["nt", "nn", "tn"] as const;

gpuTest("multiplies ragged shapes in every layout, and keeps to them", async () => {
  const lengths = [1, 7, 8, 9, 15, 16, 17, 31, 33];
  for (const mode of modes) {
    for (const m of lengths) await expectProduct(device, { mode, m, n: 19, k: 23 });
    for (const n of lengths) await expectProduct(device, { mode, m: 11, n, k: 13 });
    for (const k of lengths) await expectProduct(device, { mode, m: 10, n: 21, k });
  }
});

gpuTest("multiplies aligned shapes with ragged edges, in whole tiles and in parts", async () => {
  for (const mode of modes)
    for (const [m, n, k] of [
      [30, 28, 4],
      [32, 32, 8],
      [31, 60, 12],
      [33, 64, 16],
      [65, 92, 20],
      [61, 128, 44],
      [128, 32, 100],
    ] as const) {
      await expectProduct(device, { mode, m, n, k });
      await expectProduct(device, {
        mode,
        m,
        n,
        k,
        pad: 4,
        offset: 4,
        accumulate: true,
        alpha: 0.3,
        extraK: mode === "tn" ? 0 : 8,
      });
    }
});

gpuTest("multiplies shards of larger matrices by offsets and strides", async () => {
  for (const mode of modes)
    for (const [m, n, k] of [
      [9, 17, 8],
      [16, 48, 64],
      [37, 61, 43],
    ] as const)
      await expectProduct(device, { mode, m, n, k, pad: 5, offset: 3 });
});

gpuTest("scales the product, not what it adds to", async () => {
  for (const mode of modes)
    for (const accumulate of [false, true])
      await expectProduct(device, { mode, m: 18, n: 35, k: 27, alpha: -0.37, accumulate, pad: 1 });
});

gpuTest("adds a LoRA delta without alpha", async () => {
  for (const mode of ["nt", "nn"] as const)
    for (const extraK of [1, 4, 16, 21])
      for (const accumulate of [false, true])
        await expectProduct(device, { mode, m: 13, n: 34, k: 40, extraK, alpha: 0.5, accumulate, offset: 2 });
});

gpuTest("multiplies the skinny shapes of LoRA", async () => {
  await expectProduct(device, { mode: "nt", m: 256, n: 16, k: 384 });
  await expectProduct(device, { mode: "nn", m: 256, n: 16, k: 384 });
  await expectProduct(device, { mode: "tn", m: 16, n: 384, k: 256 });
  await expectProduct(device, { mode: "tn", m: 384, n: 16, k: 256, accumulate: true });
  await expectProduct(device, { mode: "tn", m: 1, n: 1, k: 1009 });
});

gpuTest("gives the same bits twice", async () => {
  const a = device.tensor("test", "a", "f32", [64, 300]);
  device.write(
    a,
    Float32Array.from({ length: a.length }, (_, i) => Math.sin(i)),
  );
  const run = async () => {
    const out = device.tensor("test", "out", "f32", [64, 64]);
    const stream = new Stream(device);
    matmul(stream, { a, b: a, out }, { mode: "nt", m: 64, n: 64, k: 300 });
    stream.submit();
    return device.readWords(out);
  };
  expect(await run()).toEqual(await run());
});

gpuTest("leaves zeros where there is nothing to sum", async () => {
  const a = device.tensor("test", "a", "f32", [4]);
  const out = device.tensor("test", "out", "f32", [2, 2]);
  device.write(out, new Float32Array(4).fill(Number.NaN));
  const stream = new Stream(device);
  matmul(stream, { a, b: a, out }, { mode: "nt", m: 2, n: 2, k: 0 });
  stream.submit();
  expect([...(await device.read(out))]).toEqual([0, 0, 0, 0]);
});

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
