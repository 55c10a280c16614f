// Time by kernel, from GPU timestamps: one pass a dispatch while tracing, nothing at all otherwise.

import type { Device } from "./device.ts";

/** Dispatches whose time one submit can hold. */
const capacity = 2048;

/** Sums nanoseconds by kernel label over any number of submits. */
export class Trace {
  /** Label -> nanoseconds and dispatches. */
  readonly totals = new Map<string, { ns: number; count: number }>();
  private readonly buffers: ReturnType<Device["timestampBuffers"]>;
  /** Where the timestamps of the submit under way go: one buffer a submit, since several may be waited for at once. */
  private read: ReturnType<Device["readbackBuffer"]> | undefined;
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
    this.read = this.device.readbackBuffer(count * 8);
    encoder.resolveQuerySet(this.buffers.query, 0, count, this.buffers.resolve, 0);
    encoder.copyBufferToBuffer(this.buffers.resolve, 0, this.read, 0, count * 8);
  }

  /** @internal */
  submitted(): void {
    const { labels, read } = this;
    this.labels = [];
    this.read = undefined;
    if (read) this.pending = this.pending.then(() => this.collect(labels, read));
  }

  /** Waits for the timestamps of everything submitted. */
  async settle(): Promise<void> {
    await this.pending;
  }

  private async collect(
    labels: readonly string[],
    read: ReturnType<Device["readbackBuffer"]>,
  ): Promise<void> {
    await read.mapAsync(1);
    const times = new BigUint64Array(read.getMappedRange());
    labels.forEach((label, i) => {
      const total = this.totals.get(label) ?? { ns: 0, count: 0 };
      total.ns += Number(times[i * 2 + 1]! - times[i * 2]!);
      total.count += 1;
      this.totals.set(label, total);
    });
    read.destroy();
    await this.device.check();
  }
}
