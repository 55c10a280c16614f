// A plan as lines of text.

import {
  formatBytes,
  formatCount,
  formatDuration,
  formatNumber,
  formatShare,
  formatTable,
} from "../base/format.ts";
import type { PlanReport } from "./plan-report.ts";

/** What {@link timeLines} needs. */
export interface TimedPlan extends Pick<PlanReport, "work"> {
  readonly steps:
    | { readonly totalSteps: number; readonly stepsPerEpoch: number; readonly warmupSteps: number }
    | undefined;
  readonly speed:
    | {
        readonly tokensPerSecond: number;
        /** Where it comes from. */
        readonly source: string;
        /** Of the whole run; undefined without data. */
        readonly seconds: number | undefined;
      }
    | undefined;
}

const right = { align: "right" } as const;

/** Memory by class and the verdict for this device. */
export function memoryLines({ memory }: PlanReport, where: string, columns: number): string[] {
  const { classes, totalBytes, layers, keptLayers, fits } = memory;
  const verdict = fits === undefined ? [] : [`${fits ? "fits" : "does not fit"}: ${reasons(memory)}`];
  return [
    `memory on ${where}`,
    ...formatTable(
      [{ title: "class" }, { title: "size", ...right }, { title: "share", ...right }],
      [
        ...Object.entries(classes).map(([name, bytes]) => [
          name,
          formatBytes(bytes),
          formatShare(bytes, totalBytes),
        ]),
        ["total", formatBytes(totalBytes), ""],
      ],
      columns,
    ),
    `checkpointing: ${checkpointingWords(keptLayers, layers)} (what is checkpointed is computed again in the backward pass)`,
    ...verdict,
  ];
}

function reasons({ totalBytes, budgetBytes, largestBytes, maxBindingBytes }: PlanReport["memory"]): string {
  const planned = `${formatBytes(budgetBytes!)} can be planned with`;
  if (largestBytes > maxBindingBytes)
    return `the largest buffer takes ${formatBytes(largestBytes)}, the adapter binds ${formatBytes(maxBindingBytes)} at most; a shorter --max-length needs less`;
  return totalBytes > budgetBytes! ? `${planned}; a shorter --max-length or --load-4bit needs less` : planned;
}

/** What cards of the usual sizes would do. */
export function cardLines({ cards, memory }: PlanReport, tier: string, columns: number): string[] {
  return [
    `on a card that nothing else uses (tier ${tier})`,
    ...formatTable(
      [
        { title: "card", ...right },
        { title: "this run" },
        { title: "needs", ...right },
        { title: "checkpointing" },
        { title: "longest rows", ...right },
      ],
      cards.map(({ gigabytes, fits, totalBytes, keptLayers, longest }) => [
        `${gigabytes} GB`,
        fits ? "fits" : "does not fit",
        formatBytes(totalBytes),
        checkpointingWords(keptLayers, memory.layers),
        longest === undefined ? "-" : formatCount(longest),
      ]),
      columns,
    ),
  ];
}

/** Steps and time of the run. */
export function timeLines({ steps, speed, work }: TimedPlan): string[] {
  const lines: string[] = [];
  if (steps)
    lines.push(
      `steps: ${formatCount(steps.totalSteps)} (${formatCount(steps.stepsPerEpoch)} an epoch), ${formatCount(steps.warmupSteps)} of warmup`,
    );
  if (work)
    lines.push(
      `work: ${formatCount(work.tokens)} tokens, ${formatNumber(work.flop / 1e15)} PFLOP without recomputation`,
    );
  if (speed)
    lines.push(
      `speed: ${formatNumber(speed.tokensPerSecond)} tokens/s (${speed.source})`,
      ...(speed.seconds === undefined ? [] : [`time: about ${formatDuration(speed.seconds)}`]),
    );
  else lines.push("time: unknown without a measurement; give --tokens-per-second");
  return lines;
}

function checkpointingWords(kept: number, layers: number): string {
  if (kept === layers) return "none";
  if (kept <= 1) return "full";
  return `${layers - kept} of ${layers} layers`;
}
