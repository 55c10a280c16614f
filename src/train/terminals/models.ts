// Bases and adapters of a measurement by name, and which adapter belongs to which base.

import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import { UserError } from "../../base/errors.ts";
import { openBase } from "../../formats/base-weights.ts";
import { type Adapter, checkAdapterFits, readAdapter } from "../../formats/peft-adapter.ts";

/** A base or an adapter. */
export interface NamedModel {
  readonly name: string;
  readonly path: string;
}

/** Reads `[NAME=]PATH`; the name is the folder's or file's unless given.
 *  @param others models whose names are taken
 *  @throws UserError for a name that is empty or taken */
export function namedModels(
  flag: "base" | "adapter",
  given: readonly string[],
  others: readonly NamedModel[] = [],
): NamedModel[] {
  const taken = new Set(others.map(({ name }) => name));
  return given.map((text) => {
    // A path may hold the sign itself.
    const at = existsSync(text) ? -1 : text.indexOf("=");
    const path = at > 0 ? text.slice(at + 1) : text;
    const name = at > 0 ? text.slice(0, at) : basename(resolve(path)).replace(/\.gguf$/i, "");
    if (at === 0 || path === "" || name === "")
      throw new UserError(`--${flag}: expected a path or NAME=PATH, got ${text}`);
    if (taken.has(name))
      throw new UserError(`--${flag} ${text}: expected a name that is free, got ${name} again`, {
        hint: `give it another one: --${flag} NAME=${path}`,
      });
    taken.add(name);
    return { name, path };
  });
}

/** Adapters under the name of the base that each fits: the only one, or of several that it fits in shape the one that it names.
 *  @throws UserError or DataError when it fits none, or cannot be told */
export function adaptersByBase(
  bases: readonly NamedModel[],
  adapters: readonly NamedModel[],
): ReadonlyMap<string, readonly (NamedModel & { readonly adapter: Adapter })[]> {
  const owned = new Map<string, (NamedModel & { adapter: Adapter })[]>(bases.map(({ name }) => [name, []]));
  for (const { name, path } of adapters) {
    const adapter = readAdapter(path);
    const fitting = bases.filter((base) => fits(adapter, path, base, bases.length === 1));
    const wanted = adapter.config.baseModel && basename(adapter.config.baseModel);
    const chosen =
      fitting.length > 1 ? fitting.filter((base) => basename(resolve(base.path)) === wanted) : fitting;
    if (chosen.length !== 1)
      throw new UserError(
        `--adapter ${path}: expected one of the bases to be its own, got ${fitting.length} that it fits`,
        { hint: "measure it with its own base alone" },
      );
    owned.get(chosen[0]!.name)!.push({ name, path, adapter });
  }
  return owned;
}

/** @throws DataError when it does not fit the only base */
function fits(adapter: Adapter, path: string, base: NamedModel, isOnly: boolean): boolean {
  using source = openBase(base.path);
  try {
    checkAdapterFits(adapter, path, source.config);
    return true;
  } catch (error) {
    if (isOnly) throw error;
    return false;
  }
}
