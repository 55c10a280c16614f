// A run before it is started: memory by class, what fits where, how many steps, how long.

import type { BaseWeights } from "../formats/base-weights.ts";
import { fitsDevice, planMemory } from "../model/memory-plan.ts";
import { type ModelSizes, type PlannedDevice, planInputFor } from "../model/plan-input.ts";
import { type CardFit, fitCards } from "./cards.ts";
import { stepFlop } from "./work.ts";

/** Rows of a run, as far as a plan needs them. */
export interface PlannedRow {
  readonly tokens: number;
  readonly labels: number;
}

/** The question. */
export interface PlanQuestion {
  readonly source: Pick<BaseWeights, "config" | "tensors">;
  readonly sizes: ModelSizes;
  readonly sizesAt: (length: number) => ModelSizes;
  readonly device: PlannedDevice;
  /** What a card of the usual sizes is taken to be. */
  readonly card: PlannedDevice;
  /** Rows of one epoch; undefined without data. */
  readonly rows: readonly PlannedRow[] | undefined;
  /** Epochs of the run, part of one included; undefined without data. */
  readonly epochs: number | undefined;
}

/** The answer. */
export interface PlanReport {
  readonly memory: {
    readonly classes: Readonly<Record<string, number>>;
    readonly totalBytes: number;
    readonly layers: number;
    readonly keptLayers: number;
    /** Undefined when nothing says how much there is. */
    readonly budgetBytes: number | undefined;
    /** Of the largest buffer. */
    readonly largestBytes: number;
    /** Largest buffer that the device binds. */
    readonly maxBindingBytes: number;
    readonly fits: boolean | undefined;
  };
  readonly cards: readonly CardFit[];
  readonly work:
    | {
        /** Of the whole run. */
        readonly tokens: number;
        /** Useful floating point operations of the whole run. */
        readonly flop: number;
      }
    | undefined;
}

/** Plans a run. */
export function planReport(question: PlanQuestion): PlanReport {
  const { source, sizes, device, card, rows, epochs } = question;
  const plan = planMemory(planInputFor(source, sizes, device));
  const { budgetBytes } = sizes;
  return {
    memory: {
      classes: Object.fromEntries([...plan.byClass].sort(([, a], [, b]) => b - a)),
      totalBytes: plan.totalBytes,
      layers: source.config.layers,
      keptLayers: plan.keptLayers,
      budgetBytes,
      largestBytes: plan.largestBytes,
      maxBindingBytes: device.maxBindingBytes,
      fits: budgetBytes === undefined ? undefined : fitsDevice(plan, device, budgetBytes),
    },
    cards: fitCards({ ...question, device: card }),
    work: rows && epochs !== undefined ? workOf(question, rows, epochs) : undefined,
  };
}

function workOf({ source, sizes }: PlanQuestion, rows: readonly PlannedRow[], epochs: number) {
  const { targets = [] } = sizes;
  const sum = (value: (row: PlannedRow) => number) =>
    epochs * rows.reduce((total, row) => total + value(row), 0);
  return {
    tokens: sum(({ tokens }) => tokens),
    flop: sum(({ tokens, labels }) => stepFlop({ config: source.config, targets, tokens, labels })),
  };
}
