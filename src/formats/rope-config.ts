// The rotary embedding's settings in config.json, in the key styles of transformers 4 and 5.

import { DataError, show } from "../base/errors.ts";
import { isObject, type JsonObject } from "./json-file.ts";

/** How rotary frequencies are changed for longer contexts; transformers `modeling_rope_utils.py`. */
export type RopeScaling =
  | {
      readonly type: "llama3";
      readonly factor: number;
      readonly lowFreqFactor: number;
      readonly highFreqFactor: number;
      /** In tokens. */
      readonly originalMaxPosition: number;
    }
  | { readonly type: "linear"; readonly factor: number };

/** @param defaultTheta the family's own `rope_theta`.
 *  @returns rotary base and scaling from `rope_scaling`, else `rope_parameters`, else `rope_theta`, as `convert_rope_params_to_dict`. */
export function readRope(
  raw: JsonObject,
  file: string,
  defaultTheta: number,
): { ropeTheta: number; ropeScaling: RopeScaling | undefined } {
  const name = raw.rope_scaling ? "rope_scaling" : "rope_parameters";
  const given = raw.rope_scaling || raw.rope_parameters || {};
  const fail = (key: string, expected: string, got: unknown): DataError =>
    new DataError(
      { file, field: key === "" ? name : `${name}.${key}` },
      `expected ${expected}, got ${show(got)}`,
    );
  if (!isObject(given)) throw fail("", "an object", given);
  const number = (key: string, fallback?: unknown): number => {
    const value = given[key] ?? fallback;
    if (typeof value !== "number" || !Number.isFinite(value) || value <= 0)
      throw fail(key, "a number above 0", value);
    return value;
  };
  for (const key of ["full_attention", "sliding_attention"])
    if (given[key] !== undefined) throw fail(key, "one set of parameters for all layers", given[key]);
  if ((given.partial_rotary_factor ?? 1) !== 1)
    throw fail("partial_rotary_factor", "1 (every dimension is rotated)", given.partial_rotary_factor);
  const ropeTheta = number("rope_theta", raw.rope_theta ?? defaultTheta);
  const type = given.rope_type ?? given.type ?? "default";
  if (type === "default") return { ropeTheta, ropeScaling: undefined };
  const factor = number("factor");
  if (type === "linear") return { ropeTheta, ropeScaling: { type, factor } };
  if (type !== "llama3") throw fail("rope_type", "default, linear or llama3", type);
  const lowFreqFactor = number("low_freq_factor");
  const highFreqFactor = number("high_freq_factor");
  if (highFreqFactor <= lowFreqFactor)
    throw fail("high_freq_factor", `more than low_freq_factor ${lowFreqFactor}`, highFreqFactor);
  // A top-level value has priority, and the context length is the last resort, as in `standardize_rope_params`.
  const originalMaxPosition =
    typeof raw.original_max_position_embeddings === "number"
      ? raw.original_max_position_embeddings
      : number("original_max_position_embeddings", raw.max_position_embeddings);
  return { ropeTheta, ropeScaling: { type, factor, lowFreqFactor, highFreqFactor, originalMaxPosition } };
}
