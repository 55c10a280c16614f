// Keys of config.json that would change the maths and are not supported, each refused by its name.

import { DataError, show } from "../base/errors.ts";
import type { JsonObject } from "./json-file.ts";

/** Key -> the values that leave the maths as it is (absent and null always do). */
const neutralValues: Readonly<Record<string, readonly unknown[]>> = {
  hidden_act: ["silu", "swish"],
  hidden_activation: ["silu", "swish"],
  partial_rotary_factor: [1],
  rotary_pct: [1],
  rope_interleaved: [false],
  no_rope_layers: [false],
  no_rope_layer_interval: [0],
  alibi: [false],
  position_embedding_type: ["rope", "rotary"],
  // Random zeroing of attention weights while training.
  attention_dropout: [0],
  attn_pdrop: [0],
  resid_pdrop: [0],
  embd_pdrop: [0],
  hidden_dropout: [0],
  attn_logit_softcapping: [0],
  final_logit_softcapping: [0],
  attention_logit_cap: [0],
  logit_scale: [1],
  logits_scaling: [1],
  attention_multiplier: [],
  embedding_multiplier: [1],
  residual_multiplier: [1],
  scale_emb: [1],
  scale_depth: [],
  query_pre_attn_scalar: [],
  attn_temperature_tuning: [false, 0],
  attention_chunk_size: [0],
  clip_qkv: [0],
  attention_sinks: [false, 0],
  num_experts: [0],
  num_local_experts: [0],
  n_routed_experts: [0],
  num_experts_per_tok: [0],
  moe_intermediate_size: [0],
  decoder_sparse_step: [],
  // Noise on the router's input, and a loss of its own beside the labels'.
  router_jitter_noise: [0],
  output_router_logits: [false],
  pretraining_tp: [1, 0],
  is_encoder_decoder: [false],
  add_cross_attention: [false],
  per_layer_config: [],
  layer_replication: [],
  kv_lora_rank: [],
  q_lora_rank: [],
  vision_config: [],
  audio_config: [],
  text_config: [],
};

/** @param allowed keys that this family has kernels for.
 *  @throws DataError naming the first key whose value would need other kernels. */
export function refuseUnsupportedKeys(raw: JsonObject, file: string, allowed: readonly string[]): void {
  for (const [key, neutral] of Object.entries(neutralValues)) {
    const value = raw[key] ?? undefined;
    if (value === undefined || neutral.includes(value) || allowed.includes(key)) continue;
    const expected = neutral.length === 0 ? "nothing" : neutral.map(show).join(" or ");
    throw new DataError({ file, field: key }, `expected ${expected}, got ${show(value)}`, {
      hint: "this key changes the model's maths in a way that is not supported; choose another base",
    });
  }
}
