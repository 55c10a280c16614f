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

/** Those of the attention, and those of a feed-forward block. */
export const attentionNames = ["q_proj", "k_proj", "v_proj", "o_proj"] as const;
export const mlpNames = ["gate_proj", "up_proj", "down_proj"] as const;
export type AttentionName = (typeof attentionNames)[number];
export type MlpName = (typeof mlpNames)[number];

/** What Mixtral calls an expert's layers. */
const expertNames: Readonly<Record<MlpName, string>> = { gate_proj: "w1", up_proj: "w3", down_proj: "w2" };

/** Path of an expert's linear layer, e.g. `model.layers.0.block_sparse_moe.experts.3.w1`. */
export function expertPath(layer: number, expert: number, name: MlpName): string {
  return `${mixturePath(layer)}.experts.${expert}.${expertNames[name]}`;
}

/** Name of a router's weight [E, C]. */
export function routerName(layer: number): string {
  return `${mixturePath(layer)}.gate.weight`;
}

/** Path of a layer's experts and their router, as published models name it. */
function mixturePath(layer: number): string {
  return `model.layers.${layer}.block_sparse_moe`;
}

/** Path of a linear layer, e.g. `model.layers.0.self_attn.q_proj`. */
export function linearPath(layer: number, name: LinearName): string {
  const part = name === "gate_proj" || name === "up_proj" || name === "down_proj" ? "mlp" : "self_attn";
  return `model.layers.${layer}.${part}.${name}`;
}

/** Linear layers that every layer of a model has one of. */
export function singleLinearNames(config: ModelConfig): readonly LinearName[] {
  return config.moe ? attentionNames : linearNames;
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
    for (const name of singleLinearNames(config)) {
      const shape = linearShape(config, name);
      if (name === "gate_proj") tensors.set(`${prefix}.post_attention_layernorm.weight`, [c]);
      tensors.set(`${linearPath(layer, name)}.weight`, shape);
      if (linearHasBias(config, name)) tensors.set(`${linearPath(layer, name)}.bias`, [shape[0]]);
      if (config.qkNorm && name === "q_proj") tensors.set(`${prefix}.self_attn.q_norm.weight`, [headDim]);
      if (config.qkNorm && name === "k_proj") tensors.set(`${prefix}.self_attn.k_norm.weight`, [headDim]);
    }
    if (!config.moe) continue;
    tensors.set(`${prefix}.post_attention_layernorm.weight`, [c]);
    tensors.set(routerName(layer), [config.moe.experts, c]);
    for (let expert = 0; expert < config.moe.experts; expert++)
      for (const name of mlpNames)
        tensors.set(`${expertPath(layer, expert, name)}.weight`, linearShape(config, name));
  }
  tensors.set("model.norm.weight", [c]);
  if (!config.tieWordEmbeddings) tensors.set("lm_head.weight", [config.vocab, c]);
  return tensors;
}
