// Matrix products on CPU adapters: one kernel for all layouts, since there every load costs the same.

import { foldedGrid, type Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";

/** A product by strides: element (i, k) of a at offset + i row + k step, (k, j) of b at offset + k step + j column. */
export interface StridedProduct {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly aOffset: number;
  readonly aRow: number;
  readonly aStep: number;
  readonly bOffset: number;
  readonly bStep: number;
  readonly bColumn: number;
  readonly outOffset: number;
  readonly outStride: number;
  readonly accumulate: boolean;
  readonly alpha: number;
}

/** out = alpha a b (+ out), all f32, on an adapter with one subgroup size. */
export function matmulSoftware(
  stream: Stream,
  tensors: { readonly a: Tensor; readonly b: Tensor; readonly out: Tensor },
  product: StridedProduct,
): void {
  const lanes = stream.device.facts.subgroupMin;
  const kernel = stream.device.kernels.get("matmul_software", { LANES: lanes });
  const [y, z = 1] = foldedGrid(Math.ceil(product.m / 8));
  const { a, b, out } = tensors;
  stream.dispatch(kernel, { a, b, out }, { ...product, accumulate: product.accumulate ? 1 : 0 }, [
    Math.ceil(product.n / (2 * lanes)),
    y,
    z,
  ]);
}
