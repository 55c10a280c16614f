// 4-bit weights back to numbers, once per weight and pass; the products then read plain matrices.

import { foldedGrid, type Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkSizes, checkTensor, operand } from "./check.ts";

const op = "dequantise4bit";

/** Types that a product can be rounded to before it is stored, by what the kernel calls them. */
const rounding = { F32: 0, BF16: 1, F16: 2 } as const;

/** out[i] = table[code i] * absmax[floor(i / block)], in f32, rounded to `roundTo` and then to `out`'s type; elements from `count` on stay.
 *  packed [ceil(count / 8)] u32: bytes as stored, little endian, the even element in a byte's high nibble.
 *  absmax [ceil(count / block)] f32, table [16] f32, out [count] f32 or f16. `block` is a multiple of 8.
 *  With `segments` [S, 2] u32, nothing happens when the number of rows in entry `segment` is 0.
 *  @throws Error when a tensor is too small or of the wrong type. */
export function dequantise4bit(
  stream: Stream,
  tensors: {
    readonly packed: Tensor;
    readonly absmax: Tensor;
    readonly table: Tensor;
    readonly out: Tensor;
    readonly segments?: Tensor | undefined;
  },
  sizes: {
    readonly count: number;
    readonly block: number;
    readonly roundTo?: keyof typeof rounding;
    readonly segment?: number;
  },
): void {
  const { packed, absmax, table, out, segments } = tensors;
  const { count, block, roundTo = "F32", segment = 0 } = sizes;
  checkSizes(op, { count });
  checkSizes(op, { block }, 8);
  if (block % 8 !== 0) throw new Error(`${op}: block must be a multiple of 8, got ${block}`);
  checkTensor(op, "packed", packed, ["u32"], Math.ceil(count / 8));
  checkTensor(op, "absmax", absmax, ["f32"], Math.ceil(count / block));
  checkTensor(op, "table", table, ["f32"], 16);
  checkTensor(op, "out", out, operand, count);
  if (segments) checkTensor(op, "segments", segments, ["u32"], 2 * (segment + 1));
  const { kernels, facts } = stream.device;
  const kernel = kernels.get("dequantise_4bit", {
    O: out.dtype,
    SELECTS: facts.software ? 1 : 0,
    SEGMENTED: segments ? 1 : 0,
  });
  if (count > 0)
    stream.dispatch(
      kernel,
      { packed, absmax, values: table, out, segments: segments ?? packed },
      { count, segment, block, round_to: rounding[roundTo] },
      foldedGrid(Math.ceil(count / 512)),
    );
}
