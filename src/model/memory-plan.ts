// Every buffer that a model will have on the device, before any is made. The model allocates exactly this list, so what
// `sekft plan` prints is what is taken.

import type { ModelConfig } from "../formats/config.ts";
import type { LoraTarget } from "../formats/peft-adapter.ts";
import { routerName } from "../formats/tensor-names.ts";
import type { Tier } from "../gpu/facts.ts";
import { type Dtype, paddedBytes } from "../gpu/tensor.ts";
import { workspaceElements } from "../ops/matmul-tile.ts";
import { layoutParameters } from "./adapter-parameters.ts";
import type { BufferSpec } from "./buffer-spec.ts";
import { activationType, linearShapes, mlpRows, operandType, shardByRows } from "./shapes.ts";
import { type ModelStage, masterBuffers, stageBuffers, trainedNames } from "./trained-plan.ts";

/** What decides the memory of a base's weights. */
export interface WeightPlanInput {
  readonly config: ModelConfig;
  readonly tier: Tier;
  /** Weights that share one absmax in a linear layer that is held in 4 bits; undefined for one that is not. */
  readonly quantBlock: (module: string) => number | undefined;
  readonly maxBindingBytes: number;
  /** What is trained, stage by stage, besides the adapter alone; nothing of the base's own when absent. */
  readonly stages?: readonly ModelStage[];
}

/** What decides the memory of a run. */
export interface PlanInput extends WeightPlanInput {
  readonly targets: readonly LoraTarget[];
  readonly train: boolean;
  /** LoRA dropout is above 0. */
  readonly dropout: boolean;
  /** Each labelled row's mean logit is kept, and its gradient gets a factor of its own. */
  readonly sequenceLoss: boolean;
  /** The base's likeliest tokens are asked for before a step. */
  readonly keepBase: boolean;
  /** Most tokens of one micro-batch. */
  readonly maxTokens: number;
  /** Most labelled rows of one micro-batch. */
  readonly maxRows: number;
  /** Labelled rows whose losses are kept until they are read. */
  readonly lossCapacity: number;
  /** Layers whose activations are kept for backward; the others are computed again. `auto` fits `budgetBytes`. */
  readonly checkpointing: "auto" | "none" | "full";
  /** Bytes that the device may give; unlimited when absent. */
  readonly budgetBytes?: number;
}

/** The buffers of a run. */
export interface MemoryPlan {
  readonly buffers: readonly BufferSpec[];
  readonly byClass: ReadonlyMap<string, number>;
  readonly totalBytes: number;
  /** Of the largest buffer, which must fit one binding. */
  readonly largestBytes: number;
  /** The last this many layers keep their activations; 0 = full checkpointing, L = none. */
  readonly keptLayers: number;
}

/** Labelled rows whose logits exist at once. */
const logitRows = 256;

/** Plans the buffers; with `checkpointing: auto`, keeps as many layers' activations as the budget allows. */
export function planMemory(input: PlanInput): MemoryPlan {
  const { config, checkpointing, train } = input;
  const most = train ? config.layers : 0;
  if (checkpointing === "full" || !train) return assemble(input, 0);
  if (checkpointing === "none" || input.budgetBytes === undefined) return assemble(input, most);
  const lean = assemble(input, 0);
  const perLayer = bytesOf(activationBuffers(input, 0));
  const spare = Math.floor((input.budgetBytes - lean.totalBytes) / perLayer);
  return spare <= 0 ? lean : assemble(input, Math.min(most, spare + 1));
}

function assemble(input: PlanInput, keptLayers: number): MemoryPlan {
  const buffers = [
    ...weightBuffers(input),
    ...runBuffers(input, keptLayers),
    ...largestStage(input),
    ...workspaceBuffers(input),
  ];
  const byClass = new Map<string, number>();
  for (const buffer of buffers)
    byClass.set(buffer.memoryClass, (byClass.get(buffer.memoryClass) ?? 0) + bytesOf([buffer]));
  const largestBytes = Math.max(...buffers.map((buffer) => bytesOf([buffer])));
  return { buffers, byClass, totalBytes: bytesOf(buffers), largestBytes, keptLayers };
}

