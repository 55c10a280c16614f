// Logits, hidden states, losses and gradients of given ids, saved under names that other programs' tensors can be held
// against: the work behind `sekft inspect forward`.

import { UserError } from "../base/errors.ts";
import { readTokenized } from "../data/tokenized.ts";
import type { BaseWeights } from "../formats/base-weights.ts";
import { openBase } from "../formats/base-weights.ts";
import { type Adapter, checkAdapterFits, type LoraTarget, readAdapter } from "../formats/peft-adapter.ts";
import { writeSafetensors } from "../formats/safetensors.ts";
import { Device } from "../gpu/device.ts";
import type { Tier } from "../gpu/facts.ts";
import { budgetBytes } from "../gpu/memory.ts";
import { type Batch, makeBatch } from "../model/batch.ts";
import { CausalLM } from "../model/causal-lm.ts";
import { type Groups, resolveGroups } from "./full/groups.ts";

/** What to compute. */
export interface ForwardRequest {
  readonly base: string;
  /** JSON list of {input_ids, labels}. */
  readonly ids: string;
  readonly adapter?: string | undefined;
  readonly load4bit: boolean;
  readonly tier: string;
  readonly requireGpu: boolean;
  /** Also hidden states. */
  readonly hidden: boolean;
  /** Also the gradient of `loss` for every adapter tensor, and for the base's own weights in `full`. */
  readonly grads: boolean;
  /** Groups of the base's own weights. */
  readonly full?: readonly string[] | undefined;
}

/** What came out. */
export interface ForwardResult {
  readonly tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;
  /** Mean over all labelled positions; NaN when there are none. */
  readonly loss: number;
  readonly tier: Tier;
  readonly device: string;
}

/** Runs the sequences one by one.
 *  Names: `<i>.logits` [T, V], `<i>.hidden.<k>` [T, C] (0 = embedding, last = after the final norm), `<i>.loss` [1], `loss` [1],
 *  `grad.<name in adapter_model.safetensors>`, `grad.<name of a base's weight>`.
 *  @throws UserError, DataError, GpuError */
export async function computeForward(
  request: ForwardRequest,
  onSequence: (done: number, total: number) => void,
): Promise<ForwardResult> {
  if (request.grads && request.adapter === undefined && request.full === undefined)
    throw new UserError("--grads: expected --adapter or --full, got neither", {
      hint: "gradients are those of an adapter's tensors, or of groups of the base's own",
    });
  if (request.full !== undefined && !request.grads)
    throw new UserError("--full: expected --grads, got nothing", {
      hint: "--full names the weights whose gradients are saved",
    });
  using base = openBase(request.base);
  const groups = request.full && resolveGroups("--full", request.full, base, request.load4bit);
  const { vocab, hiddenSize } = base.config;
  const sequences = readTokenized({ file: request.ids, vocabularySize: vocab, labelsRequired: false });
  const adapter = openAdapter(request.adapter, base);
  const batches = sequences.map((sequence) => makeBatch([sequence], vocab));
  const labels = batches.reduce((sum, { rows }) => sum + rows.length, 0);
  if (request.grads && labels === 0)
    throw new UserError(`${request.ids}: expected a labelled position for --grads, got none`);
  using device = await Device.open({
    tier: request.tier as Tier | "auto",
    software: !request.requireGpu,
  });
  using model = await loadModel(device, base, adapter, groups, batches, request);
  const tensors = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  const put = (name: string, shape: readonly number[], data: Float32Array) =>
    tensors.set(name, { shape, data });
  let total = 0;
  for (const [i, batch] of batches.entries()) {
    const { logits, hidden } = await model.forward(batch, { hidden: request.hidden });
    put(`${i}.logits`, [batch.tokens, vocab], logits);
    for (const [k, state] of hidden.entries()) put(`${i}.hidden.${k}`, [batch.tokens, hiddenSize], state);
    if (request.grads) model.step(batch, { gradientScale: 1 / labels });
    else model.evaluate(batch);
    const sum = (await model.takeLosses()).reduce((a, b) => a + b, 0);
    put(`${i}.loss`, [1], Float32Array.of(sum / batch.rows.length));
    total += sum;
    onSequence(i + 1, batches.length);
  }
  const loss = total / labels;
  put("loss", [1], Float32Array.of(loss));
  if (adapter && request.grads)
    for (const [name, data] of await model.adapter!.readGradients())
      put(`grad.${name}`, adapter.values.tensors.get(name)!.shape, data);
  if (model.trained)
    for (const [name, data] of await model.trained.readGradients())
      put(`grad.${name}`, base.tensors.get(name)!.shape, data);
  return { tensors, loss, tier: device.tier, device: device.facts.name };
}

/** Saves what was computed, as f32.
 *  @throws UserError when the disk is full or the folder cannot be written. */
export function saveForward(path: string, { tensors }: ForwardResult): void {
  writeSafetensors(
    path,
    [...tensors].map(([name, { shape, data }]) => ({
      name,
      dtype: "F32",
      shape,
      chunks: [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
    })),
  );
}

interface OpenAdapter {
  readonly values: Adapter;
  readonly targets: readonly LoraTarget[];
}

function openAdapter(directory: string | undefined, base: BaseWeights): OpenAdapter | undefined {
  if (directory === undefined) return undefined;
  const values = readAdapter(directory);
  return { values, targets: checkAdapterFits(values, directory, base.config) };
}

async function loadModel(
  device: Device,
  base: BaseWeights,
  adapter: OpenAdapter | undefined,
  groups: Groups | undefined,
  batches: readonly Batch[],
  request: ForwardRequest,
): Promise<CausalLM> {
  const model = await CausalLM.load(device, {
    base,
    load4bit: request.load4bit,
    targets: adapter?.targets ?? [],
    train: request.grads,
    ...(groups && { stages: [{ tensors: groups.tensors, adapter: true }] }),
    // Every position has logits here, so every token is a row.
    maxTokens: Math.max(...batches.map(({ tokens }) => tokens)),
    budgetBytes: budgetBytes(device.facts),
  });
  if (adapter)
    model.adapter!.write(new Map([...adapter.values.tensors].map(([name, { data }]) => [name, data])));
  return model;
}
