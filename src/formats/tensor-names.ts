// Which tensors a model of the Llama family has, under their Hugging Face names.

import type { ModelConfig } from "./config.ts";

/** The seven linear layers of a block, in the order of the computation. */
export const linearNames = [
  "q_proj",
  "k_proj",
  "v_proj",
  "o_proj",
  "gate_proj",
  "up_proj",
  "down_proj",
] as const;
export type LinearName = (typeof linearNames)[number];

/** Path of a linear layer, e.g. `model.layers.0.self_attn.q_proj`. */
export function linearPath(layer: number, name: LinearName): string {
  const part = name === "gate_proj" || name === "up_proj" || name === "down_proj" ? "mlp" : "self_attn";
  return `model.layers.${layer}.${part}.${name}`;
}

/** [out, in] of a linear layer. */
export function linearShape(config: ModelConfig, name: LinearName): readonly [number, number] {
  const { hiddenSize: c, ffn } = config;
  const q = config.heads * config.headDim;
  const kv = config.kvHeads * config.headDim;
  switch (name) {
    case "q_proj":
      return [q, c];
    case "k_proj":
    case "v_proj":
      return [kv, c];
    case "o_proj":
      return [c, q];
    case "down_proj":
      return [c, ffn];
    default:
      return [ffn, c];
  }
}

/** True when the layer adds a bias. */
export function linearHasBias(config: ModelConfig, name: LinearName): boolean {
  const { attentionBias } = config;
  if (name === "q_proj") return attentionBias.q;
  if (name === "k_proj") return attentionBias.k;
  if (name === "v_proj") return attentionBias.v;
  return name === "o_proj" ? attentionBias.o : config.mlpBias;
}

/** Name and shape of every weight, in the order of the computation; `lm_head.weight` only when it is not tied. */
export function expectedTensors(config: ModelConfig): Map<string, readonly number[]> {
  const { hiddenSize: c, headDim } = config;
  const tensors = new Map<string, readonly number[]>([["model.embed_tokens.weight", [config.vocab, c]]]);
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `model.layers.${layer}`;
    tensors.set(`${prefix}.input_layernorm.weight`, [c]);
    for (const name of linearNames) {
      const shape = linearShape(config, name);
      if (name === "gate_proj") tensors.set(`${prefix}.post_attention_layernorm.weight`, [c]);
      tensors.set(`${linearPath(layer, name)}.weight`, shape);
      if (linearHasBias(config, name)) tensors.set(`${linearPath(layer, name)}.bias`, [shape[0]]);
      if (config.qkNorm && name === "q_proj") tensors.set(`${prefix}.self_attn.q_norm.weight`, [headDim]);
      if (config.qkNorm && name === "k_proj") tensors.set(`${prefix}.self_attn.k_norm.weight`, [headDim]);
    }
  }
  tensors.set("model.norm.weight", [c]);
  if (!config.tieWordEmbeddings) tensors.set("lm_head.weight", [config.vocab, c]);
  return tensors;
}
