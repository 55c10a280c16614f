// The gated MLP's activation, forward and backward.

import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkDistinct, checkSizes, checkTensor, operand } from "./check.ts";
import { elementGrid } from "./layout.ts";

/** h = silu(gate) · up, element by element; all three of one type, f32 or f16. Shazeer 2020. */
export function swigluForward(
  stream: Stream,
  t: { gate: Tensor; up: Tensor; h: Tensor },
  s: { count: number },
): void {
  const op = "swigluForward";
  checkSizes(op, { ...s });
  checkTensor(op, "gate", t.gate, operand, s.count);
  checkTensor(op, "up", t.up, [t.gate.dtype], s.count);
  checkTensor(op, "h", t.h, [t.gate.dtype], s.count);
  checkDistinct(op, { ...t });
  if (s.count === 0) return;
  const kernel = stream.device.kernels.get("swiglu_forward", { T: t.gate.dtype });
  stream.dispatch(kernel, { ...t }, { count: s.count }, elementGrid(s.count));
}

/** Gradients of gate and up from dh. gate and up of one type, f32 or f16; dh, dgate, dup f32.
 *  dup may be the very tensor dh, which it then replaces; nothing else shares memory. */
export function swigluBackward(
  stream: Stream,
  t: { gate: Tensor; up: Tensor; dh: Tensor; dgate: Tensor; dup: Tensor },
  s: { count: number },
): void {
  const op = "swigluBackward";
  checkSizes(op, { ...s });
  checkTensor(op, "gate", t.gate, operand, s.count);
  checkTensor(op, "up", t.up, [t.gate.dtype], s.count);
  for (const name of ["dh", "dgate", "dup"] as const) checkTensor(op, name, t[name], ["f32"], s.count);
  const { dup, ...others } = t;
  const inPlace = dup === t.dh;
  checkDistinct(op, inPlace ? others : { ...t });
  if (s.count === 0) return;
  const name = inPlace ? "swiglu_backward_in_place" : "swiglu_backward";
  const kernel = stream.device.kernels.get(name, { T: t.gate.dtype });
  stream.dispatch(kernel, { ...t }, { count: s.count }, elementGrid(s.count));
}
