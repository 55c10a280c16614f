// A base's frozen weights on the device, loaded once. Any number of runs and adapters hang on them.

import type { BaseWeights } from "../formats/base-weights.ts";
import type { ModelConfig } from "../formats/config.ts";
import { type LinearName, routerName } from "../formats/tensor-names.ts";
import type { Device } from "../gpu/device.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { AdapterParameters, LoraPair } from "./adapter-parameters.ts";
import { Arena } from "./arena.ts";
import type { DecoderLayer } from "./decoder-layer.ts";
import type { Linear } from "./linear.ts";
import { weightBuffers } from "./memory-plan.ts";
import type { MoeBlock } from "./moe.ts";
import { quantBlockOf } from "./plan-input.ts";
import { expertShapes, type LinearShape, singleLinearShapes } from "./shapes.ts";
import { type ModelStage, trainedNames } from "./trained-plan.ts";
import type { MasterShard, TrainedWeights } from "./trained-weights.ts";
import { type DenseShard, WeightLoader, type WeightShard } from "./weights.ts";

/** What to load. */
export interface BaseModelOptions {
  readonly base: BaseWeights;
  /** Quantise the linear layers to NF4 with double quantisation. */
  readonly load4bit?: boolean;
  /** What a run on this base will train of its own weights; it changes them, so such a base is for one run. */
  readonly stages?: readonly ModelStage[];
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/** A loaded base. */
export class BaseModel {
  private constructor(
    readonly device: Device,
    /** What the files hold, for planning runs. */
    readonly source: Pick<BaseWeights, "config" | "tensors">,
    readonly load4bit: boolean,
    /** Without LoRA; see {@link withAdapter}. */
    readonly layers: readonly DecoderLayer[],
    readonly embedding: readonly DenseShard[],
    /** Rows of the output embedding: the embedding's own when they are tied. */
    readonly vocabulary: readonly DenseShard[],
    readonly norm: Tensor,
    /** Weights that may be trained, by name. */
    readonly masters: ReadonlyMap<string, readonly MasterShard[]>,
    private readonly arena: Arena,
  ) {}

  /** Reads a base's weights onto the device.
   *  @throws DataError for weights that are not what they should be, GpuError when memory runs out. */
  static async load(device: Device, options: BaseModelOptions): Promise<BaseModel> {
    const { base, load4bit = false, stages = [], onProgress } = options;
    const { config } = base;
    const { tier, maxBindingBytes } = device;
    const quantBlock = (module: string) => quantBlockOf(base, module, load4bit);
    const arena = new Arena(device, weightBuffers({ config, tier, quantBlock, maxBindingBytes, stages }));
    try {
      const loader = new WeightLoader(base, arena, onProgress, trainedNames(stages));
      const layers: DecoderLayer[] = [];
      for (let index = 0; index < config.layers; index++)
        layers.push(await loadLayer(loader, config, index, load4bit));
      const embedding = await loader.matrix("model.embed_tokens.weight");
      const vocabulary = config.tieWordEmbeddings ? embedding : await loader.matrix("lm_head.weight");
      const norm = await loader.small("model.norm.weight");
      arena.checkComplete();
      await device.settle();
      return new BaseModel(
        device,
        { config, tensors: base.tensors },
        load4bit,
        layers,
        embedding,
        vocabulary,
        norm,
        loader.masters,
        arena,
      );
    } catch (error) {
      arena.free();
      throw error;
    }
  }

  get config(): ModelConfig {
    return this.source.config;
  }