/** True when the buffers of a plan fit the memory together and a binding each. */
export function fitsDevice(
  { totalBytes, largestBytes }: Pick<MemoryPlan, "totalBytes" | "largestBytes">,
  { maxBindingBytes }: { readonly maxBindingBytes: number },
  budgetBytes: number,
): boolean {
  return totalBytes <= budgetBytes && largestBytes <= maxBindingBytes;
}

/** Everything but the base's weights, which several runs can share. */
export function runBuffers(input: PlanInput, keptLayers: number): BufferSpec[] {
  // Layers that keep nothing share set 0 with the first that does: its own pass over it comes last.
  const sets = Math.max(1, keptLayers);
  return [
    ...ropeBuffers(input),
    ...adapterBuffers(input),
    ...residualBuffers(input),
    ...Array.from({ length: sets }, (_, set) => activationBuffers(input, set)).flat(),
    ...workingBuffers(input),
    ...headBuffers(input),
  ];
}

/** Gradients and moments of the base's own weights: stages take turns in this memory. */
function largestStage({ stages = [], maxBindingBytes }: PlanInput): BufferSpec[] {
  const all = stages.map((stage) => stageBuffers(stage, maxBindingBytes));
  return all.reduce((most, one) => (bytesOf(one) > bytesOf(most) ? one : most), []);
}

function bytesOf(buffers: readonly BufferSpec[]): number {
  return buffers.reduce((sum, { dtype, shape }) => sum + paddedBytes(dtype, shape), 0);
}

function list(memoryClass: string, entries: Record<string, [Dtype, ...number[]] | false>): BufferSpec[] {
  return Object.entries(entries).flatMap(([label, entry]) => {
    if (!entry) return [];
    const [dtype, ...shape] = entry;
    return [{ memoryClass, label, dtype, shape }];
  });
}

/** What the products of the GPU tiers take by themselves, once a device, when they first split a long sum. */
function workspaceBuffers({ tier, maxBindingBytes }: PlanInput): BufferSpec[] {
  return list("workspace", {
    "partial products": tier !== "software" && ["f32", workspaceElements(maxBindingBytes)],
  });
}

/** Base weights: linear layers, norms, biases, embedding and head, and the scratch of 4-bit ones. */
export function weightBuffers(input: WeightPlanInput): BufferSpec[] {
  const { config, tier, quantBlock, maxBindingBytes, stages = [] } = input;
  const type = operandType(tier);
  const trained = trainedNames(stages);
  // A trained weight is split as its master is, which is f32.
  const bytes = (name: string) => (type === "f16" && !trained.has(name) ? 2 : 4);
  const { hiddenSize: c, vocab } = config;
  const buffers: BufferSpec[] = [];
  let scratch = 0;
  for (let layer = 0; layer < config.layers; layer++) {
    for (const { module, inFeatures, outFeatures, bias } of linearShapes(config, layer)) {
      for (const { from, rows } of shardByRows(
        outFeatures,
        inFeatures * bytes(`${module}.weight`),
        maxBindingBytes,
      )) {
        const label = `${module}.weight@${from}`;
        const count = rows * inFeatures;
        const block = quantBlock(module);
        if (block !== undefined) {
          scratch = Math.max(scratch, count);
          buffers.push(
            ...list("4-bit weights", {
              [`${label}.packed`]: ["u32", Math.ceil(count / 8)],
              [`${label}.absmax`]: ["f32", Math.ceil(count / block)],
            }),
          );
        } else buffers.push(...list("weights", { [label]: [type, rows, inFeatures] }));
      }
      if (bias) buffers.push(...list("norms and biases", { [`${module}.bias`]: ["f32", outFeatures] }));
    }
    const prefix = `model.layers.${layer}`;
    if (config.moe) buffers.push(...list("router", { [routerName(layer)]: ["f32", config.moe.experts, c] }));
    buffers.push(
      ...list("norms and biases", {
        [`${prefix}.input_layernorm.weight`]: ["f32", c],
        [`${prefix}.post_attention_layernorm.weight`]: ["f32", c],
        [`${prefix}.self_attn.q_norm.weight`]: config.qkNorm && ["f32", config.headDim],
        [`${prefix}.self_attn.k_norm.weight`]: config.qkNorm && ["f32", config.headDim],
      }),
    );
  }
  buffers.push(...list("norms and biases", { "model.norm.weight": ["f32", c] }));
  for (const name of config.tieWordEmbeddings ? ["model.embed_tokens"] : ["model.embed_tokens", "lm_head"])
    for (const { from, rows } of shardByRows(vocab, c * bytes(`${name}.weight`), maxBindingBytes))
      buffers.push(...list("embedding and head", { [`${name}.weight@${from}`]: [type, rows, c] }));
  const tensors = new Map(stages.flatMap((stage) => stage.tensors.map((tensor) => [tensor.name, tensor])));
  for (const tensor of tensors.values()) buffers.push(...masterBuffers(tensor, tier, maxBindingBytes));
  buffers.push(
    ...list("dequantised weight", {
      "dequant.table": scratch > 0 && ["f32", 16],
      dequantised: scratch > 0 && [type, scratch],
    }),
  );
  return buffers;
}

