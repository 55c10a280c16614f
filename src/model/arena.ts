// Makes the buffers of a plan, each once, by label; what the plan does not list cannot be made.

import type { Device } from "../gpu/device.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { BufferSpec } from "./buffer-spec.ts";

/** The buffers of one model. */
export class Arena {
  private readonly waiting: Map<string, BufferSpec>;
  private readonly made: Tensor[] = [];

  constructor(
    readonly device: Device,
    buffers: readonly BufferSpec[],
  ) {
    this.waiting = new Map(buffers.map((buffer) => [buffer.label, buffer]));
    if (this.waiting.size !== buffers.length) throw new Error("arena: the plan lists a label twice");
  }

  /** True when the plan lists a buffer of that label that was not made yet. */
  has(label: string): boolean {
    return this.waiting.has(label);
  }

  /** Makes a buffer, filled with zeros. */
  take(label: string): Tensor {
    const { memoryClass, dtype, shape } = this.spec(label);
    return this.keep(this.device.tensor(memoryClass, label, dtype, shape));
  }

  /** Throws unless every planned buffer was made: the plan and the model must not drift apart. */
  checkComplete(): void {
    if (this.waiting.size)
      throw new Error(`arena: never made: ${[...this.waiting.keys()].slice(0, 5).join(", ")}`);
  }

  /** Gives every buffer back. */
  free(): void {
    for (const tensor of this.made) this.device.free(tensor);
    this.made.length = 0;
  }

  private spec(label: string): BufferSpec {
    const spec = this.waiting.get(label);
    if (!spec) throw new Error(`arena: ${label} is not in the plan, or was made before`);
    this.waiting.delete(label);
    return spec;
  }

  private keep(tensor: Tensor): Tensor {
    this.made.push(tensor);
    return tensor;
  }
}
