// Products of a few rows with a weight matrix, which read each weight once: decoding. 4-bit weights stay 4-bit.

import { foldedGrid, type Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkDistinct, checkSizes, checkTensor, operand } from "./check.ts";

/** Columns of out that a workgroup makes: ROWS of the kernels. */
const rowsPerGroup = 4;
/** Most rows of x: the largest BATCH of the kernels, and what pays on a CPU adapter, where tiles take over sooner. */
const mostRows = { gpu: 8, software: 1 };

/** out[m, n] = alpha x[m, k] w[n, k]^T, or out += with `accumulate`. Offsets and strides count elements. */
export interface GemvSizes {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly alpha?: number;
  readonly accumulate?: boolean;
  readonly xOffset?: number;
  readonly outOffset?: number;
  /** From one row of out to the next; n by default. */
  readonly outStride?: number;
  /** Entry of `segments` that says which rows of x and out are meant; 0 by default. */
  readonly segment?: number;
}

/** What is multiplied. With `segments` [S, 2] u32, first row and number of rows of each segment, `m` is only the most rows that
 *  the segment can have, and rows count from the segment's first. */
interface GemvTensors {
  readonly x: Tensor;
  readonly out: Tensor;
  readonly segments?: Tensor | undefined;
}

/** A 4-bit matrix [n, k] as bitsandbytes lays it out. */
export interface FourBitWeight {
  readonly packed: Tensor;
  readonly absmax: Tensor;
  readonly table: Tensor;
  /** Weights that share one absmax; a multiple of 8. */
  readonly block: number;
  /** Type that a dequantised weight is rounded to before it multiplies. */
  readonly roundTo: "F32" | "F16" | "BF16";
}

/** True when {@link gemv} takes such a product, and it pays. */
export function suitsGemv({ device }: Stream, s: GemvSizes, fourBit = false): boolean {
  const rows = device.tier === "software" ? mostRows.software : mostRows.gpu;
  return s.m <= rows && s.k % (fourBit ? 8 : 4) === 0 && (s.xOffset ?? 0) % 4 === 0;
}

/** The product with a plain matrix. x, w, out f32 or f16, only f32 in tier software; sums are f32. */
export function gemv(stream: Stream, t: GemvTensors & { readonly w: Tensor }, s: GemvSizes): void {
  const op = "gemv";
  const plan = planned(op, stream, t, s, false);
  const { x, w, out, segments } = t;
  checkTensor(op, "w", w, operand, s.n * s.k);
  checkDistinct(op, { x, w, out });
  if (s.m === 0 || s.n === 0) return;
  const { kernels, tier, facts } = stream.device;
  const SEGMENTED = segments ? 1 : 0;
  const tensors = { x, w, out, segments: segments ?? x };
  if (tier === "software") {
    for (const tensor of [x, w, out]) checkTensor(op, tensor.label, tensor, ["f32"], 0);
    const kernel = kernels.get("gemv_software", { LANES: facts.subgroupMin, SEGMENTED });
    stream.dispatch(kernel, tensors, plan, gridOf(s));
    return;
  }
  const spec = { X: x.dtype, W: w.dtype, O: out.dtype, BATCH: batchOf(s.m), SEGMENTED };
  stream.dispatch(kernels.get("gemv", spec), tensors, plan, gridOf(s));
}

/** The product with a 4-bit matrix, which is not dequantised to memory. x, out f32 or f16, only f32 in tier software. */
export function gemv4bit(stream: Stream, t: GemvTensors, weight: FourBitWeight, s: GemvSizes): void {
  const op = "gemv4bit";
  const plan = planned(op, stream, t, s, true);
  const { packed, absmax, table, block } = weight;
  checkTensor(op, "packed", packed, ["u32"], (s.n * s.k) / 8);
  checkTensor(op, "absmax", absmax, ["f32"], Math.ceil((s.n * s.k) / block));
  checkTensor(op, "table", table, ["f32"], 16);
  checkSizes(op, { block: block / 8 }, 1);
  const { x, out, segments } = t;
  checkDistinct(op, { x, out, packed, absmax, table });
  if (s.m === 0 || s.n === 0) return;
  const { kernels, tier, facts } = stream.device;
  const SEGMENTED = segments ? 1 : 0;
  const tensors = { x, out, packed, absmax, values: table, segments: segments ?? x };
  const format = { block, round_to: { F32: 0, BF16: 1, F16: 2 }[weight.roundTo] };
  if (tier === "software") {
    if (plan.alpha !== 1 || plan.xOffset !== 0)
      throw new Error(`${op}: expected neither alpha nor xOffset in tier software`);
    const kernel = kernels.get("gemv_4bit_software", { LANES: facts.subgroupMin, SEGMENTED });
    stream.dispatch(kernel, tensors, { ...plan, ...format }, gridOf(s));
    return;
  }
  const spec = { X: x.dtype, O: out.dtype, BATCH: batchOf(s.m), SEGMENTED };
  stream.dispatch(kernels.get("gemv_4bit", spec), tensors, { ...plan, ...format }, gridOf(s));
}

function planned(
  op: string,
  stream: Stream,
  t: GemvTensors,
  s: GemvSizes,
  fourBit: boolean,
): Required<Omit<GemvSizes, "accumulate">> & { accumulate: number } {
  const plan = {
    alpha: 1,
    xOffset: 0,
    outOffset: 0,
    outStride: s.n,
    segment: 0,
    ...s,
    accumulate: s.accumulate ? 1 : 0,
  };
  const { m, n, k, xOffset, outOffset, outStride } = plan;
  checkSizes(op, { m, n, xOffset, outOffset });
  checkSizes(op, { k }, 1);
  checkSizes(op, { outStride }, n);
  if (!suitsGemv(stream, s, fourBit)) throw new Error(`${op}: does not take ${m} rows of ${k} at ${xOffset}`);
  if (t.segments) checkTensor(op, "segments", t.segments, ["u32"], 2 * (plan.segment + 1));
  checkTensor(op, "x", t.x, operand, xOffset + m * k);
  checkTensor(op, "out", t.out, operand, m === 0 ? 0 : outOffset + (m - 1) * outStride + n);
  return plan;
}

function batchOf(m: number): number {
  return [1, 2, 4, 8].find((batch) => batch >= m)!;
}

function gridOf({ n }: GemvSizes) {
  return foldedGrid(Math.ceil(n / rowsPerGroup));
}