/** Cosines and sines of every position. */
function ropeBuffers({ config, maxTokens }: PlanInput): BufferSpec[] {
  return list("rotary tables", {
    "rope.cos": ["f32", maxTokens, config.headDim / 2],
    "rope.sin": ["f32", maxTokens, config.headDim / 2],
  });
}

/** LoRA weights; for training, their gradients and AdamW's two moments. */
function adapterBuffers({ targets, train, maxBindingBytes }: PlanInput): BufferSpec[] {
  const { sizes } = layoutParameters(targets, maxBindingBytes);
  return sizes.flatMap((size, i) => [
    ...list("LoRA weights", { [`lora.${i}`]: ["f32", size] }),
    ...(train
      ? [
          ...list("LoRA gradients", { [`lora.grad.${i}`]: ["f32", size] }),
          ...list("optimiser state", { [`adam.m.${i}`]: ["f32", size], [`adam.v.${i}`]: ["f32", size] }),
        ]
      : []),
  ]);
}

/** The residual stream: every layer's input when training (they are the checkpoints), two in turn when not. */
function residualBuffers({ config, train, maxTokens }: PlanInput): BufferSpec[] {
  const count = train ? config.layers + 1 : 2;
  const entries: Record<string, [Dtype, ...number[]]> = {};
  for (let i = 0; i < count; i++) entries[`residual.${i}`] = ["f32", maxTokens, config.hiddenSize];
  return list("layer inputs", entries);
}

/** What one layer's forward leaves for its backward. */
function activationBuffers({ config, tier, targets, maxTokens: n }: PlanInput, set: number): BufferSpec[] {
  const type = operandType(tier);
  const kept = activationType(tier);
  const { hiddenSize: c, heads, kvHeads, headDim: d, ffn: f, qkNorm, moe } = config;
  const m = n * mlpRows(config);
  const ranks: Record<string, [Dtype, ...number[]]> = {};
  for (const [name, r] of maxRanks(targets)) ranks[`${name}.t#${set}`] = ["f32", n, r];
  return list("activations", {
    [`rstd1#${set}`]: ["f32", n],
    [`xn1#${set}`]: [kept, n, c],
    [`q_pre#${set}`]: qkNorm && ["f32", n, heads * d],
    [`k_pre#${set}`]: qkNorm && ["f32", n, kvHeads * d],
    [`rstd_q#${set}`]: qkNorm && ["f32", n * heads],
    [`rstd_k#${set}`]: qkNorm && ["f32", n * kvHeads],
    [`q#${set}`]: [kept, n, heads * d],
    [`k#${set}`]: [kept, n, kvHeads * d],
    [`v#${set}`]: [kept, n, kvHeads * d],
    [`attention#${set}`]: [kept, n, heads * d],
    [`lse#${set}`]: ["f32", heads, n],
    [`x2#${set}`]: ["f32", n, c],
    [`rstd2#${set}`]: ["f32", n],
    [`xn2#${set}`]: [kept, n, c],
    [`gate#${set}`]: [type, m, f],
    [`up#${set}`]: [type, m, f],
    ...(moe && {
      [`chosen#${set}`]: ["u32", n, moe.topk],
      [`expert_weights#${set}`]: ["f32", n, moe.topk],
      [`expert_rows#${set}`]: ["u32", m],
      [`expert_places#${set}`]: ["u32", m],
      [`expert_segments#${set}`]: ["u32", moe.experts, 2],
    }),
    ...ranks,
  });
}

