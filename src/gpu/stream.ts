// Records dispatches and copies in order and submits them. WebGPU orders dispatches of a pass that touch the same
// buffers, so no barrier is written anywhere.

import type { Device } from "./device.ts";
import type { Kernel } from "./kernel.ts";
import type { Tensor } from "./tensor.ts";
import type { Trace } from "./trace.ts";

/** Workgroups in x, y, z. */
export type Grid = readonly [number, number?, number?];

/** Largest workgroup count in one dimension that every adapter has. */
const maxGrid = 65535;

/** A grid of at least `groups` workgroups, folded over x and y; the kernel reads `group.y * groups.x + group.x`. */
export function foldedGrid(groups: number): Grid {
  const y = Math.ceil(groups / maxGrid);
  return y <= 1 ? [Math.max(1, groups)] : [Math.ceil(groups / y), y];
}

/** A list of commands under way. */
export class Stream {
  private encoder: GPUCommandEncoder | undefined;
  private pass: GPUComputePassEncoder | undefined;
  private readonly immediates = new DataView(new ArrayBuffer(64));
  private recorded = 0;

  constructor(
    readonly device: Device,
    private readonly trace?: Trace,
    /** Submits by itself after this many dispatches, so that a display's watchdog never sees a long one. */
    private readonly submitEvery = 512,
  ) {}

  /** Runs a kernel over `grid` workgroups. `tensors` and `params` are named as in the kernel's file.
   *  @throws Error when a name is missing or unknown: a programming mistake, found at the first dispatch. */
  dispatch(
    kernel: Kernel,
    tensors: Readonly<Record<string, Tensor>>,
    params: Readonly<Record<string, number>>,
    grid: Grid,
  ): void {
    const bound = kernel.bindings.map(({ name }) => {
      const tensor = tensors[name];
      if (!tensor) throw new Error(`kernel ${kernel.label}: binding ${name} is missing`);
      return tensor;
    });
    const [x, y = 1, z = 1] = grid;
    if (x > maxGrid || y > maxGrid || z > maxGrid)
      throw new Error(`kernel ${kernel.label}: grid ${grid} is larger than ${maxGrid}`);
    if (x * y * z === 0) return;
    const pass = this.openPass(kernel.label);
    pass.setPipeline(kernel.pipeline);
    pass.setBindGroup(0, this.device.kernels.group(kernel, bound));
    if (kernel.params.length) {
      this.pack(kernel, params);
      pass.setImmediates(0, this.immediates.buffer as ArrayBuffer, 0, kernel.params.length * 4);
    }
    pass.dispatchWorkgroups(x, y, z);
    if (this.trace) this.closePass();
    if (++this.recorded >= this.submitEvery) this.submit();
  }

  /** Copies whole elements from one tensor to another of the same type. */
  copy(from: Tensor, to: Tensor, bytes = Math.min(from.bytes, to.bytes)): void {
    this.closePass();
    this.open().copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, bytes);
  }

  /** Fills the first `bytes` bytes of a tensor, or all of it, with zeros. */
  clear(tensor: Tensor, bytes = tensor.bytes): void {
    this.closePass();
    this.open().clearBuffer(tensor.buffer, tensor.offset, bytes);
  }

  /** Hands everything recorded so far to the device; does not wait. */
  submit(): void {
    this.closePass();
    if (!this.encoder) return;
    this.trace?.resolve(this.encoder);
    this.device.gpu.queue.submit([this.encoder.finish()]);
    this.trace?.submitted();
    this.encoder = undefined;
    this.recorded = 0;
  }

  private pack(kernel: Kernel, params: Readonly<Record<string, number>>): void {
    kernel.params.forEach(({ name, type }, i) => {
      const value = params[name];
      if (value === undefined) throw new Error(`kernel ${kernel.label}: parameter ${name} is missing`);
      if (type === "f32") this.immediates.setFloat32(i * 4, value, true);
      else if (type === "u32") this.immediates.setUint32(i * 4, value, true);
      else this.immediates.setInt32(i * 4, value, true);
    });
  }

  private open(): GPUCommandEncoder {
    this.encoder ??= this.device.gpu.createCommandEncoder();
    return this.encoder;
  }

  private openPass(label: string): GPUComputePassEncoder {
    const timestampWrites = this.trace?.begin(label);
    this.pass ??= this.open().beginComputePass(timestampWrites ? { label, timestampWrites } : {});
    return this.pass;
  }

  private closePass(): void {
    this.pass?.end();
    this.pass = undefined;
  }
}
