// A tensor is a typed, shaped window on a buffer of the device. It owns nothing.

/** Element types that kernels store. 4-bit codes and bytes travel packed in u32. */
export type Dtype = "f32" | "f16" | "u32";

/** Bytes of one element. */
const dtypeBytes = { f32: 4, f16: 2, u32: 4 } as const satisfies Record<Dtype, number>;

/** Views start at multiples of this, the largest offset alignment that WebGPU lets an adapter ask for. */
export const viewAlignment = 256;

/** Sizes are rounded up to this, so that every buffer can be bound as an array of vec4. */
const sizeAlignment = 16;

let nextId = 1;

/** A window on a device buffer: row-major elements of one type. */
export class Tensor {
  /** Unique in the process; part of the bind group cache's key. */
  readonly id = nextId++;
  constructor(
    /** @internal Only src/gpu looks inside. */
    readonly buffer: GPUBuffer,
    /** Bytes from the start of the buffer, a multiple of {@link viewAlignment}. */
    readonly offset: number,
    /** Bytes that are bound, a multiple of {@link sizeAlignment}. */
    readonly bytes: number,
    readonly dtype: Dtype,
    readonly shape: readonly number[],
    readonly label: string,
  ) {
    if (offset % viewAlignment !== 0)
      throw new Error(`tensor ${label}: offset must be a multiple of ${viewAlignment}, got ${offset}`);
    if (bytes < elementBytes(dtype, shape))
      throw new Error(`tensor ${label}: [${shape}] ${dtype} needs more than ${bytes} bytes`);
  }

  /** Number of elements. */
  get length(): number {
    return elements(this.shape);
  }

  /** A window on `shape` elements from element `start` on; `start` must fall on {@link viewAlignment}. */
  view(start: number, shape: readonly number[], label = this.label): Tensor {
    const offset = this.offset + start * dtypeBytes[this.dtype];
    const bytes = paddedBytes(this.dtype, shape);
    if (offset + bytes > this.offset + this.bytes)
      throw new Error(`tensor ${this.label}: a view of [${shape}] from ${start} runs past its end`);
    return new Tensor(this.buffer, offset, bytes, this.dtype, shape, label);
  }
}

/** Product of a shape. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Bytes of a tensor's elements alone. */
function elementBytes(dtype: Dtype, shape: readonly number[]): number {
  return elements(shape) * dtypeBytes[dtype];
}

/** Bytes that a tensor takes in a buffer: its elements, rounded up to {@link sizeAlignment}. */
export function paddedBytes(dtype: Dtype, shape: readonly number[]): number {
  return Math.max(sizeAlignment, Math.ceil(elementBytes(dtype, shape) / sizeAlignment) * sizeAlignment);
}
