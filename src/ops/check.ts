// What every op checks before it dispatches: a wrong shape is a programming mistake, found at the call, by name.

import type { Dtype, Tensor } from "../gpu/tensor.ts";

/** Throws unless a tensor has one of the types and room for `least` elements. */
export function checkTensor(
  op: string,
  name: string,
  tensor: Tensor,
  dtypes: readonly Dtype[],
  least: number,
): void {
  if (!dtypes.includes(tensor.dtype))
    throw new Error(`${op}: ${name} must be ${dtypes.join(" or ")}, got ${tensor.dtype} (${tensor.label})`);
  if (tensor.length < least)
    throw new Error(
      `${op}: ${name} must have at least ${least} elements, got ${tensor.length} (${tensor.label})`,
    );
}

/** Throws unless each size is a whole number of at least `least`. */
export function checkSizes(op: string, sizes: Readonly<Record<string, number>>, least = 0): void {
  for (const [name, size] of Object.entries(sizes))
    if (!Number.isInteger(size) || size < least)
      throw new Error(`${op}: ${name} must be a whole number of at least ${least}, got ${size}`);
}

/** Throws when an output shares its memory with another tensor of the same dispatch. */
export function checkDistinct(op: string, tensors: Readonly<Record<string, Tensor>>): void {
  const all = Object.entries(tensors);
  all.forEach(([name, tensor], i) => {
    for (const [other, { buffer, offset, bytes }] of all.slice(i + 1))
      if (tensor.buffer === buffer && tensor.offset < offset + bytes && offset < tensor.offset + tensor.bytes)
        throw new Error(`${op}: ${name} and ${other} must not share memory`);
  });
}

/** Types of a GEMM operand, which depend on the tier. */
export const operand: readonly Dtype[] = ["f32", "f16"];
