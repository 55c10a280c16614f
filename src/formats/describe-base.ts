// What a base consists of, counted: for `inspect model`.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { BaseWeights, StoredType } from "./base-contract.ts";
import { readJsonObject } from "./json-file.ts";

/** Kinds of weights that are planned for together. */
export type WeightClass = "embedding" | "attention" | "mlp" | "router" | "norm" | "bias" | "lm_head";

/** Count and size of a set of tensors. */
export interface WeightSum {
  readonly tensors: number;
  readonly parameters: number;
  /** In the files. */
  readonly bytes: number;
  readonly types: readonly StoredType[];
}

/** Tensors of the same role in every layer, and of every expert: `model.layers.*.mlp.up_proj.weight`. */
export interface TensorRole {
  readonly role: string;
  readonly shape: readonly number[];
  readonly count: number;
  readonly types: readonly StoredType[];
}

/** Everything `inspect model` tells beside the config. */
export interface BaseDescription {
  readonly total: WeightSum;
  readonly classes: Readonly<Partial<Record<WeightClass, WeightSum>>>;
  readonly roles: readonly TensorRole[];
  /** What there is to tokenise and to render chats with; undefined where there is nothing. */
  readonly tokenizer: string | undefined;
  readonly chatTemplate: string | undefined;
}

/** Counts the tensors of an open base and looks for its tokenizer and template; reads no weights. */
export function describeBase(base: BaseWeights): BaseDescription {
  const all = [...base.tensors.values()];
  const sum = (of: typeof all): WeightSum => ({
    tensors: of.length,
    parameters: of.reduce((total, { shape }) => total + shape.reduce((product, n) => product * n, 1), 0),
    bytes: of.reduce((total, { bytes }) => total + bytes, 0),
    types: [...new Set(of.map(({ type }) => type))],
  });
  const roles = Map.groupBy(all, ({ name }) => roleOf(name));
  const classes = Map.groupBy(all, ({ name }) => classOf(name));
  return {
    total: sum(all),
    classes: Object.fromEntries([...classes].map(([name, of]) => [name, sum(of)])),
    roles: [...roles].map(([role, of]) => ({
      role,
      shape: of[0]!.shape,
      count: of.length,
      types: sum(of).types,
    })),
    ...(base.ggufMetadata === undefined ? directoryTexts(base.path) : ggufTexts(base.ggufMetadata)),
  };
}

/** A tensor's name without the numbers of its layer and expert. */
function roleOf(name: string): string {
  return name.replace(/^model\.layers\.\d+\./, "model.layers.*.").replace(/\.experts\.\d+\./, ".experts.*.");
}

function classOf(name: string): WeightClass {
  if (name === "model.embed_tokens.weight") return "embedding";
  if (name === "lm_head.weight") return "lm_head";
  if (name.endsWith(".bias")) return "bias";
  if (name.includes("norm.")) return "norm";
  if (name.endsWith(".gate.weight")) return "router";
  return /\.(mlp|experts)\./.test(name) ? "mlp" : "attention";
}

type Texts = Pick<BaseDescription, "tokenizer" | "chatTemplate">;

function directoryTexts(directory: string): Texts {
  const present = (name: string) => (existsSync(join(directory, name)) ? name : undefined);
  const config = present("tokenizer_config.json");
  const inConfig =
    config !== undefined && readJsonObject(join(directory, config), "a tokenizer's config").chat_template;
  return {
    tokenizer: present("tokenizer.json"),
    chatTemplate:
      present("chat_template.jinja") ??
      (inConfig ? `${config} chat_template` : present("chat_template.json")),
  };
}

function ggufTexts(metadata: ReadonlyMap<string, unknown>): Texts {
  const model = metadata.get("tokenizer.ggml.model");
  return {
    tokenizer: typeof model === "string" ? `tokenizer.ggml (${model})` : undefined,
    chatTemplate: metadata.has("tokenizer.chat_template") ? "tokenizer.chat_template" : undefined,
  };
}
