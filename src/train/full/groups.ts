// Groups of a base's own parameters by name, as --full and stages give them, and the tensors that they stand for.

import { closest, show, UserError } from "../../base/errors.ts";
import type { BaseWeights, TensorEntry } from "../../formats/base-weights.ts";
import type { ModelConfig } from "../../formats/config.ts";
import { isFloatType } from "../../formats/dtype.ts";
import { type LayerRange, layerRange } from "../../formats/layer-list.ts";
import type { TrainedTensor } from "../../model/trained-plan.ts";

/** Groups whose tensors lie in the layers, and which a range of layers narrows down. */
const layerGroups = ["attention", "norms", "mlp", "router"] as const;
const groupNames = [...layerGroups, "embeddings", "lm_head", "all", "lora"] as const;
type GroupName = (typeof groupNames)[number];

/** What a list of groups stands for. */
export interface Groups {
  /** The base's own weights, in the order of the model. */
  readonly tensors: readonly TrainedTensor[];
  /** `lora` is among them. */
  readonly adapter: boolean;
}

/** The part of a base that groups are about. */
export type GroupedBase = Pick<BaseWeights, "config" | "tensors">;

/** Resolves groups. `layers:A-B` (both included) narrows attention, norms, mlp and router down to those layers, and stands for all
 *  of those layers where none of the four is named.
 *  @param who what names the groups, for the message
 *  @param load4bit linear layers are held in 4 bits
 *  @throws UserError for an unknown group or layer, one that the base does not have, and for weights that are held quantised */
export function resolveGroups(
  who: string,
  names: readonly string[],
  base: GroupedBase,
  load4bit: boolean,
): Groups {
  const { groups, range } = parseGroups(who, names, base);
  const adapter = groups.has("lora");
  const chosen = [...base.tensors.values()].filter(({ name }) => isChosen(name, groups, range, base.config));
  const own = [...groups].some((group) => group !== "lora") || range !== undefined;
  if (own && chosen.length === 0)
    throw new UserError(`${who}: expected groups with weights in them, got ${names.join(", ")}`);
  for (const entry of chosen) checkTrainable(who, entry, load4bit);
  return { tensors: chosen.map(trainedTensor), adapter };
}

function parseGroups(
  who: string,
  names: readonly string[],
  { config, tensors }: GroupedBase,
): { groups: ReadonlySet<GroupName>; range: LayerRange | undefined } {
  if (names.length === 0) throw new UserError(`${who}: expected a group of parameters, got none`);
  const groups = new Set<GroupName>();
  let range: LayerRange | undefined;
  for (const name of names) {
    if (name.startsWith("layers:")) {
      if (range) throw new UserError(`${who}: expected one range of layers, got ${name} too`);
      range = parseRange(who, name, config.layers);
    } else if (isGroup(name)) groups.add(name);
    else {
      const near = closest(name, groupNames);
      throw new UserError(
        `${who}: expected ${groupNames.join(", ")} or layers:FROM-TO, got ${show(name)}`,
        near === undefined ? {} : { hint: `did you mean ${near}?` },
      );
    }
  }
  if (groups.has("all") && (range || [...groups].some((group) => group !== "all" && group !== "lora")))
    throw new UserError(`${who}: expected all by itself or with lora, got ${names.join(", ")}`, {
      hint: "all is every weight of the base already",
    });
  if (groups.has("router") && ![...tensors.keys()].some(isRouter))
    throw new UserError(`${who}: expected a base with experts for router, got ${config.modelType}`, {
      hint: "leave router out; a base without experts has none",
    });
  return { groups, range };
}

function isGroup(name: string): name is GroupName {
  return (groupNames as readonly string[]).includes(name);
}

function parseRange(who: string, text: string, layers: number): LayerRange {
  const range = layerRange(text.slice("layers:".length));
  if (!range) throw new UserError(`${who}: expected a range such as layers:20-31, got ${show(text)}`);
  if (range.to >= layers)
    throw new UserError(`${who} ${text}: expected layers from 0 to ${layers - 1}, got ${range.to}`, {
      hint: `the base has ${layers} layers, counted from 0; the last is included`,
    });
  return range;
}

function isChosen(
  name: string,
  groups: ReadonlySet<GroupName>,
  range: LayerRange | undefined,
  config: ModelConfig,
): boolean {
  if (groups.has("all")) return true;
  if (name === "model.embed_tokens.weight")
    return groups.has("embeddings") || (config.tieWordEmbeddings && groups.has("lm_head"));
  if (name === "lm_head.weight") return groups.has("lm_head");
  const layer = /^model\.layers\.(\d+)\./.exec(name)?.[1];
  if (range && (layer === undefined || Number(layer) < range.from || Number(layer) > range.to)) return false;
  const wholeLayers = range !== undefined && !layerGroups.some((group) => groups.has(group));
  return wholeLayers || groups.has(groupOf(name));
}

/** The group of a tensor inside a layer, or of the final norm. */
function groupOf(name: string): GroupName {
  if (/norm\.weight$/.test(name)) return "norms";
  if (/\.self_attn\./.test(name)) return "attention";
  return isRouter(name) ? "router" : "mlp";
}

function isRouter(name: string): boolean {
  return /\.(block_sparse_moe|mlp)\.gate\.weight$/.test(name);
}

function checkTrainable(who: string, { name, type, shape }: TensorEntry, load4bit: boolean): void {
  const others = "train norms or lora, or use an unquantised base";
  if (!isFloatType(type))
    throw new UserError(`${who}: expected weights in F32, F16 or BF16, got ${name} quantised as ${type}`, {
      hint: `quantised weights cannot be trained: ${others}`,
    });
  const held = load4bit && shape.length === 2 && /(_proj|\.experts\.\d+\.w[123])\.weight$/.test(name);
  if (held)
    throw new UserError(`${who}: expected weights that are not held in 4 bits, got ${name}`, {
      hint: "leave --load-4bit out, or train norms, embeddings, lm_head or lora, which it does not touch",
    });
}

function trainedTensor({ name, shape }: TensorEntry): TrainedTensor {
  return { name, shape, small: shape.length === 1 || isRouter(name) };
}
