// One opened adapter: memory, pipelines, uploads, readbacks, and the errors that WebGPU would otherwise keep to itself.
// A dropped submit must never look like a result: every readback checks the error count first.

import { GpuError, UserError } from "../base/errors.ts";
import { createDawn, type DawnEntry } from "./dawn.ts";
import { type AdapterFacts, adapterFacts, chooseTier, type Tier } from "./facts.ts";
import { KernelCache } from "./kernel.ts";
import { quietly } from "./quietly.ts";
import { type Dtype, paddedBytes, Tensor, viewAlignment } from "./tensor.ts";

const usageStorage = 0x80;
const usageCopySource = 0x04;
const usageCopyTarget = 0x08;
const usageMapRead = 0x01;
const usageQueryResolve = 0x200;
const mapRead = 1;

const uploadChunkBytes = 16 << 20;
const uploadFlushBytes = 64 << 20;

/** How to open a device. */
export interface DeviceOptions {
  readonly tier?: Tier | "auto";
  /** Let a CPU adapter be used; otherwise it is refused with a hint. */
  readonly software?: boolean;
  /** Keep Dawn's bounds checks and validation (slower; for tests and for hunting errors). */
  readonly safe?: boolean;
  /** Pretend that bindings can be no larger than this, to exercise sharding. */
  readonly maxBindingBytes?: number;
  /** `null` compiles everything and runs nothing. */
  readonly backend?: "null";
  /** Time every dispatch; needs the adapter's timestamps. */
  readonly trace?: boolean;
}

/** An opened adapter. Lives as long as the process; `[Symbol.dispose]` gives its memory back. */
export class Device {
  /** Pipelines and bind groups, each made once. */
  readonly kernels: KernelCache;
  /** Bytes allocated now, by class. */
  readonly allocated = new Map<string, number>();
  private readonly buffers = new Set<{ buffer: GPUBuffer; bytes: number; memoryClass: string }>();
  private readonly errors: string[] = [];
  private lost: string | undefined;
  private unflushed = 0;
  private outOfMemory: Promise<unknown>[] = [];
  private closed = false;

  private constructor(
    /** @internal Only src/gpu looks inside. */
    readonly gpu: GPUDevice,
    readonly facts: AdapterFacts,
    readonly tier: Tier,
    /** Largest binding, bytes; larger tensors are sharded by whoever makes them. */
    readonly maxBindingBytes: number,
    readonly trace: boolean,
  ) {
    this.kernels = new KernelCache(gpu);
    gpu.addEventListener("uncapturederror", (event) => {
      this.errors.push((event as GPUUncapturedErrorEvent).error.message);
    });
    gpu.lost.then(
      (info) => {
        if (!this.closed) this.lost = info.message || info.reason;
      },
      () => undefined,
    );
  }

  /** Opens the machine's adapter.
   *  @throws UserError when there is none, or only a CPU one that was not asked for. */
  static async open(options: DeviceOptions = {}): Promise<Device> {
    const adapter = await findAdapter(options);
    const facts = adapterFacts(adapter);
    if (facts.software && !options.software && options.tier !== "software")
      throw new UserError(`device: expected a GPU, got the software adapter ${facts.name}`, {
        hint: "install the GPU's Vulkan driver, or pass --tier software to train on the CPU's Vulkan driver",
      });
    const tier = chooseTier(facts, options.tier ?? "auto");
    const wantedFeatures = [
      "shader-f16",
      "subgroups",
      "subgroup-size-control",
      "timestamp-query",
      "chromium-experimental-subgroup-matrix",
    ];
    const requiredLimits: Record<string, number> = { maxImmediateSize: 64 };
    for (const name of [
      "maxStorageBufferBindingSize",
      "maxBufferSize",
      "maxStorageBuffersPerShaderStage",
      "maxComputeWorkgroupStorageSize",
      "maxComputeInvocationsPerWorkgroup",
      "maxComputeWorkgroupSizeX",
      "maxComputeWorkgroupSizeY",
    ] as const)
      requiredLimits[name] = adapter.limits[name];
    const gpu = await quietly(() =>
      adapter.requestDevice({
        requiredFeatures: wantedFeatures.filter((name) => adapter.features.has(name)) as GPUFeatureName[],
        requiredLimits,
      }),
    );
    const maxBindingBytes = Math.min(
      facts.maxBindingBytes,
      options.maxBindingBytes ?? Number.POSITIVE_INFINITY,
    );
    return new Device(gpu, facts, tier, maxBindingBytes, (options.trace ?? false) && facts.timestamps);
  }