  /** Gives the weights' memory back. */
  [Symbol.dispose](): void {
    this.arena.free();
  }
}

/** The same layers with an adapter's pairs on them.
 *  @param train false: the adapter takes part and stays as it is */
export function withAdapter(
  layers: readonly DecoderLayer[],
  adapter: AdapterParameters | undefined,
  train = true,
): readonly DecoderLayer[] {
  if (!adapter) return layers;
  return layers.map((layer) => {
    const linear: Partial<Record<LinearName, Linear>> = {};
    for (const plain of Object.values(layer.linear)) {
      const pair = adapter.pair(plain.module);
      const lora = pair && !train ? { target: pair.target, a: pair.a, b: pair.b } : pair;
      linear[plain.name] = lora ? { ...plain, lora, loraB: rowsOfB(lora, plain, plain.shards) } : plain;
    }
    return { ...layer, linear: linear as Record<LinearName, Linear> } as DecoderLayer;
  });
}

/** The same layers with the gradients of those weights that are trained. */
export function withGradients(
  layers: readonly DecoderLayer[],
  trained: TrainedWeights | undefined,
): readonly DecoderLayer[] {
  if (!trained) return layers;
  return layers.map((layer) => {
    const withGradientsOf = (linear: Readonly<Partial<Record<LinearName, Linear>>>) => {
      const own: Partial<Record<LinearName, Linear>> = {};
      for (const plain of Object.values(linear))
        own[plain.name] = {
          ...plain,
          weightGradients: trained.gradients(`${plain.module}.weight`),
          biasGradient: trained.gradients(`${plain.module}.bias`)?.[0],
        };
      return own as Record<LinearName, Linear>;
    };
    const norm = (name: string) => trained.gradients(`model.layers.${layer.index}.${name}.weight`)?.[0];
    return {
      ...layer,
      linear: withGradientsOf(layer.linear),
      normGradients: {
        input: norm("input_layernorm"),
        postAttention: norm("post_attention_layernorm"),
        q: norm("self_attn.q_norm"),
        k: norm("self_attn.k_norm"),
      },
      moe: layer.moe && {
        router: layer.moe.router,
        routerGradient: trained.gradients(routerName(layer.index))?.[0],
        experts: layer.moe.experts.map(withGradientsOf),
      },
    } as DecoderLayer;
  });
}

/** True when something of the layer is trained. */
export function trains({ linear, normGradients, moe }: DecoderLayer): boolean {
  return (
    moe?.routerGradient !== undefined ||
    Object.values(normGradients).some((gradient) => gradient !== undefined) ||
    [linear, ...(moe?.experts ?? [])]
      .flatMap((group) => Object.values(group))
      .some(
        ({ lora, weightGradients, biasGradient }) =>
          (lora?.da ?? weightGradients ?? biasGradient) !== undefined,
      )
  );
}

async function loadLayer(
  loader: WeightLoader,
  config: ModelConfig,
  index: number,
  load4bit: boolean,
): Promise<DecoderLayer> {
  const read = async (shapes: readonly LinearShape[]) => {
    const linear: Partial<Record<LinearName, Linear>> = {};
    for (const shape of shapes) {
      const shards = await loader.linear(shape, load4bit);
      const biasVector = shape.bias ? await loader.small(`${shape.module}.bias`) : undefined;
      linear[shape.name] = { ...shape, shards, biasVector, ...frozen };
    }
    return linear as Record<LinearName, Linear>;
  };
  const linear = await read(singleLinearShapes(config, index));
  const experts: MoeBlock["experts"][number][] = [];
  for (let expert = 0; expert < (config.moe?.experts ?? 0); expert++)
    experts.push(await read(expertShapes(config, index, expert)));
  const router = config.moe ? await loader.small(routerName(index)) : undefined;
  const norm = (name: string) => loader.small(`model.layers.${index}.${name}.weight`);
  return {
    index,
    inputNorm: await norm("input_layernorm"),
    postAttentionNorm: await norm("post_attention_layernorm"),
    qNorm: config.qkNorm ? await norm("self_attn.q_norm") : undefined,
    kNorm: config.qkNorm ? await norm("self_attn.k_norm") : undefined,
    normGradients: {},
    linear,
    moe: router && { router, routerGradient: undefined, experts },
  };
}

const frozen = { lora: undefined, loraB: [], weightGradients: undefined, biasGradient: undefined } as const;

/** B's rows of each shard: B is split where the weight is. */
function rowsOfB({ b, target }: LoraPair, { outFeatures }: LinearShape, shards: readonly WeightShard[]) {
  return shards.map(({ from, rows }) =>
    rows === outFeatures ? b : b.view(from * target.r, [rows, target.r]),
  );
}
