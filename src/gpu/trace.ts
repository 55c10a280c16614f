// Time by kernel, from GPU timestamps: one pass a dispatch while tracing, nothing at all otherwise.

import type { Device } from "./device.ts";

/** Dispatches whose time one submit can hold. */
const capacity = 2048;

/** Sums nanoseconds by kernel label over any number of submits. */
export class Trace {
  /** Label -> nanoseconds and dispatches. */
  readonly totals = new Map<string, { ns: number; count: number }>();
  private readonly buffers: ReturnType<Device["timestampBuffers"]>;
  private labels: string[] = [];
  private pending: Promise<void> = Promise.resolve();

  constructor(private readonly device: Device) {
    this.buffers = device.timestampBuffers(capacity * 2);
  }

  /** @internal Where the next pass writes its two timestamps. */
  begin(label: string): GPUComputePassTimestampWrites {
    const at = this.labels.push(label) - 1;
    if (at >= capacity) throw new Error(`trace: more than ${capacity} dispatches in one submit`);
    return {
      querySet: this.buffers.query,
      beginningOfPassWriteIndex: at * 2,
      endOfPassWriteIndex: at * 2 + 1,
    };
  }

  /** @internal */
  resolve(encoder: GPUCommandEncoder): void {
    const count = this.labels.length * 2;
    if (!count) return;
    encoder.resolveQuerySet(this.buffers.query, 0, count, this.buffers.resolve, 0);
    encoder.copyBufferToBuffer(this.buffers.resolve, 0, this.buffers.read, 0, count * 8);
  }

  /** @internal */
  submitted(): void {
    const labels = this.labels;
    this.labels = [];
    if (labels.length) this.pending = this.pending.then(() => this.collect(labels));
  }

  /** Waits for the timestamps of everything submitted; call it between submits. */
  async settle(): Promise<void> {
    await this.pending;
  }

  private async collect(labels: readonly string[]): Promise<void> {
    await this.buffers.read.mapAsync(1, 0, labels.length * 16);
    const times = new BigUint64Array(this.buffers.read.getMappedRange(0, labels.length * 16));
    labels.forEach((label, i) => {
      const total = this.totals.get(label) ?? { ns: 0, count: 0 };
      total.ns += Number(times[i * 2 + 1]! - times[i * 2]!);
      total.count += 1;
      this.totals.set(label, total);
    });
    this.buffers.read.unmap();
    await this.device.check();
  }
}