  /** A new tensor, filled with zeros, counted under `memoryClass`.
   *  @throws GpuError when it cannot be one binding of this device. */
  tensor(memoryClass: string, label: string, dtype: Dtype, shape: readonly number[]): Tensor {
    const bytes = paddedBytes(dtype, shape);
    return new Tensor(this.allocate(memoryClass, label, bytes), 0, bytes, dtype, shape, label);
  }

  private allocate(memoryClass: string, label: string, bytes: number): GPUBuffer {
    if (bytes > this.maxBindingBytes)
      throw new GpuError(
        `tensor ${label}: expected at most ${this.maxBindingBytes} bytes in one binding of ${this.facts.name}, got ${bytes}`,
        { hint: "use a shorter --max-length or a smaller batch" },
      );
    this.gpu.pushErrorScope("out-of-memory");
    const buffer = this.gpu.createBuffer({
      label,
      size: Math.ceil(bytes / viewAlignment) * viewAlignment,
      usage: usageStorage | usageCopySource | usageCopyTarget,
    });
    this.outOfMemory.push(
      this.gpu.popErrorScope().then((error) => {
        if (error) this.errors.push(`out of memory for ${label} (${bytes} bytes)`);
      }),
    );
    this.buffers.add({ buffer, bytes, memoryClass });
    this.allocated.set(memoryClass, (this.allocated.get(memoryClass) ?? 0) + bytes);
    return buffer;
  }

  /** Bytes allocated now, all classes. */
  get allocatedBytes(): number {
    let sum = 0;
    for (const bytes of this.allocated.values()) sum += bytes;
    return sum;
  }

  /** Gives a tensor's whole buffer back; views on it die with it. The memory returns at the next {@link settle}. */
  free(tensor: Tensor): void {
    for (const entry of this.buffers) {
      if (entry.buffer !== tensor.buffer) continue;
      this.buffers.delete(entry);
      this.allocated.set(entry.memoryClass, this.allocated.get(entry.memoryClass)! - entry.bytes);
      this.kernels.forget(entry.buffer);
      entry.buffer.destroy();
      return;
    }
    throw new Error(`tensor ${tensor.label}: freed twice`);
  }

  /** Writes elements from `start` on. Takes effect before anything that is submitted later. */
  write(tensor: Tensor, data: ArrayBufferView, start = 0): void {
    const offset = tensor.offset + start * (tensor.dtype === "f16" ? 2 : 4);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (offset + bytes.byteLength > tensor.offset + tensor.bytes)
      throw new Error(`tensor ${tensor.label}: ${bytes.byteLength} bytes written past its end`);
    for (let at = 0; at < bytes.byteLength; at += uploadChunkBytes) {
      const chunk = bytes.subarray(at, at + uploadChunkBytes);
      // WebGPU writes whole words; an odd f16 count is padded with zero inside the tensor's own padding.
      const whole = chunk.byteLength % 4 === 0 ? chunk : padded(chunk);
      this.gpu.queue.writeBuffer(tensor.buffer, offset + at, whole as Uint8Array<ArrayBuffer>);
      this.unflushed += whole.byteLength;
    }
  }

  /** As {@link write}, but waits now and then, so that staging memory stays bounded: for weights. */
  async upload(tensor: Tensor, data: ArrayBufferView, start = 0): Promise<void> {
    this.write(tensor, data, start);
    if (this.unflushed >= uploadFlushBytes) await this.settle();
  }

  /** Waits for everything submitted so far, gives freed memory back, and throws what went wrong. */
  async settle(): Promise<void> {
    this.unflushed = 0;
    this.gpu.queue.submit([]);
    await this.gpu.queue.onSubmittedWorkDone();
    await this.check();
  }

  /** Throws if anything failed since the last check.
   *  @throws GpuError */
  async check(): Promise<void> {
    if (this.outOfMemory.length) {
      const pending = this.outOfMemory;
      this.outOfMemory = [];
      await Promise.all(pending);
    }
    this.checkNow();
  }

