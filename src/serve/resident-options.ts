// The options of `sekft resident`.

import type { Options } from "../base/options.ts";
import { deviceOptions } from "../gpu/device-options.ts";

const base = "Base and adapters";
const network = "Network";
const limits = "Limits";
const device = "Device";

export const residentOptions = {
  base: {
    type: "string",
    value: "DIR|FILE.gguf",
    required: true,
    group: base,
    aliases: ["model-name-or-path"],
    help: "base model: a Hugging Face directory or a GGUF file; without tokenizer files it serves ids only",
  },
  load4bit: {
    type: "flag",
    group: base,
    aliases: ["load-in-4bit"],
    help: "hold the base in 4 bits (NF4, double quantisation)",
  },
  adapter: {
    type: "list",
    value: "NAME=DIR",
    group: base,
    help: "PEFT adapters to serve from the start",
  },
  experimental: {
    type: "flag",
    group: base,
    help: "serve adapters whose recorded format probe failed, too; /v1/models marks them",
  },
  servedModelName: { type: "string", group: base, help: "name of the base [default its file name]" },
  chatTemplate: {
    type: "string",
    value: "FILE",
    group: base,
    help: "Jinja template in place of the base's own",
  },
  normalize: {
    type: "flag",
    default: true,
    group: base,
    help: "bring messages into the form that training gives them; --no-normalize is written into every answer",
  },
  store: {
    type: "string",
    value: "DIR",
    default: "resident",
    group: base,
    help: "where uploaded files and trained adapters go",
  },

  host: { type: "string", default: "127.0.0.1", group: network, help: "address; another needs an API key" },
  port: { type: "int", min: 0, max: 65535, default: 8080, group: network, help: "port; 0: any free one" },
  socket: { type: "string", value: "PATH", group: network, help: "a Unix socket in place of host and port" },
  apiKeyFile: {
    type: "string",
    value: "FILE",
    group: network,
    help: "keys that clients must send, one a line",
  },

  contextTokens: {
    type: "int",
    min: 1,
    unit: "tokens",
    group: limits,
    help: "longest conversation [default the base's own, at most 4096]",
  },
  maxSequences: {
    type: "int",
    min: 1,
    max: 256,
    default: 8,
    group: limits,
    help: "answers that are computed at once",
  },
  maxQueue: { type: "int", min: 0, default: 64, group: limits, help: "answers that may wait; more get 429" },
  maxRequestBytes: {
    type: "int",
    min: 1024,
    default: 16777216,
    unit: "bytes",
    group: limits,
    help: "largest request",
  },
  maxFileBytes: {
    type: "int",
    min: 1024,
    default: 1073741824,
    unit: "bytes",
    group: limits,
    help: "largest uploaded file",
  },
  chatMemory: {
    type: "float",
    min: 0,
    default: 0.25,
    unit: "GiB",
    group: limits,
    help: "while a job trains, answers are refused with 503 when less device memory is left; 0: never",
  },
  requestTimeout: {
    type: "float",
    min: 0.001,
    default: 600,
    unit: "seconds",
    group: limits,
    help: "longest time for one request, its wait included",
  },

  ...deviceOptions,
  cacheMemory: {
    type: "float",
    min: 1e-3,
    unit: "GiB",
    group: device,
    help: "memory for keys and values [default room for all sequences]",
  },
} as const;

export type ResidentOptions = Options<typeof residentOptions>;
