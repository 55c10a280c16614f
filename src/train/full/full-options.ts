// The options of training the base's own weights.

const group = "The base's own weights";

export const fullOptions = {
  full: {
    type: "list",
    value: "GROUPS",
    group,
    help: "train these weights of the base: attention, norms, mlp, router, embeddings, lm_head, layers:20-31, all; with lora also an adapter",
  },
  stages: {
    type: "string",
    list: true,
    value: "LIST",
    group,
    help: "in a config file: [{until: step, groups: [...], learning_rate: X}, ...], one after another; see docs/training.md",
  },
  fromScratch: {
    type: "flag",
    group,
    help: "start from random weights: of --base only config.json and the tokenizer files are read; with --full all, or stages",
  },
  modelDtype: {
    type: "string",
    choices: ["float32", "float16", "bfloat16"],
    group,
    usual: "the base's own",
    help: "type that trained models are saved in",
  },
} as const;
