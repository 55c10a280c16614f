// What a matrix product is, filled in and checked, before a tier's kernels take it.

import type { Tensor } from "../gpu/tensor.ts";

/** What to multiply. Sizes, offsets and strides count elements. */
export interface Matmul {
  /** nt: out[m,n] = sum_k a[m,k] b[n,k]; nn: b[k,n]; tn: a[k,m], b[k,n]. */
  readonly mode: "nt" | "nn" | "tn";
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Factor of the product; 1 by default. */
  readonly alpha?: number;
  /** Adds to `out` instead of overwriting it. */
  readonly accumulate?: boolean;
  readonly aOffset?: number;
  /** From one stored row to the next; the row's length by default. */
  readonly aStride?: number;
  readonly bOffset?: number;
  readonly bStride?: number;
  readonly outOffset?: number;
  readonly outStride?: number;
  /** Columns of `extraA`, 0 by default. */
  readonly extraK?: number;
  /** Entry of `segments` that is meant; 0 by default. */
  readonly segment?: number;
}

/** Operands of {@link matmul}: f32 or f16; extraA [m, extraK] and extraB f32, contiguous. */
export interface MatmulTensors {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly out: Tensor;
  readonly extraA?: Tensor;
  readonly extraB?: Tensor;
  /** First row of a and number of rows of each segment [S, 2] u32, known on the device alone: the product takes those rows of a, and
   *  of out in modes nt and nn, of b in mode tn; `m`, in tn `k`, is only the most that the segment can have. No extra product. */
  readonly segments?: Tensor;
}

/** A {@link Matmul} with everything filled in, as the tiers take it. */
export interface MatmulPlan extends Required<Matmul> {}

/** Fills in what a {@link Matmul} leaves out. */
export function planned(sizes: Matmul): MatmulPlan {
  const { mode, m, n, k } = sizes;
  return {
    alpha: 1,
    accumulate: false,
    aOffset: 0,
    aStride: mode === "tn" ? m : k,
    bOffset: 0,
    bStride: mode === "nt" ? k : n,
    outOffset: 0,
    outStride: n,
    extraK: 0,
    segment: 0,
    ...sizes,
  };
}

/** Value of the kernels' SEGMENTED. */
export function segmented({ segments }: Pick<MatmulTensors, "segments">, { mode }: MatmulPlan): 0 | 1 | 2 {
  if (!segments) return 0;
  return mode === "tn" ? 2 : 1;
}

/** @throws Error when an operand is missing or too small. */
export function checkProduct(tensors: MatmulTensors, plan: MatmulPlan): void {
  const { mode, m, n, k, extraK, segment } = plan;
  const fits = (
    tensor: Tensor | undefined,
    name: string,
    offset: number,
    stride: number,
    rows: number,
    row: number,
  ) => {
    if (!tensor) throw new Error(`matmul: expected ${name} with extraK ${extraK}, got nothing`);
    const end = rows === 0 || row === 0 ? 0 : offset + (rows - 1) * stride + row;
    if (end > tensor.length || stride < row || !Number.isInteger(end) || end < 0)
      throw new Error(
        `matmul ${mode} ${m}x${n}x${k}: expected ${name} (${tensor.label}) of ${end} elements or more, rows of ${row} at stride ${stride}, got ${tensor.length}`,
      );
  };
  const tn = mode === "tn";
  const { segments } = tensors;
  if (segments && (extraK > 0 || segments.dtype !== "u32" || segments.length < 2 * (segment + 1)))
    throw new Error(
      `matmul ${mode}: expected u32 segments and no extra product, got segment ${segment} of ${segments.label}, extraK ${extraK}`,
    );
  fits(tensors.a, "a", plan.aOffset, plan.aStride, tn ? k : m, tn ? m : k);
  const nt = mode === "nt";
  fits(tensors.b, "b", plan.bOffset, plan.bStride, nt ? n : k, nt ? k : n);
  fits(tensors.out, "out", plan.outOffset, plan.outStride, m, n);
  if (extraK === 0) return;
  if (tn) throw new Error("matmul tn: expected no extra product, got one");
  fits(tensors.extraA, "extraA", 0, extraK, m, extraK);
  fits(tensors.extraB, "extraB", 0, nt ? extraK : n, nt ? n : extraK, nt ? extraK : n);
}
