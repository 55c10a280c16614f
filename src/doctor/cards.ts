// What a run would need on cards of the usual sizes.

import type { BaseWeights } from "../formats/base-weights.ts";
import { budgetOf } from "../gpu/memory.ts";
import { fitsDevice, planMemory } from "../model/memory-plan.ts";
import { type ModelSizes, type PlannedDevice, planInputFor } from "../model/plan-input.ts";

/** Sizes of cards, as they are sold. */
const cardSizes = [8, 16, 24, 32, 48, 80] as const;

/** A run on a card of that size. */
export interface CardFit {
  readonly gigabytes: number;
  readonly fits: boolean;
  readonly totalBytes: number;
  /** Layers that keep their activations; the others are computed again. */
  readonly keptLayers: number;
  /** Longest rows that would fit with everything computed again; undefined when none do. */
  readonly longest: number | undefined;
}

/** What decides the fit. */
export interface CardQuestion {
  readonly source: Pick<BaseWeights, "config" | "tensors">;
  readonly sizes: ModelSizes;
  /** Sizes if every row had this length. */
  readonly sizesAt: (length: number) => ModelSizes;
  readonly device: PlannedDevice;
}

/** A run on each size of card, one that nothing else uses. */
export function fitCards(question: CardQuestion): CardFit[] {
  return cardSizes.map((gigabytes) => {
    const budgetBytes = budgetOf(gigabytes * 2 ** 30);
    const planned = plan(question, { ...question.sizes, budgetBytes });
    const { totalBytes, keptLayers } = planned;
    const fits = fitsDevice(planned, question.device, budgetBytes);
    return { gigabytes, fits, totalBytes, keptLayers, longest: longestRow(question, budgetBytes) };
  });
}

function plan({ source, device }: CardQuestion, sizes: ModelSizes) {
  return planMemory(planInputFor(source, sizes, device));
}

/** Lengths are tried in steps of this many tokens. */
const grain = 64;

function longestRow(question: CardQuestion, budgetBytes: number): number | undefined {
  const fits = (steps: number) => {
    try {
      const sizes: ModelSizes = { ...question.sizesAt(steps * grain), checkpointing: "full" };
      return fitsDevice(plan(question, sizes), question.device, budgetBytes);
    } catch (error) {
      // A single row of logits or weights that no binding holds.
      if (error instanceof RangeError) return false;
      throw error;
    }
  };
  let low = 0;
  let high = Math.floor(question.source.config.maxPositionEmbeddings / grain) + 1;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low === 0 ? undefined : low * grain;
}
