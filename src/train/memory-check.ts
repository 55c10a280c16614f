// Refuses a run that the device cannot hold, before anything is loaded, and says what would fit.

import { UserError } from "../base/errors.ts";
import { formatBytes, formatCount } from "../base/format.ts";
import type { BaseWeights } from "../formats/base-weights.ts";
import { fitsDevice, planMemory } from "../model/memory-plan.ts";
import { type ModelSizes, type PlannedDevice, planInputFor } from "../model/plan-input.ts";

/** Holds the planned memory against what the device can give, where that is known.
 *  @throws UserError naming both, with what would fit. */
export function checkMemory(
  base: Pick<BaseWeights, "config" | "tensors">,
  sizes: ModelSizes,
  device: PlannedDevice,
): void {
  const { budgetBytes } = sizes;
  if (budgetBytes === undefined) return;
  const planned = (change: Partial<ModelSizes>) =>
    planMemory(planInputFor(base, { ...sizes, ...change }, device));
  const fits = (change: Partial<ModelSizes>) => fitsDevice(planned(change), device, budgetBytes);
  if (fits({})) return;
  const { totalBytes, largestBytes } = planned({});
  const remedies: string[] = [];
  // Weights that are trained are not held in 4 bits.
  const mayQuantise = !sizes.load4bit && !sizes.stages?.some(({ tensors }) => tensors.length > 0);
  if (mayQuantise && fits({ load4bit: true })) remedies.push("--load-4bit");
  if (sizes.checkpointing === "none" && fits({ checkpointing: "full" }))
    remedies.push("--gradient-checkpointing full");
  const tokens = largest(sizes.maxTokens, (maxTokens) => fits({ ...atMost(sizes, maxTokens) }));
  if (tokens > 0) remedies.push(`micro-batches of at most ${formatCount(tokens)} tokens (--max-length)`);
  else if (mayQuantise) {
    const both = largest(sizes.maxTokens, (maxTokens) =>
      fits({ ...atMost(sizes, maxTokens), load4bit: true }),
    );
    if (both > 0) remedies.push(`--load-4bit with micro-batches of at most ${formatCount(both)} tokens`);
  }
  const what =
    totalBytes > budgetBytes
      ? `a run of at most ${formatBytes(budgetBytes)}, which the device can give, got one of ${formatBytes(totalBytes)}`
      : `buffers of at most ${formatBytes(device.maxBindingBytes)}, which the device can bind, got one of ${formatBytes(largestBytes)}`;
  throw new UserError(`train: expected ${what}`, {
    hint: `${remedies.length > 0 ? `what fits: ${remedies.join(", or ")}` : "nothing of this base fits; choose a smaller one"}; --memory-limit says how much may be used`,
  });
}

function atMost(sizes: ModelSizes, maxTokens: number): Partial<ModelSizes> {
  const { maxRows = sizes.maxTokens } = sizes;
  return { maxTokens, maxRows: Math.min(maxRows, maxTokens), checkpointing: "full" };
}

/** The largest number from 1 to `limit` that fits, rounded down to a multiple of 64 from there on; 0: none. */
function largest(limit: number, fits: (count: number) => boolean): number {
  let low = 0;
  let high = limit;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  return low >= 64 ? low - (low % 64) : low;
}
