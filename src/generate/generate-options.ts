// The options of `sekft generate`.

import type { Options } from "../base/options.ts";
import { deviceOptions } from "../gpu/device-options.ts";
import type { GenerateOptions } from "./options.ts";

const model = "Base and adapter";
const prompt = "Prompt";
const sampling = "Sampling";
const device = "Device";

export const generateOptions = {
  base: {
    type: "string",
    value: "DIR|FILE.gguf",
    required: true,
    group: model,
    aliases: ["model-name-or-path"],
    help: "base model: a Hugging Face directory or a GGUF file",
  },
  adapter: { type: "string", value: "DIR", group: model, help: "PEFT adapter to put on the base" },
  load4bit: {
    type: "flag",
    group: model,
    aliases: ["load-in-4bit"],
    help: "hold the base in 4 bits (NF4, double quantisation)",
  },
  chatTemplate: {
    type: "string",
    value: "FILE",
    group: model,
    help: "Jinja template in place of the base's own",
  },

  prompt: { type: "string", value: "TEXT", group: prompt, help: "one user turn" },
  messages: {
    type: "string",
    value: "FILE.json",
    group: prompt,
    help: "a conversation: a list of {role, content}",
  },
  ids: { type: "string", value: "FILE.json", group: prompt, help: "the prompt as a list of token ids" },
  system: {
    type: "string",
    value: "TEXT",
    group: prompt,
    help: "a system turn before --prompt or a conversation",
  },
  raw: {
    type: "flag",
    group: prompt,
    help: "continue the text of --prompt as it is, without the chat template",
  },
  normalize: {
    type: "flag",
    default: true,
    group: prompt,
    help: "bring messages into the form that training gives them",
  },

  maxTokens: {
    type: "int",
    min: 1,
    default: 1024,
    unit: "tokens",
    group: sampling,
    aliases: ["max-new-tokens"],
    help: "longest answer",
  },
  temperature: {
    type: "float",
    min: 0,
    max: 100,
    default: 0,
    group: sampling,
    help: "divides the logits; 0 takes the likeliest token",
  },
  topK: { type: "int", min: 0, default: 0, group: sampling, help: "sample from so many tokens; 0: all" },
  topP: {
    type: "float",
    min: 1e-6,
    max: 1,
    default: 1,
    group: sampling,
    help: "sample from the fewest tokens with this probability",
  },
  minP: {
    type: "float",
    min: 0,
    max: 1,
    default: 0,
    group: sampling,
    help: "leave out tokens below this share of the likeliest one's probability",
  },
  repetitionPenalty: {
    type: "float",
    min: 1e-3,
    default: 1,
    group: sampling,
    help: "weakens tokens that occurred before",
  },
  seed: {
    type: "int",
    group: sampling,
    help: "the same seed gives the same answer [default another each time]",
  },
  stop: { type: "list", value: "TEXT", group: sampling, help: "texts that end the answer" },
  stopTokenIds: { type: "list", value: "ID", group: sampling, help: "token ids that end the answer" },
  ignoreEos: { type: "flag", group: sampling, help: "go on past the base's own end tokens" },
  logprobs: {
    type: "int",
    min: 0,
    max: 100,
    group: sampling,
    help: "report so many likely alternatives for each token, with --json",
  },

  contextTokens: {
    type: "int",
    min: 2,
    unit: "tokens",
    group: device,
    help: "longest prompt and answer together [default the base's own, as far as memory goes]",
  },
  ...deviceOptions,
} as const;

export type GenerateFlags = Options<typeof generateOptions>;

/** How the flags want answers made. */
export function samplingOf(flags: GenerateFlags): GenerateOptions {
  const { maxTokens, temperature, topK, topP, minP, repetitionPenalty, seed, stop, ignoreEos, logprobs } =
    flags;
  return {
    ...{ maxTokens, temperature, topK, topP, minP, repetitionPenalty, seed, stop, ignoreEos, logprobs },
    stopTokenIds: flags.stopTokenIds?.map(Number),
  };
}
