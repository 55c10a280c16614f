import { expect, test } from "bun:test";
import { GpuError, UserError } from "../../src/base/errors.ts";
import { Device } from "../../src/gpu/device.ts";
import { foldedGrid, Stream } from "../../src/gpu/stream.ts";
import { Trace } from "../../src/gpu/trace.ts";
import { testDevice } from "../gpu.ts";

const { device, gpuTest } = await testDevice();

gpuTest("converts to f16 and back, clamped to its range, and keeps to its elements", async () => {
  const values = [1, -2.5, 70000, -1e9, 0.1, 65504, 3];
  const x = device.tensor("test", "x", "f32", [values.length]);
  const half = device.tensor("test", "half", "f16", [values.length + 1]);
  const back = device.tensor("test", "back", "f32", [values.length]);
  device.write(x, Float32Array.from(values));
  device.write(half, new Float16Array(values.length + 1).fill(7));
  const stream = new Stream(device);
  const n = values.length;
  stream.dispatch(device.kernels.get("convert", { T: "f16" }), { x, y: half }, { n }, foldedGrid(1));
  stream.dispatch(device.kernels.get("convert", { S: "f16" }), { x: half, y: back }, { n }, foldedGrid(1));
  stream.submit();
  expect([...(await device.read(back))]).toEqual([
    ...new Float32Array(new Float16Array([1, -2.5, 65504, -65504, 0.1, 65504, 3])),
  ]);
  expect((await device.read(half)).at(-1)).toBe(7);
});

gpuTest("counts what it allocates, and gives it back", async () => {
  const before = device.allocatedBytes;
  const x = device.tensor("scratch", "x", "f32", [3, 5]);
  expect(device.allocatedBytes - before).toBe(64);
  expect(device.allocated.get("scratch")).toBe(64);
  device.free(x);
  await device.settle();
  expect(device.allocatedBytes).toBe(before);
});

gpuTest("refuses a tensor that does not fit one binding, by name", () => {
  expect(() => device.tensor("test", "huge", "f32", [device.maxBindingBytes])).toThrow(
    /tensor huge: expected at most \d+ bytes/,
  );
});

gpuTest("a failed command is an error at the next readback, never a result", async () => {
  const safe = await Device.open({ software: true, safe: true });
  const x = safe.tensor("test", "x", "f32", [4]);
  const y = safe.tensor("test", "y", "f32", [4]);
  const stream = new Stream(safe);
  stream.dispatch(safe.kernels.get("convert"), { x, y }, { n: 4 }, [1]);
  x.buffer.destroy();
  stream.submit();
  expect(safe.read(y)).rejects.toThrow(GpuError);
});

gpuTest("names a binding or parameter that a dispatch forgets", () => {
  const x = device.tensor("test", "x", "f32", [4]);
  const stream = new Stream(device);
  const kernel = device.kernels.get("convert");
  expect(() => stream.dispatch(kernel, { x }, { n: 4 }, [1])).toThrow("binding y is missing");
  expect(() => stream.dispatch(kernel, { x, y: x }, {}, [1])).toThrow("parameter n is missing");
});

gpuTest("makes a pipeline and a bind group once", async () => {
  const x = device.tensor("test", "x", "f32", [4]);
  const y = device.tensor("test", "y", "f32", [4]);
  const run = () => {
    const stream = new Stream(device);
    stream.dispatch(device.kernels.get("convert"), { x, y }, { n: 4 }, [1]);
    stream.submit();
  };
  run();
  const { pipelineCount, bindGroupCount } = device.kernels;
  for (let i = 0; i < 5; i++) run();
  expect(device.kernels.pipelineCount).toBe(pipelineCount);
  expect(device.kernels.bindGroupCount).toBe(bindGroupCount);
  device.free(y);
  await device.settle();
  expect(device.kernels.bindGroupCount).toBe(bindGroupCount - 1);
});

gpuTest("times each kernel by its label", async () => {
  const trace = new Trace(device);
  const stream = new Stream(device, trace);
  const x = device.tensor("test", "x", "f32", [1 << 16]);
  const y = device.tensor("test", "y", "f32", [1 << 16]);
  for (let i = 0; i < 3; i++)
    stream.dispatch(device.kernels.get("convert"), { x, y }, { n: x.length }, foldedGrid(x.length / 64));
  stream.submit();
  await trace.settle();
  expect(trace.totals.get("convert")?.count).toBe(3);
  expect(trace.totals.get("convert")?.ns).toBeGreaterThan(1000);
});

test("folds a long grid so that no dimension passes 65535", () => {
  expect(foldedGrid(70000)).toEqual([35000, 2]);
  expect(foldedGrid(65535)).toEqual([65535]);
  expect(foldedGrid(0)).toEqual([1]);
});

gpuTest("refuses a software adapter that was not asked for", () => {
  if (device.facts.software) expect(Device.open()).rejects.toThrow(UserError);
});
