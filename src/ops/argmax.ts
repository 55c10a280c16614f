// The likeliest token of each row of logits, chosen on the device, so that the next step can start without the host.

import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkDistinct, checkSizes, checkTensor } from "./check.ts";

/** result[at + r] = (id, bits of log p(id)) of logits row `first` + r; the lowest id wins a tie, and log p is NaN where a logit is
 *  not finite. With `advance`, ids[first + r] becomes the id and the position of that row grows by one: the next step's input.
 *  logits [rows, stride] f32, of which `vocab` count; result [n, 2] u32; ids [rows] u32; positions [rows, 2] u32. */
export function argmax(
  stream: Stream,
  t: { logits: Tensor; result: Tensor; ids: Tensor; positions: Tensor },
  s: { first: number; rows: number; vocab: number; stride: number; at: number; advance: boolean },
): void {
  const op = "argmax";
  const { first, rows, vocab, stride, at } = s;
  checkSizes(op, { first, rows, at });
  checkSizes(op, { vocab }, 1);
  checkSizes(op, { stride }, vocab);
  checkTensor(op, "logits", t.logits, ["f32"], (first + rows - 1) * stride + vocab);
  checkTensor(op, "result", t.result, ["u32"], 2 * (at + rows));
  checkTensor(op, "ids", t.ids, ["u32"], s.advance ? first + rows : 0);
  checkTensor(op, "positions", t.positions, ["u32"], s.advance ? 2 * (first + rows) : 0);
  checkDistinct(op, { ...t });
  if (rows === 0) return;
  const kernel = stream.device.kernels.get("argmax", { LANES: stream.device.facts.software ? 64 : 256 });
  const params = { stride, vocab, first, at, advance: s.advance ? 1 : 0 };
  stream.dispatch(kernel, { ...t }, params, [rows]);
}
