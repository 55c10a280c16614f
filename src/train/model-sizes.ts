// How large the model of a run must be, from its rows and options: what train allocates and `sekft plan` prints.

import type { ModelSizes } from "../model/plan-input.ts";
import type { ModelStage } from "../model/trained-plan.ts";
import type { AdapterSetup } from "./adapter-setup.ts";
import { evalBatchSize, type TrainOptions } from "./options.ts";
import { isPreference, preferenceSettings } from "./preference/settings.ts";
import { batchBounds } from "./rows.ts";
import type { TrainingData } from "./training-data.ts";

/** What decides the size of a run. */
export interface SizedRun {
  readonly options: TrainOptions;
  readonly setup: Pick<AdapterSetup, "config" | "targets">;
  /** Of the base's own weights; undefined for an adapter alone. */
  readonly stages?: readonly ModelStage[] | undefined;
  /** Without rows every micro-batch counts as full, and every token as labelled. */
  readonly data: Pick<TrainingData, "train" | "validation"> | undefined;
}

/** Sizes of the model to load.
 *  @param deviceBudget bytes that the device can give; --memory-limit wins over it. */
export function modelSizes(
  { options, setup, stages = [], data }: SizedRun,
  deviceBudget: number | undefined,
): ModelSizes & Required<Pick<ModelSizes, "lossCapacity">> {
  const { perDeviceTrainBatchSize: batch, gradientAccumulationSteps: accumulation } = options;
  const preference = isPreference(options);
  // A pair is two sequences.
  const rowLength = (preference ? 2 : 1) * options.maxLength;
  const full = (rows: number) => ({ tokens: rows * rowLength, labels: rows * rowLength });
  const bounds = (rows: number) => (data ? batchBounds(data.train.rows, rows) : full(rows));
  const micro = bounds(batch);
  const held = data?.validation && batchBounds(data.validation.rows, evalBatchSize(options));
  // The reference sees all pairs before training, in batches of its own.
  const seen = data && preference ? [...data.train.rows, ...(data.validation?.rows ?? [])] : [];
  const before = preference ? batchBounds(seen, preferenceSettings(options).referenceBatchSize) : undefined;
  const { gradientCheckpointing: wanted, memoryLimit } = options;
  const checkpointing = wanted === "true" ? "full" : wanted === "false" ? "none" : wanted;
  return {
    load4bit: options.load4bit,
    targets: setup.targets,
    train: true,
    stages,
    dropout: setup.targets.length > 0 && setup.config.dropout > 0,
    sequenceLoss: preference,
    keepBase: options.keepBase > 0,
    maxTokens: Math.max(micro.tokens, held?.tokens ?? 0, before?.tokens ?? 0),
    maxRows: Math.max(1, micro.labels, held?.labels ?? 0, before?.labels ?? 0),
    lossCapacity: Math.max(1, bounds(batch * accumulation).labels, held?.labels ?? 0, before?.labels ?? 0),
    checkpointing: checkpointing as "auto" | "none" | "full",
    budgetBytes: memoryLimit === undefined ? deviceBudget : memoryLimit * 2 ** 30,
  };
}
