// What a plan must know of a base: its shape and how its weights are stored. Files are looked at no further than that, and a
// directory with only a config.json, or the name of a shape, will do.

import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type BaseWeights, openBase } from "../formats/base-weights.ts";
import { type ModelConfig, readModelConfig } from "../formats/config.ts";
import { RandomBase } from "./random-base.ts";

/** A base to plan with. */
export interface PlanBase {
  /** As the user named it. */
  readonly name: string;
  readonly source: Pick<BaseWeights, "config" | "tensors">;
}

/** The base at a path, by its headers; where there are no weights, by its config.json alone.
 *  @throws UserError or DataError when it is no base. */
export function planBase(path: string): PlanBase {
  const config = join(path, "config.json");
  const isDirectory = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (isDirectory && existsSync(config) && !readdirSync(path).some((name) => name.includes(".safetensors")))
    return shapeBase(path, readModelConfig(config));
  using base = openBase(path);
  return { name: path, source: { config: base.config, tensors: base.tensors } };
}

/** A base of which only the shape is known. */
export function shapeBase(name: string, config: ModelConfig): PlanBase {
  const base = new RandomBase(name, config, config.quantization !== undefined);
  return { name, source: { config, tensors: base.tensors } };
}
