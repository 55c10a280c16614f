// What the device can do at most: multiply-adds in registers, copies, and how long a dispatch and a submit take.

import type { Device } from "../gpu/device.ts";
import { foldedGrid } from "../gpu/stream.ts";
import { elements } from "../gpu/tensor.ts";
import { secondsOf } from "./stopwatch.ts";

/** Rates in units per second, times in seconds. */
export interface Peaks {
  readonly fmaFlops: number;
  /** With two halves a register; undefined where there is no f16. */
  readonly fmaF16Flops: number | undefined;
  /** Bytes read plus bytes written, by a kernel. */
  readonly kernelCopyBytes: number;
  /** The same by the driver's buffer copy. */
  readonly bufferCopyBytes: number;
  readonly submitSeconds: number;
  /** Of one more dispatch in a submit that has many. */
  readonly dispatchSeconds: number;
}

/** Measures all of them; takes one to three seconds. */
export async function measurePeaks(device: Device): Promise<Peaks> {
  const fmaF16Flops = device.facts.f16 ? await fma(device, "vec2<f16>", 2) : undefined;
  return {
    fmaFlops: await fma(device, "f32", 1),
    fmaF16Flops,
    ...(await copies(device)),
    ...(await latency(device)),
  };
}

const fmaLoops = 256 * 8 * 12;

async function fma(device: Device, type: string, lanes: number): Promise<number> {
  const groups = device.facts.software ? 128 : 8192;
  const width = 64;
  const x = device.tensor("bench", "fma", "f32", [groups * width]);
  const kernel = device.kernels.get("fma_peak", { T: type });
  const seconds = await secondsOf(device, (stream) => stream.dispatch(kernel, { x }, {}, [groups]));
  device.free(x);
  return (groups * width * fmaLoops * 2 * lanes) / seconds;
}

async function copies(device: Device): Promise<Pick<Peaks, "kernelCopyBytes" | "bufferCopyBytes">> {
  // Large enough to miss every cache of a GPU.
  const count = Math.min((device.facts.software ? 64 : 512) << 20, device.maxBindingBytes) / 4;
  const shape = [Math.floor(count / 64) * 64];
  const [x, y] = [device.tensor("bench", "from", "f32", shape), device.tensor("bench", "to", "f32", shape)];
  const n = elements(shape) / 4;
  const kernel = device.kernels.get("copy_peak");
  const grid = foldedGrid(Math.ceil(n / 64));
  const byKernel = await secondsOf(device, (stream) => stream.dispatch(kernel, { x, y }, { n }, grid));
  const byDriver = await secondsOf(device, (stream) => stream.copy(x, y));
  device.free(x);
  device.free(y);
  await device.settle();
  return { kernelCopyBytes: (2 * x.bytes) / byKernel, bufferCopyBytes: (2 * x.bytes) / byDriver };
}

async function latency(device: Device): Promise<Pick<Peaks, "submitSeconds" | "dispatchSeconds">> {
  const [x, y] = [device.tensor("bench", "x", "f32", [4]), device.tensor("bench", "y", "f32", [4])];
  const kernel = device.kernels.get("add");
  const dispatches = 256;
  const many = await secondsOf(device, (stream) => {
    for (let i = 0; i < dispatches; i++) stream.dispatch(kernel, { x, y }, { count: 4 }, [1]);
  });
  let submitSeconds = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 20; i++) {
    const start = performance.now();
    await device.settle();
    submitSeconds = Math.min(submitSeconds, (performance.now() - start) / 1000);
  }
  device.free(x);
  device.free(y);
  return { submitSeconds, dispatchSeconds: many / dispatches };
}
