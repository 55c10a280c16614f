// From one storage type to another.

import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkDistinct, checkSizes, checkTensor, operand } from "./check.ts";
import { elementGrid } from "./layout.ts";

/** y = x, the first `count` elements, f32 or f16 each; values beyond f16's range are clamped. */
export function convert(stream: Stream, t: { x: Tensor; y: Tensor }, s: { count: number }): void {
  const op = "convert";
  checkSizes(op, { ...s });
  checkTensor(op, "x", t.x, operand, s.count);
  checkTensor(op, "y", t.y, operand, s.count);
  checkDistinct(op, { ...t });
  if (s.count === 0) return;
  const kernel = stream.device.kernels.get("convert", { S: t.x.dtype, T: t.y.dtype });
  stream.dispatch(kernel, { ...t }, { n: s.count }, elementGrid(s.count));
}
