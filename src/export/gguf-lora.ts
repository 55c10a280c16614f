// A PEFT adapter as the GGUF LoRA that llama.cpp loads. Rules: llama.cpp `convert_lora_to_gguf.py` and `llama-adapter.cpp`.

import { basename, resolve } from "node:path";
import { UserError } from "../base/errors.ts";
import type { ModelConfig, ModelType } from "../formats/config.ts";
import { type GgufOutType, type GgufValue, ggufOutTypes, writeGguf } from "../formats/gguf-writer.ts";
import {
  type Adapter,
  adapterTensorName,
  checkAdapterFits,
  type LoraTarget,
  readAdapter,
} from "../formats/peft-adapter.ts";
import type { LinearName } from "../formats/tensor-names.ts";
import { findBase, readBaseConfig } from "./base-of-adapter.ts";
import { checkOutputFile } from "./output-path.ts";

/** What `--outtype` takes. */
const outTypes = { f32: "F32", f16: "F16", q8_0: "Q8_0" } as const satisfies Record<string, GgufOutType>;

const fileTypes: Readonly<Record<GgufOutType, number>> = { F32: 0, F16: 1, Q8_0: 7 };

/** llama.cpp's architecture of each family; Mistral and Mixtral run as llama. */
const architectures: Readonly<Record<ModelType, string>> = {
  llama: "llama",
  mistral: "llama",
  qwen2: "qwen2",
  qwen3: "qwen3",
  mixtral: "llama",
};

/** GGUF's names of the linear layers. */
const blockNames: Readonly<Record<LinearName, string>> = {
  q_proj: "attn_q",
  k_proj: "attn_k",
  v_proj: "attn_v",
  o_proj: "attn_output",
  gate_proj: "ffn_gate",
  up_proj: "ffn_up",
  down_proj: "ffn_down",
};

/** What was written. */
export interface GgufLora {
  readonly path: string;
  readonly base: string;
  readonly architecture: string;
  readonly alpha: number;
  readonly tensors: number;
  /** What llama.cpp will do otherwise than the training did, a sentence each. */
  readonly notes: readonly string[];
}

/** Writes the GGUF LoRA of the adapter directory `adapter`.
 *  @param options.base looked up in the adapter's config and manifest when left out.
 *  @throws UserError or DataError naming what is missing, does not fit or exists already. */
export function exportGgufLora(
  adapter: string,
  out: string,
  options: { readonly base?: string | undefined; readonly outType: GgufOutType; readonly force: boolean },
): GgufLora {
  checkOutputFile(out, options.force);
  const loaded = readAdapter(adapter);
  const base = findBase(adapter, options.base);
  const model = readBaseConfig(base);
  const targets = checkAdapterFits(loaded, adapter, model);
  const architecture = architectures[model.modelType];
  const alpha = fileAlpha(loaded);
  const metadata = new Map<string, GgufValue>([
    ["general.architecture", { type: "string", value: architecture }],
    ["general.type", { type: "string", value: "adapter" }],
    ["adapter.type", { type: "string", value: "lora" }],
    ["adapter.lora.alpha", { type: "f32", value: alpha }],
    ["general.name", { type: "string", value: basename(resolve(adapter)) }],
    ["general.file_type", { type: "u32", value: fileTypes[options.outType] }],
  ]);
  if (options.outType === "Q8_0") metadata.set("general.quantization_version", { type: "u32", value: 2 });
  const ordered = targets.toSorted((x, y) => (x.module < y.module ? -1 : 1));
  const tensors = ordered.flatMap((target) => loraTensors(target, loaded, model, alpha, options.outType));
  writeGguf(out, metadata, tensors);
  return { path: out, base, architecture, alpha, tensors: tensors.length, notes: ggufNotes(model) };
}

/** llama.cpp has one alpha a file and scales by alpha / rank, or not at all when alpha is 0: rank-stabilised LoRA becomes
 *  alpha x sqrt(r), and what differs by module goes into B. */
function fileAlpha({ config }: Adapter): number {
  if (config.alpha === 0) return config.r;
  return config.useRslora ? config.alpha * Math.sqrt(config.r) : config.alpha;
}

function loraTensors(
  target: LoraTarget,
  adapter: Adapter,
  model: ModelConfig,
  alpha: number,
  wanted: GgufOutType,
) {
  const a = adapter.tensors.get(adapterTensorName(target.module, "A"))!;
  const b = adapter.tensors.get(adapterTensorName(target.module, "B"))!;
  const name = `blk.${target.layer}.${blockNames[target.name]}.weight`;
  const heads = permutedHeads(target.name, model);
  return [
    { name: `${name}.lora_a`, shape: a.shape, type: typeFor(a.shape, wanted), values: () => a.data },
    {
      name: `${name}.lora_b`,
      shape: b.shape,
      type: typeFor(b.shape, wanted),
      values: () => {
        const scaled = scaledBy(b.data, (target.scale * target.r) / alpha);
        return heads === undefined ? scaled : permuteRows(scaled, heads, target.r);
      },
    },
  ];
}

/** Rows that are not whole blocks stay in F16, as llama.cpp's converter leaves them. */
function typeFor(shape: readonly number[], wanted: GgufOutType): GgufOutType {
  return shape.at(-1)! % ggufOutTypes[wanted].elements === 0 ? wanted : "F16";
}

function scaledBy(values: Float32Array, factor: number): Float32Array {
  return Math.abs(factor - 1) > 1e-7 ? values.map((x) => x * Math.fround(factor)) : values;
}

/** Heads whose rows the converter interleaves; undefined where it leaves them. */
function permutedHeads(name: LinearName, model: ModelConfig): number | undefined {
  if (architectures[model.modelType] !== "llama") return undefined;
  return name === "q_proj" ? model.heads : name === "k_proj" ? model.kvHeads : undefined;
}

/** `reshape(heads, 2, rows / heads / 2, columns).swapaxes(1, 2)`: row (h, half, i) goes to (h, i, half). */
function permuteRows(values: Float32Array, heads: number, columns: number): Float32Array {
  const rows = values.length / columns;
  const perHead = rows / heads;
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    const inHead = row % perHead;
    const [half, i] = inHead < perHead / 2 ? [0, inHead] : [1, inHead - perHead / 2];
    const to = row - inHead + 2 * i + half;
    out.set(values.subarray(row * columns, (row + 1) * columns), to * columns);
  }
  return out;
}

function ggufNotes(model: ModelConfig): string[] {
  const window = model.slidingWindow.find((tokens) => tokens !== undefined);
  return window === undefined
    ? []
    : [
        `the base attends to the last ${window} tokens; llama.cpp ignores that window, so answers agree only up to ${window} tokens`,
      ];
}

/** The outtype that `--outtype` names.
 *  @throws UserError */
export function outTypeOf(name: string): GgufOutType {
  const found = Object.entries(outTypes).find(([key]) => key === name)?.[1];
  if (found === undefined)
    throw new UserError(`--outtype: expected ${Object.keys(outTypes).join(", ")}, got ${name}`);
  return found;
}
