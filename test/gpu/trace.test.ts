import { expect } from "bun:test";
import { Stream } from "../../src/gpu/stream.ts";
import { Trace } from "../../src/gpu/trace.ts";
import { testDevice } from "../gpu.ts";

const { device, gpuTest } = await testDevice({ safe: true, trace: true });

gpuTest("a trace gives each kernel its own time when several submits are under way", async () => {
  const trace = new Trace(device);
  const stream = new Stream(device, trace);
  const x = device.tensor("test", "x", "f32", [4096]);
  const y = device.tensor("test", "y", "f32", [4096]);
  const costly = device.kernels.get("fma_peak");
  const cheap = device.kernels.get("add");
  // Compiled and warm before anything counts.
  for (const round of ["warm", "timed"]) {
    for (let i = 0; i < 4; i++) {
      stream.dispatch(costly, { x }, {}, [64]);
      stream.submit();
      stream.dispatch(cheap, { x, y }, { count: 4 }, [1]);
      stream.submit();
    }
    await trace.settle();
    if (round === "warm") trace.totals.clear();
  }
  await device.settle();
  const [fma, add] = [trace.totals.get("fma_peak")!, trace.totals.get("add")!];
  expect([fma.count, add.count]).toEqual([4, 4]);
  expect(fma.ns).toBeGreaterThan(add.ns);
  device.free(x);
  device.free(y);
});
