// Shapes of well-known bases, so that plans and measurements need no files. Numbers from each model's published config.json.

import { closest, show, UserError } from "../base/errors.ts";
import { type ModelConfig, parseModelConfig } from "../formats/config.ts";

const llama = { model_type: "llama", rms_norm_eps: 1e-5 };
const llama3 = (factor: number) => ({
  ...llama,
  vocab_size: 128256,
  rope_theta: 500000,
  max_position_embeddings: 131072,
  rope_scaling: {
    rope_type: "llama3",
    factor,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8192,
  },
});
const qwen25 = {
  model_type: "qwen2",
  rms_norm_eps: 1e-6,
  rope_theta: 1e6,
  max_position_embeddings: 32768,
  use_sliding_window: false,
};
const qwen3 = {
  model_type: "qwen3",
  rms_norm_eps: 1e-6,
  rope_theta: 1e6,
  head_dim: 128,
  vocab_size: 151936,
  max_position_embeddings: 40960,
  use_sliding_window: false,
};
const smollm2 = { ...llama, vocab_size: 49152, max_position_embeddings: 8192, tie_word_embeddings: true };
const tied = { tie_word_embeddings: true };

/** hidden_size, num_hidden_layers, num_attention_heads, num_key_value_heads, intermediate_size. */
const sizes = (hidden: number, layers: number, heads: number, kvHeads: number, ffn: number) => ({
  hidden_size: hidden,
  num_hidden_layers: layers,
  num_attention_heads: heads,
  num_key_value_heads: kvHeads,
  intermediate_size: ffn,
});

const shapes = {
  // The small shape that training programs are compared on: see test/bench/README.md.
  "bench-small": {
    ...llama,
    ...tied,
    ...sizes(384, 6, 6, 2, 1024),
    vocab_size: 4096,
    max_position_embeddings: 4096,
  },
  "smollm2-135m": { ...smollm2, ...sizes(576, 30, 9, 3, 1536), rope_theta: 100000 },
  "smollm2-360m": { ...smollm2, ...sizes(960, 32, 15, 5, 2560), rope_theta: 100000 },
  "smollm2-1.7b": { ...smollm2, ...sizes(2048, 24, 32, 32, 8192), rope_theta: 130000 },
  "tinyllama-1.1b": {
    ...llama,
    ...sizes(2048, 22, 32, 4, 5632),
    vocab_size: 32000,
    max_position_embeddings: 2048,
  },
  "llama-3.2-1b": { ...llama3(32), ...tied, ...sizes(2048, 16, 32, 8, 8192) },
  "llama-3.2-3b": { ...llama3(32), ...tied, ...sizes(3072, 28, 24, 8, 8192) },
  "llama-3.1-8b": { ...llama3(8), ...sizes(4096, 32, 32, 8, 14336) },
  "mistral-7b": {
    model_type: "mistral",
    rms_norm_eps: 1e-5,
    rope_theta: 1e6,
    sliding_window: null,
    vocab_size: 32000,
    max_position_embeddings: 32768,
    ...sizes(4096, 32, 32, 8, 14336),
  },
  "mixtral-8x7b": {
    model_type: "mixtral",
    rope_theta: 1e6,
    vocab_size: 32000,
    max_position_embeddings: 32768,
    num_local_experts: 8,
    num_experts_per_tok: 2,
    ...sizes(4096, 32, 32, 8, 14336),
  },
  "qwen2.5-0.5b": { ...qwen25, ...tied, ...sizes(896, 24, 14, 2, 4864), vocab_size: 151936 },
  "qwen2.5-1.5b": { ...qwen25, ...tied, ...sizes(1536, 28, 12, 2, 8960), vocab_size: 151936 },
  "qwen2.5-3b": { ...qwen25, ...tied, ...sizes(2048, 36, 16, 2, 11008), vocab_size: 151936 },
  "qwen2.5-7b": { ...qwen25, ...sizes(3584, 28, 28, 4, 18944), vocab_size: 152064 },
  "qwen3-0.6b": { ...qwen3, ...tied, ...sizes(1024, 28, 16, 8, 3072) },
  "qwen3-1.7b": { ...qwen3, ...tied, ...sizes(2048, 28, 16, 8, 6144) },
  "qwen3-4b": { ...qwen3, ...tied, ...sizes(2560, 36, 32, 8, 9728) },
  "qwen3-8b": { ...qwen3, ...sizes(4096, 36, 32, 8, 12288) },
} as const;

/** All names, smallest family first. */
export const shapeNames = Object.keys(shapes) as readonly (keyof typeof shapes)[];

/** The shape of that name, as its config.json would be read.
 *  @throws UserError for a name that is none. */
export function shapeOf(name: string): ModelConfig {
  const known = shapeNames.find((shape) => shape === name);
  if (known !== undefined) return parseModelConfig({ ...shapes[known] }, `--shape ${name}`);
  const close = closest(name, shapeNames);
  throw new UserError(`--shape: expected one of ${shapeNames.join(", ")}, got ${show(name)}`, {
    hint: close ? `did you mean ${close}?` : "--shape list prints them, one a line",
  });
}
