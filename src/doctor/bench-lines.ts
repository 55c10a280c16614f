// Measurements as lines of text.

import {
  formatBytes,
  formatCount,
  formatDuration,
  formatNumber,
  formatShare,
  formatTable,
} from "../base/format.ts";
import type { BenchResult } from "./bench.ts";
import { publishedRun } from "./published-run.ts";

const flops = (rate: number) =>
  rate >= 1e12 ? `${formatNumber(rate / 1e12)} TFLOP/s` : `${formatNumber(rate / 1e9)} GFLOP/s`;
const bytesPerSecond = (rate: number) => `${formatNumber(rate / 1e9)} GB/s`;
const line = (title: string, value: string) => `${title.padEnd(13)} ${value}`;

/** Lines for the terminal. */
export function benchLines(result: BenchResult, layers: number, columns: number): string[] {
  const { peaks, linear, step, tokens, labels } = result;
  const right = { align: "right" } as const;
  const rows = [
    ...linear.layers.map(({ names, outFeatures, inFeatures, forward, backward }) => ({
      name: names.map((name) => name.replace("_proj", "")).join(" "),
      size: `${outFeatures} x ${inFeatures}`,
      forward,
      backward,
    })),
    { name: "block", size: "", forward: linear.forward, backward: linear.backward },
  ];
  const measured =
    step.measuredLayers === layers
      ? `measured with all ${layers} layers`
      : `measured with ${step.measuredLayers} of ${layers} layers, the rest extrapolated`;
  return [
    line(
      "multiply-add",
      `${flops(peaks.fmaFlops)} f32${peaks.fmaF16Flops === undefined ? "" : `, ${flops(peaks.fmaF16Flops)} f16`}`,
    ),
    line(
      "copy",
      `${bytesPerSecond(peaks.kernelCopyBytes)} by a kernel, ${bytesPerSecond(peaks.bufferCopyBytes)} by the driver (read + written)`,
    ),
    line(
      "latency",
      `${formatNumber(peaks.dispatchSeconds * 1e6)} us a dispatch, ${formatNumber(peaks.submitSeconds * 1e3)} ms to submit and wait`,
    ),
    "",
    ...formatTable(
      [
        { title: `products, ${formatCount(tokens)} tokens` },
        { title: "weight", ...right },
        { title: "forward", ...right },
        { title: "of peak", ...right },
        { title: "backward", ...right },
        { title: "of peak", ...right },
      ],
      rows.map(({ name, size, forward, backward }) => [
        name,
        size,
        flops(forward),
        formatShare(forward, peaks.fmaFlops),
        flops(backward),
        formatShare(backward, peaks.fmaFlops),
      ]),
      columns,
    ),
    line("decode", `${bytesPerSecond(linear.decodeBytes)} of weights read for one token`),
    line("dequantise", `${formatNumber(linear.dequantised / 1e9)} G weights/s out of 4 bits`),
    "",
    line(
      "shape",
      `${result.shape}${result.load4bit ? " in 4 bits" : ""}, ${formatCount(tokens)} tokens, ${formatCount(labels)} of them labelled, LoRA r 16 on q k v o`,
    ),
    line(
      "memory",
      `${formatBytes(step.wholeBytes)} for all layers, ${step.keptLayers} of ${layers} keep their activations`,
    ),
    line(
      "step",
      `${formatDuration(step.seconds)} forward and backward (${measured}); the first ${formatDuration(step.firstSeconds)}`,
    ),
    line(
      "",
      `${formatDuration(step.layerSeconds)} a layer, ${formatDuration(step.restSeconds)} for embedding, head and loss`,
    ),
    line(
      "useful work",
      `${flops(result.stepFlops)}, ${formatShare(result.stepFlops, (linear.forward + linear.backward) / 2)} of the product rate, ${formatShare(result.stepFlops, peaks.fmaFlops)} of the multiply-add peak`,
    ),
    line("speed", `${formatNumber(result.tokensPerSecond)} tokens/s`),
    line(
      "published run",
      `${formatDuration(result.publishedSeconds)} for ${formatCount(publishedRun.trajectories)} trajectories of ${formatCount(publishedRun.tokensPerTrajectory)} tokens (assumed), ${publishedRun.epochs} epochs`,
    ),
  ];
}
