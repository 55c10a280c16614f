// Loads one decoder layer and hangs its LoRA pairs on it.

import type { ModelConfig } from "../formats/config.ts";
import type { LinearName } from "../formats/tensor-names.ts";
import type { AdapterParameters, LoraPair } from "./adapter-parameters.ts";
import type { DecoderLayer } from "./decoder-layer.ts";
import type { Linear } from "./linear.ts";
import { type LinearShape, linearShapes } from "./shapes.ts";
import type { WeightLoader, WeightShard } from "./weights.ts";

/** Layer `index` of a base, with the adapter's pairs where it has some. */
export async function loadLayer(
  loader: WeightLoader,
  config: ModelConfig,
  index: number,
  load4bit: boolean,
  adapter: AdapterParameters | undefined,
): Promise<DecoderLayer> {
  const prefix = `model.layers.${index}`;
  const linear: Partial<Record<LinearName, Linear>> = {};
  for (const shape of linearShapes(config, index)) {
    const shards = await loader.linear(shape, load4bit);
    const biasVector = shape.bias ? await loader.vector(`${shape.module}.bias`) : undefined;
    const lora = adapter?.pair(shape.module);
    linear[shape.name] = {
      ...shape,
      shards,
      biasVector,
      lora,
      loraB: lora ? rowsOfB(lora, shape, shards) : [],
    };
  }
  const norm = (name: string) => loader.vector(`${prefix}.${name}.weight`);
  return {
    index,
    inputNorm: await norm("input_layernorm"),
    postAttentionNorm: await norm("post_attention_layernorm"),
    qNorm: config.qkNorm ? await norm("self_attn.q_norm") : undefined,
    kNorm: config.qkNorm ? await norm("self_attn.k_norm") : undefined,
    linear: linear as Record<LinearName, Linear>,
  };
}

/** B's rows of each shard: B is split where the weight is. */
function rowsOfB({ b, target }: LoraPair, { outFeatures }: LinearShape, shards: readonly WeightShard[]) {
  return shards.map(({ from, rows }) =>
    rows === outFeatures ? b : b.view(from * target.r, [rows, target.r]),
  );
}