/** Largest rank of each adapted linear layer. */
function maxRanks(targets: readonly LoraTarget[]): Map<string, number> {
  const ranks = new Map<string, number>();
  for (const { module, r } of targets) {
    const name = module.slice(module.lastIndexOf(".") + 1);
    ranks.set(name, Math.max(ranks.get(name) ?? 0, r));
  }
  return ranks;
}

/** Values that live within one layer's forward or backward. */
function workingBuffers(input: PlanInput): BufferSpec[] {
  const { config, tier, train, dropout, maxTokens: n, targets } = input;
  const type = operandType(tier);
  const kept = activationType(tier);
  const { hiddenSize: c, heads, kvHeads, headDim: d, ffn: f, qkNorm, moe } = config;
  const m = n * mlpRows(config);
  const rank = Math.max(0, ...maxRanks(targets).values());
  const widest = Math.max(0, ...targets.map(({ inFeatures }) => inFeatures));
  // Rotation turns f32 into the tier's type; only where both are f32 and nothing is in between does it work in place.
  const rotated = qkNorm || kept === "f16";
  return list("working set", {
    q_f32: rotated && ["f32", n, heads * d],
    k_f32: rotated && ["f32", n, kvHeads * d],
    h: [type, m, f],
    router_logits: moe !== undefined && ["f32", n, moe.experts],
    expert_x: moe !== undefined && [kept, m, c],
    expert_y: moe !== undefined && ["f32", m, c],
    dx: train && ["f32", n, c],
    dxn: train && ["f32", n, c],
    dq: train && ["f32", n, heads * d],
    dk: train && ["f32", n, kvHeads * d],
    dv: train && ["f32", n, kvHeads * d],
    dattention: train && ["f32", n, heads * d],
    delta: train && ["f32", heads, n],
    dh: train && ["f32", m, f],
    dgate: train && ["f32", m, f],
    dup: train && ["f32", m, f],
    dweights: train && moe !== undefined && ["f32", m],
    dt: train && rank > 0 && ["f32", n, rank],
    dropped: train && dropout && rank > 0 && [kept, n, widest],
    d_dropped: train && dropout && rank > 0 && ["f32", n, widest],
  });
}

/** Final norm, logits, loss, and the batch itself. */
function headBuffers(input: PlanInput): BufferSpec[] {
  const {
    config,
    train,
    sequenceLoss,
    keepBase,
    maxTokens: n,
    maxRows: r,
    lossCapacity,
    maxBindingBytes,
  } = input;
  const { hiddenSize: c, vocab } = config;
  const windows = new Set(config.slidingWindow).size;
  const intervals: Record<string, [Dtype, ...number[]]> = {};
  for (let w = 0; w < windows; w++) {
    intervals[`keys.${w}`] = ["u32", n, 3];
    intervals[`queries.${w}`] = ["u32", n, 3];
  }
  return [
    ...list("logits", { logits: ["f32", logitChunk(vocab, r, maxBindingBytes), vocab] }),
    ...list("working set", {
      head_x: ["f32", r, c],
      // f32 in every tier: rounding here goes straight into the logits, and labelled rows are few.
      head_xn: ["f32", r, c],
      head_rstd: ["f32", r],
      head_dxn: train && ["f32", r, c],
      head_dx: train && ["f32", r, c],
    }),
    ...list("batch", {
      ids: ["u32", n],
      // Tokens by id, for the gradient of the embedding.
      id_order: trainsEmbedding(input) && ["u32", n],
      id_starts: trainsEmbedding(input) && ["u32", n + 1],
      positions: ["u32", n],
      magnitudes: train && ["f32", n],
      rows: ["u32", r],
      targets: ["u32", lossCapacity],
      weights: ["f32", lossCapacity],
      loss: ["f32", lossCapacity],
      mean_logits: sequenceLoss && ["f32", lossCapacity],
      row_factors: sequenceLoss && train && ["f32", r],
      likeliest: keepBase && ["u32", r, 2],
      ...intervals,
    }),
  ];
}

/** True when some stage trains the embedding, which may be the head too. */
function trainsEmbedding({ stages = [] }: PlanInput): boolean {
  return trainedNames(stages).has("model.embed_tokens.weight");
}

/** Rows of logits that one buffer holds. */
function logitChunk(vocab: number, rows: number, maxBindingBytes: number): number {
  return Math.max(1, Math.min(rows, logitRows, Math.floor(maxBindingBytes / (vocab * 4))));
}
