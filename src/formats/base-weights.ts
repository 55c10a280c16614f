// Opens a base model, whatever it is stored as.

import { statSync } from "node:fs";
import { UserError } from "../base/errors.ts";
import type { BaseWeights } from "./base-contract.ts";
import { GgufBase } from "./gguf-base.ts";
import { HfBase } from "./hf-base.ts";

export type { BaseWeights, QuantisedRows, StoredType, TensorEntry } from "./base-contract.ts";

/** Opens a Hugging Face directory or a GGUF file; close it when done. Only headers are read.
 *  @throws UserError when there is no such base; DataError naming file, place and what is wrong. */
export function openBase(path: string): BaseWeights {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined)
    throw new UserError(`${path}: expected a model directory or a .gguf file, got nothing there`, {
      hint: "give --base the path of a downloaded model",
    });
  return stat.isDirectory() ? new HfBase(path) : new GgufBase(path);
}
