// Which base an adapter belongs to, and its shape. Weights are not needed for the shape of a directory.

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import { type ModelConfig, readModelConfig } from "../formats/config.ts";
import { GgufBase } from "../formats/gguf-base.ts";
import { isObject, readJsonObject } from "../formats/json-file.ts";
import { readLoraConfig } from "../formats/peft-config.ts";

/** The base that was asked for, or else the one that the adapter names and that is on this machine.
 *  @throws UserError when there is none. */
export function findBase(adapter: string, asked: string | undefined): string {
  if (asked !== undefined) {
    if (!existsSync(asked))
      throw new UserError(`--base ${asked}: expected a model directory or a .gguf file, got nothing there`);
    return asked;
  }
  const named = [readLoraConfig(join(adapter, "adapter_config.json")).baseModel, manifestBase(adapter)];
  const found = named.find((path) => path !== undefined && existsSync(path));
  if (found !== undefined) return found;
  const name = named.find((path) => path !== undefined);
  throw new UserError(
    `--base: expected the base of ${adapter}, got nothing${name === undefined ? "" : ` (the adapter names ${name}, which is not here)`}`,
    { hint: "give the directory or GGUF file of the base with --base" },
  );
}

function manifestBase(adapter: string): string | undefined {
  const path = join(adapter, "manifest.json");
  if (!existsSync(path)) return undefined;
  const { base } = readJsonObject(path, "a run's manifest.json");
  return isObject(base) && typeof base.path === "string" ? base.path : undefined;
}

/** Shape of a base: config.json of a directory, or the header of a GGUF file.
 *  @throws UserError or DataError naming file and field, also for an architecture that is not supported. */
export function readBaseConfig(base: string): ModelConfig {
  if (statSync(base).isDirectory()) return readModelConfig(join(base, "config.json"));
  using file = new GgufBase(base);
  return file.config;
}
