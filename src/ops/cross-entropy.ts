// Token losses over labelled rows, and the gradient of the logits in their place.

import type { Stream } from "../gpu/stream.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { checkDistinct, checkSizes, checkTensor } from "./check.ts";
import { rowGrid, rowLayout } from "./layout.ts";

/** loss[rowOffset + r] = logsumexp(logits[r]) − logits[r][targets[rowOffset + r]]; with `gradient`, logits[r] becomes
 *  weights[rowOffset + r] · (softmax − onehot). A target of `vocab` or more gives loss 0 and gradient 0.
 *  logits [rows, vocab] f32, targets u32, weights and loss f32, the last three at least rowOffset + rows long. */
export function crossEntropy(
  stream: Stream,
  t: { logits: Tensor; targets: Tensor; weights: Tensor; loss: Tensor },
  s: { rows: number; vocab: number; rowOffset: number; gradient: boolean },
): void {
  const op = "crossEntropy";
  const { rows, vocab, rowOffset } = s;
  checkSizes(op, { rows, rowOffset });
  checkSizes(op, { vocab }, 1);
  checkTensor(op, "logits", t.logits, ["f32"], rows * vocab);
  checkTensor(op, "targets", t.targets, ["u32"], rowOffset + rows);
  checkTensor(op, "weights", t.weights, ["f32"], rowOffset + rows);
  checkTensor(op, "loss", t.loss, ["f32"], rowOffset + rows);
  checkDistinct(op, { ...t });
  if (rows === 0) return;
  const layout = rowLayout(stream.device, vocab);
  const kernel = stream.device.kernels.get("cross_entropy", layout);
  const params = { rows, vocab, row_offset: rowOffset, gradient: s.gradient ? 1 : 0 };
  stream.dispatch(kernel, { ...t }, params, rowGrid(rows, layout));
}
