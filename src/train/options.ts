// The options of `sekft train`, under the names that TRL, PEFT and transformers give them. One table feeds parser, --help,
// config file and options.json.

import type { Options } from "../base/options.ts";
import { dataOptions, endingOptions } from "../data/data-options.ts";
import { deviceOptions } from "../gpu/device-options.ts";
import { fullOptions } from "./full/full-options.ts";
import { gateOptions } from "./gates/gate-options.ts";
import { learningOptions } from "./learning-options.ts";
import { preferenceOptions } from "./preference/preference-options.ts";

const data = "Data";
const saving = "Evaluation, logs and checkpoints";
const device = "Device";

export const trainOptions = {
  method: {
    type: "string",
    choices: ["sft", "dpo"],
    default: "sft",
    group: data,
    help: "sft learns trajectories, dpo preferences between pairs (prompt, chosen, rejected), whatever the loss",
  },
  base: {
    type: "string",
    value: "DIR|FILE.gguf",
    required: true,
    group: data,
    aliases: ["model-name-or-path"],
    help: "base model: a Hugging Face directory, a GGUF file, or org/name on the Hub",
  },
  ...dataOptions,
  ...endingOptions,
  hub: {
    type: "string",
    value: "ORG/NAME",
    group: data,
    help: "instead of --data: a data set on the Hub, downloaded once and pinned in sekft.lock",
  },
  corpusVersion: {
    type: "string",
    value: "latest|VERSION",
    group: data,
    help: "which version of --hub, where it keeps several in folders (v1, v2, ...); latest when left out",
  },
  tokenized: {
    type: "string",
    value: "FILE.json",
    group: data,
    help: "instead of --data: a JSON list of {input_ids, labels}; with --method dpo of {prompt_ids, chosen_ids, rejected_ids}",
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

  ...gateOptions,
  ...learningOptions,
  ...fullOptions,
  ...preferenceOptions,
  ...deviceOptions,
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
  "holdout",
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
  "refAdapter",
  "precomputeRefLogProbs",
  "gates",
  "modelDtype",
]);