  private checkNow(): void {
    if (this.lost !== undefined)
      throw new GpuError(`device: lost while running (${this.lost})`, {
        hint: "the driver reset or the card fell off the bus; start again with --resume to go on from the last checkpoint",
      });
    const [first] = this.errors;
    if (first === undefined) return;
    const count = this.errors.length;
    this.errors.length = 0;
    if (/out of memory/i.test(first))
      throw new GpuError(`device: ${first}`, {
        hint: "`sekft plan` says what fits; use --load-4bit, a shorter --max-length, or close other programs on the card",
      });
    throw new GpuError(`device: ${count === 1 ? "an error" : `${count} errors`}, the first: ${first}`);
  }

  /** Copies a tensor's elements back. Waits for the device. */
  async read(tensor: Tensor): Promise<Float32Array> {
    const raw = await this.readBytes(tensor);
    if (tensor.dtype === "f16") return Float32Array.from(new Float16Array(raw, 0, tensor.length));
    if (tensor.dtype === "u32") throw new Error(`tensor ${tensor.label}: is u32; use readWords`);
    return new Float32Array(raw, 0, tensor.length);
  }

  /** Copies a u32 tensor's elements, or the bits of an f32 one, back. */
  async readWords(tensor: Tensor): Promise<Uint32Array> {
    return new Uint32Array(await this.readBytes(tensor), 0, tensor.length);
  }

  private async readBytes(tensor: Tensor): Promise<ArrayBuffer> {
    const staging = this.readbackBuffer(tensor.bytes);
    const encoder = this.gpu.createCommandEncoder();
    encoder.copyBufferToBuffer(tensor.buffer, tensor.offset, staging, 0, tensor.bytes);
    this.gpu.queue.submit([encoder.finish()]);
    try {
      await staging.mapAsync(mapRead);
    } catch (error) {
      await this.check();
      throw new GpuError(`device: could not read ${tensor.label} back`, { cause: error });
    }
    await this.check();
    const bytes = staging.getMappedRange().slice(0);
    staging.destroy();
    return bytes;
  }

  /** @internal Where the timestamps of traced passes are written, and where they become plain numbers. */
  timestampBuffers(count: number): { query: GPUQuerySet; resolve: GPUBuffer } {
    return {
      query: this.gpu.createQuerySet({ type: "timestamp", count }),
      resolve: this.gpu.createBuffer({ size: count * 8, usage: usageQueryResolve | usageCopySource }),
    };
  }

  /** @internal A buffer that the host can map and read. */
  readbackBuffer(bytes: number): GPUBuffer {
    return this.gpu.createBuffer({ size: bytes, usage: usageMapRead | usageCopyTarget });
  }

  [Symbol.dispose](): void {
    this.closed = true;
    for (const { buffer } of this.buffers) buffer.destroy();
    this.buffers.clear();
    this.allocated.clear();
    this.gpu.destroy();
  }
}

function padded(chunk: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(chunk.byteLength / 4) * 4);
  whole.set(chunk);
  return whole;
}

async function findAdapter(options: DeviceOptions): Promise<GPUAdapter> {
  // Dawn asks for a runtime directory even where there is no desktop.
  process.env.XDG_RUNTIME_DIR ??= "/tmp";
  const features = ["allow_unsafe_apis", "vulkan_enable_f16_on_nvidia"];
  if (!options.safe)
    features.push(
      "disable_robustness",
      "skip_validation",
      "disable_workgroup_init",
      "disable_polyfills_on_integer_div_and_mod",
    );
  const flags = [`enable-dawn-features=${features}`, "disable-dawn-features=timestamp_quantization"];
  if (options.backend === "null") flags.push("backend=null");
  const entry: DawnEntry = createDawn(flags);
  const adapter = await quietly(() => entry.requestAdapter({ powerPreference: "high-performance" }));
  if (!adapter)
    throw new UserError("device: expected a Vulkan, Metal or D3D12 adapter, got none", {
      hint: "install the GPU driver's Vulkan part and libvulkan1; without a GPU, mesa-vulkan-drivers 25 or newer (Debian: from backports)",
    });
  return adapter;
}
