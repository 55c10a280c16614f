// The options of `sekft train`, under the names that TRL, PEFT and transformers give them. One table feeds parser, --help,
// config file and options.json.

import type { Options } from "../base/options.ts";
import { dataOptions } from "../data/data-options.ts";
import { tiers } from "../gpu/facts.ts";
import { schedules } from "./schedule.ts";

const data = "Data";
const lora = "LoRA";
const optimisation = "Optimisation";
const saving = "Evaluation, logs and checkpoints";
const device = "Device";

export const trainOptions = {
  base: {
    type: "string",
    value: "DIR|FILE.gguf",
    required: true,
    group: data,
    aliases: ["model-name-or-path"],
    help: "base model: a Hugging Face directory or a GGUF file",
  },
  ...dataOptions,
  tokenized: {
    type: "string",
    value: "FILE.json",
    group: data,
    help: "instead of --data: a JSON list of {input_ids, labels}",
  },
  evalData: {
    type: "string",
    value: "DIR|FILE",
    group: data,
    aliases: ["validation-data"],
    help: "validation trajectories",
  },
  evalTokenized: {
    type: "string",
    value: "FILE.json",
    group: data,
    help: "validation rows as a JSON list of {input_ids, labels}",
  },
  validationSplit: {
    type: "float",
    min: 0,
    max: 0.9,
    default: 0,
    group: data,
    help: "share of the rows that is held out for validation",
  },
  packing: { type: "flag", group: data, help: "several sequences a row, none of which sees another" },
  order: {
    type: "string",
    choices: ["shuffle", "sequential"],
    default: "shuffle",
    group: data,
    help: "order of the rows; shuffle is transformers' own for this seed",
  },
  inspect: { type: "flag", group: data, help: "show what would be trained, and stop (= inspect mask)" },

  out: {
    type: "string",
    value: "DIR",
    group: saving,
    aliases: ["output-dir"],
    help: "where the adapter goes",
  },
  resume: { type: "flag", group: saving, help: "go on from the last checkpoint in --out, bit for bit" },
  resumeFromCheckpoint: {
    type: "string",
    value: "DIR",
    group: saving,
    help: "go on from this checkpoint of --out; later ones are removed",
  },
  overwrite: { type: "flag", group: saving, help: "replace the run that --out holds" },
  loggingSteps: {
    type: "int",
    min: 1,
    default: 1,
    unit: "steps",
    group: saving,
    help: "log every so many steps",
  },
  evalStrategy: {
    type: "string",
    choices: ["no", "steps", "epoch"],
    group: saving,
    help: "when to evaluate; steps if --eval-steps is given, else each epoch",
  },
  evalSteps: { type: "int", min: 1, unit: "steps", group: saving, help: "evaluate every so many steps" },
  perDeviceEvalBatchSize: {
    type: "int",
    min: 1,
    group: saving,
    help: "rows of an evaluation batch; as in training if not given",
  },
  loadBestModelAtEnd: {
    type: "flag",
    group: saving,
    help: "end with the checkpoint of the lowest eval_loss",
  },
  earlyStoppingPatience: {
    type: "int",
    min: 0,
    default: 0,
    unit: "evaluations",
    group: saving,
    help: "stop after so many without improvement; 0: never",
  },
  earlyStoppingThreshold: {
    type: "float",
    min: 0,
    default: 0,
    group: saving,
    help: "smaller gains are no improvement",
  },
  saveStrategy: {
    type: "string",
    choices: ["no", "steps", "epoch"],
    default: "steps",
    group: saving,
    help: "when to write a checkpoint",
  },
  saveSteps: {
    type: "int",
    min: 1,
    default: 100,
    unit: "steps",
    group: saving,
    help: "write one every so many steps",
  },
  saveTotalLimit: {
    type: "int",
    min: 0,
    default: 0,
    group: saving,
    help: "checkpoints to keep, the best one beside; 0: all",
  },

  loraR: { type: "int", min: 1, max: 1024, group: lora, help: "rank [default 16]" },
  loraAlpha: { type: "float", group: lora, help: "scale is alpha / r [default 32]" },
  loraDropout: {
    type: "float",
    min: 0,
    max: 0.99,
    group: lora,
    help: "dropout of the LoRA path [default 0.05]",
  },
  useRslora: { type: "flag", group: lora, help: "scale is alpha / sqrt(r)" },
  targetModules: {
    type: "list",
    group: lora,
    aliases: ["lora-target-modules"],
    help: "layers by name, or all-linear, or one regular expression [default q_proj,k_proj,v_proj,o_proj]",
  },
  rankPattern: { type: "string", value: "KEY=R,...", group: lora, help: "other ranks for some layers" },
  alphaPattern: { type: "string", value: "KEY=ALPHA,...", group: lora, help: "other alphas for some layers" },
  initAdapter: {
    type: "string",
    value: "DIR",
    group: lora,
    help: "start from this PEFT adapter; the settings above default to its own",
  },
  load4bit: {
    type: "flag",
    group: lora,
    aliases: ["load-in-4bit"],
    help: "QLoRA: hold the base in 4 bits (NF4, double quantisation)",
  },

  numTrainEpochs: {
    type: "float",
    min: 0,
    default: 3,
    unit: "epochs",
    group: optimisation,
    help: "passes over the data",
  },
  maxSteps: {
    type: "int",
    default: -1,
    unit: "steps",
    group: optimisation,
    help: "updates in all; wins over epochs when positive",
  },
  perDeviceTrainBatchSize: {
    type: "int",
    min: 1,
    default: 1,
    unit: "rows",
    group: optimisation,
    help: "rows of a micro-batch",
  },
  gradientAccumulationSteps: {
    type: "int",
    min: 1,
    default: 8,
    unit: "micro-batches",
    group: optimisation,
    help: "micro-batches of an update",
  },
  learningRate: { type: "float", min: 0, default: 2e-4, group: optimisation, help: "peak rate" },
  lrSchedulerType: {
    type: "string",
    choices: schedules,
    default: "linear",
    group: optimisation,
    help: "schedule",
  },
  lrSchedulerKwargs: {
    type: "string",
    value: "KEY=VALUE,...",
    group: optimisation,
    help: "its settings, e.g. num_cycles=2; JSON also",
  },
  warmupSteps: {
    type: "float",
    min: 0,
    group: optimisation,
    help: "warmup in steps, or below 1 as a share; wins over the ratio",
  },
  warmupRatio: {
    type: "float",
    min: 0,
    max: 1,
    default: 0.03,
    group: optimisation,
    help: "warmup as a share of all steps",
  },
  weightDecay: { type: "float", min: 0, default: 0, group: optimisation, help: "decoupled weight decay" },
  maxGradNorm: {
    type: "float",
    min: 0,
    default: 1,
    group: optimisation,
    help: "clip gradients to this norm; 0: no clipping",
  },
  adamBeta1: {
    type: "float",
    min: 0,
    max: 0.9999,
    default: 0.9,
    group: optimisation,
    help: "AdamW's first decay",
  },
  adamBeta2: {
    type: "float",
    min: 0,
    max: 0.999999,
    default: 0.999,
    group: optimisation,
    help: "AdamW's second decay",
  },
  adamEpsilon: { type: "float", min: 0, default: 1e-8, group: optimisation, help: "AdamW's epsilon" },
  loraplusLrRatio: {
    type: "float",
    min: 0,
    default: 1,
    group: optimisation,
    help: "LoRA+: rate of B over the rate of A",
  },
  neftuneNoiseAlpha: {
    type: "float",
    min: 0,
    default: 0,
    group: optimisation,
    help: "NEFTune: noise on the embeddings",
  },
  seed: {
    type: "int",
    min: 0,
    max: 4294967295,
    default: 42,
    group: optimisation,
    help: "of order, start and dropout",
  },

  tier: {
    type: "string",
    choices: ["auto", ...tiers],
    default: "auto",
    group: device,
    help: "kernels to use",
  },
  requireGpu: { type: "flag", group: device, help: "refuse a CPU adapter" },
  gradientCheckpointing: {
    type: "string",
    choices: ["auto", "none", "full", "true", "false"],
    default: "auto",
    group: device,
    help: "compute activations again in backward: as memory asks, never, always",
  },
  memoryLimit: {
    type: "float",
    min: 1e-3,
    unit: "GiB",
    group: device,
    help: "device memory that may be used, for auto",
  },
} as const;

export type TrainOptions = Options<typeof trainOptions>;

/** Rows of an evaluation batch. */
export function evalBatchSize(options: TrainOptions): number {
  return options.perDeviceEvalBatchSize ?? options.perDeviceTrainBatchSize;
}

/** Options that a resumed run may change: they decide what is kept and shown, not what is computed. */
export const changeableOptions: ReadonlySet<keyof TrainOptions> = new Set([
  "base",
  "data",
  "tokenized",
  "evalData",
  "evalTokenized",
  "initAdapter",
  "chatTemplate",
  "out",
  "inspect",
  "resume",
  "resumeFromCheckpoint",
  "overwrite",
  "loggingSteps",
  "evalStrategy",
  "evalSteps",
  "perDeviceEvalBatchSize",
  "saveStrategy",
  "saveSteps",
  "saveTotalLimit",
  "requireGpu",
  "tier",
  "gradientCheckpointing",
  "memoryLimit",
]);
